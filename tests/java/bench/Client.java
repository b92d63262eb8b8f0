package bench;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;

/**
 * A consumer of released Dubbo that calls the provider at the address that it was started with, over the one connection that Dubbo makes
 * by default: for each line {@code threads N BYTES MILLIS} or {@code futures N BYTES MILLIS} on stdin so many callers call for so long,
 * each with one call at a time and a text so long, and it says {@code count nanos}. {@code threads} are threads that wait for their
 * answers; with {@code futures} whoever brings an answer makes the caller's next call.
 *
 * <p>Every answer is compared. One that is wrong ends the process.
 */
public final class Client {
    /** What the provider has: it answers each method with its argument. */
    public interface Echo {
        String echo(String text);

        CompletableFuture<String> later(String text);
    }

    private final Echo echo;
    private final Map<Integer, ExecutorService> threads = new HashMap<>();

    private Client(Echo echo) {
        this.echo = echo;
    }

    public static void main(String[] arguments) {
        int code = 0;
        try {
            serve(new Client(refer(arguments[0])));
        } catch (Exception error) {
            error.printStackTrace();
            code = 1;
        }
        // Dubbo's threads and ours would keep the process.
        System.exit(code);
    }

    private static void serve(Client client) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ");
            int callers = Integer.parseInt(words[1]);
            String text = "a".repeat(Integer.parseInt(words[2]));
            long began = System.nanoTime();
            long end = began + Long.parseLong(words[3]) * 1_000_000;
            long count;
            switch (words[0]) {
                case "threads":
                    count = client.byThreads(callers, text, end);
                    break;
                case "futures":
                    count = client.byFutures(callers, text, end);
                    break;
                default:
                    throw new IllegalArgumentException("found " + words[0] + ", wanted threads or futures");
            }
            System.out.println(count + " " + (System.nanoTime() - began));
        }
    }

    /** A reference without a registry; all that is not said here is Dubbo's default. */
    private static Echo refer(String address) throws UnknownHostException {
        ApplicationConfig application = new ApplicationConfig("bench-consumer");
        application.setQosEnable(false);
        DubboBootstrap.getInstance().application(application).registry(new RegistryConfig("N/A")).start();
        ReferenceConfig<Echo> reference = new ReferenceConfig<>();
        reference.setInterface(Echo.class);
        reference.setUrl("dubbo://" + asNumber(address) + "?serialization=hessian2");
        reference.setCheck(false);
        reference.setRetries(0);
        reference.setTimeout(10_000);
        return reference.get();
    }

    /**
     * The address with its host as one number: for one that begins with {@code 127.} Dubbo takes another of this machine's, where the
     * provider does not listen.
     */
    private static String asNumber(String address) throws UnknownHostException {
        int colon = address.lastIndexOf(':');
        byte[] host = InetAddress.getByName(address.substring(0, colon)).getAddress();
        return new BigInteger(1, host) + address.substring(colon);
    }

    /** Threads are kept for the next time, so that none is made while it counts. */
    private long byThreads(int callers, String text, long end) throws Exception {
        ExecutorService pool = threads.computeIfAbsent(callers, Executors::newFixedThreadPool);
        List<Future<Long>> counts = new ArrayList<>();
        for (int caller = 0; caller < callers; caller++) {
            counts.add(pool.submit(() -> {
                long count = 0;
                while (System.nanoTime() < end) {
                    check(text, echo.echo(text));
                    count++;
                }
                return count;
            }));
        }
        long count = 0;
        for (Future<Long> one : counts) {
            count += one.get();
        }
        return count;
    }

    private long byFutures(int callers, String text, long end) throws Exception {
        List<CompletableFuture<Long>> counts = new ArrayList<>();
        for (int caller = 0; caller < callers; caller++) {
            CompletableFuture<Long> count = new CompletableFuture<>();
            counts.add(count);
            next(text, end, 0, count);
        }
        long count = 0;
        for (CompletableFuture<Long> one : counts) {
            count += one.get();
        }
        return count;
    }

    /** One call, and behind its answer the next. */
    private void next(String text, long end, long before, CompletableFuture<Long> count) {
        echo.later(text).whenComplete((answer, error) -> {
            if (error != null) {
                count.completeExceptionally(error);
                return;
            }
            try {
                check(text, answer);
                if (System.nanoTime() < end) {
                    next(text, end, before + 1, count);
                } else {
                    count.complete(before + 1);
                }
            } catch (RuntimeException wrong) {
                count.completeExceptionally(wrong);
            }
        });
    }

    private static void check(String text, String answer) {
        if (!text.equals(answer)) {
            throw new IllegalStateException("another answer: " + answer);
        }
    }
}
