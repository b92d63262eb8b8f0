package lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Cases that want a provider for themselves: bodies at Dubbo's own limit, and many callers at once. */
final class LargeCases {
    /** Dubbo's default {@code payload}: a body of so many bytes still passes. */
    private static final int LIMIT = 8 * 1024 * 1024;
    private static final Pattern TOO_LARGE = Pattern.compile("too large: (\\d+), max payload: (\\d+)");
    private static final int CALLERS = 200;
    private static final int CALLS_EACH = 5;

    private interface Sized {
        Object call(int length) throws Exception;
    }

    private LargeCases() {
    }

    static void into(Map<String, Cases.Case> all) {
        all.put("payload.request", steps -> {
            int length = fitting(steps, size -> steps.invoke("interop", "length", (Object) new byte[size]));
            steps.call("interop", "length", (Object) new byte[length]);
        });
        all.put("payload.request-over", steps -> steps.call("interop", "length", (Object) new byte[LIMIT + 1]));
        all.put("payload.reply", steps -> {
            int length = fitting(steps, size -> steps.invoke("interop", "make", size));
            steps.call("interop", "make", length);
        });
        all.put("payload.reply-over", steps -> steps.call("interop", "make", LIMIT + 1));
        all.put("callers", LargeCases::callers);
    }

    /** The longest byte array whose body is one byte under the limit, as far as Dubbo's complaint about a longer one tells. */
    private static int fitting(Steps steps, Sized sized) {
        steps.prepare(Map.of());
        try {
            sized.call(LIMIT);
        } catch (Exception e) {
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                Matcher found = TOO_LARGE.matcher(String.valueOf(cause.getMessage()));
                if (found.find()) {
                    return LIMIT - (Integer.parseInt(found.group(1)) - (Integer.parseInt(found.group(2)) - 1));
                }
            }
            throw new IllegalStateException("no word on the size", e);
        }
        throw new IllegalStateException("a body over the limit was sent");
    }

    private static void callers(Steps steps) throws InterruptedException {
        AtomicInteger own = new AtomicInteger();
        AtomicInteger others = new AtomicInteger();
        List<String> thrown = new ArrayList<>();
        CountDownLatch start = new CountDownLatch(1);
        List<Thread> threads = new ArrayList<>();
        for (int caller = 0; caller < CALLERS; caller++) {
            String mine = "caller " + caller;
            Thread thread = new Thread(() -> {
                try {
                    start.await();
                    for (int call = 0; call < CALLS_EACH; call++) {
                        Dubbo.setRequestAttachments(Map.of());
                        boolean right = mine.equals(steps.invoke("interop", "text", mine));
                        (right ? own : others).incrementAndGet();
                    }
                } catch (Exception e) {
                    synchronized (thrown) {
                        thrown.add(e.toString());
                    }
                }
            });
            thread.start();
            threads.add(thread);
        }
        start.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
        steps.saw("answered with their own", own.get());
        steps.saw("answered with another's", others.get());
        steps.saw("threw", thrown.isEmpty() ? "none" : thrown.size() + ", such as " + thrown.get(0));
    }
}
