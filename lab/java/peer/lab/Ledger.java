package lab;

import com.example.LedgerService;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * Writes a line {@code KEY ATTEMPT MILLIS} for each run, when it begins, into the file of {@code -Dlab.ledger}: what was written
 * outlives a provider that is killed.
 */
final class Ledger implements LedgerService {
    /** The attachment in which a caller's filter numbers what it sends. */
    static final String ATTEMPT = "lab.attempt";

    private final FileOutputStream file;
    private final int delayMillis;

    Ledger(int delayMillis) {
        this.delayMillis = delayMillis;
        try {
            file = new FileOutputStream(System.getProperty("lab.ledger"), true);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String record(String key) {
        String attempt = Dubbo.requestAttachments().get(ATTEMPT);
        String line = key + " " + attempt + " " + System.currentTimeMillis() + "\n";
        try {
            synchronized (file) {
                file.write(line.getBytes(StandardCharsets.UTF_8));
            }
            Thread.sleep(delayMillis);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return key;
    }
}
