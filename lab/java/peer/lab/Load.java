package lab;

import com.example.LedgerService;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Steady calls with a key each, from several threads on each of several references, until it is told to end. */
final class Load {
    /** Whom the last attempt of this thread's call was handed to, `host:port`; unknown where it found nobody. */
    static final ThreadLocal<String> ASKED = new ThreadLocal<>();
    /** A thread that calls has come to nothing for so long does not hold up the end. */
    private static final long LAST_CALL_MILLIS = 20_000;

    /** One call: when it began, how long it took, who was asked last, and what was thrown, if anything. */
    private static final class Call {
        final String key;
        final long beganMillis;
        final long tookMicros;
        final String asked;
        final Throwable thrown;

        Call(String key, long beganMillis, long tookMicros, String asked, Throwable thrown) {
            this.key = key;
            this.beganMillis = beganMillis;
            this.tookMicros = tookMicros;
            this.asked = asked;
            this.thrown = thrown;
        }
    }

    private final List<Call> calls = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();
    private final Messages.Load wanted;
    private volatile boolean ending;
    private long lastFailureMillis;

    Load(Messages.Load wanted, Map<String, LedgerService> references) {
        this.wanted = wanted;
        references.forEach((name, service) -> {
            for (int i = 0; i < wanted.threads; i++) {
                String stem = wanted.stem + "/" + name + "/" + i + "/";
                Thread thread = new Thread(() -> run(stem, service), "load-" + name + "-" + i);
                threads.add(thread);
                thread.start();
            }
        });
    }

    private void run(String stem, LedgerService service) {
        long next = System.nanoTime();
        for (int number = 0; !ending; number++) {
            String key = stem + number;
            long beganMillis = System.currentTimeMillis();
            long begin = System.nanoTime();
            Throwable thrown = null;
            ASKED.remove();
            try {
                String answer = service.record(key);
                if (!key.equals(answer)) {
                    thrown = new IllegalStateException("the answer of another call: " + answer);
                }
            } catch (Throwable e) {
                thrown = e;
            }
            note(new Call(key, beganMillis, (System.nanoTime() - begin) / 1000, ASKED.get(), thrown));
            next = Math.max(next + wanted.pause_ms * 1_000_000L, System.nanoTime());
            try {
                Thread.sleep(Math.max(0, (next - System.nanoTime()) / 1_000_000));
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private synchronized void note(Call call) {
        calls.add(call);
        if (call.thrown != null) {
            lastFailureMillis = System.currentTimeMillis();
        }
    }

    /** How many calls have ended, and when the last one failed. */
    synchronized JsonObject progress() {
        JsonObject progress = new JsonObject();
        progress.addProperty("ended", calls.size());
        progress.addProperty("last_failure_ms", lastFailureMillis);
        return progress;
    }

    /** Ends it and gives every call. */
    JsonArray end() throws InterruptedException {
        ending = true;
        for (Thread thread : threads) {
            thread.join(LAST_CALL_MILLIS);
        }
        JsonArray all = new JsonArray();
        synchronized (this) {
            for (Call call : calls) {
                JsonObject one = new JsonObject();
                one.addProperty("key", call.key);
                one.addProperty("began_ms", call.beganMillis);
                one.addProperty("took_us", call.tookMicros);
                one.addProperty("asked", call.asked);
                if (call.thrown != null) {
                    String message = String.valueOf(call.thrown.getMessage());
                    one.addProperty("class", call.thrown.getClass().getName());
                    one.addProperty("message", message.length() > 2000 ? message.substring(0, 2000) : message);
                }
                all.add(one);
            }
        }
        return all;
    }
}
