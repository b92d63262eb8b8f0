package lab;

import com.example.AsyncService;
import com.example.GreetingService;
import com.example.InteropService;
import com.example.LedgerService;
import com.example.Order;
import com.example.OutOfStockException;
import com.example.TypesService;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** What the provider runs, and how often each of it ran. Knows nothing of a Dubbo release but through {@link Dubbo}. */
final class Services {
    private static final ConcurrentHashMap<String, AtomicLong> RUNS = new ConcurrentHashMap<>();
    private static final ConcurrentHashMap<String, Long> LATEST = new ConcurrentHashMap<>();

    private Services() {
    }

    /** The implementation of an interface, which counts under the given label and keeps what it is told to keep. */
    static Object implementation(Class<?> type, String label, int delayMillis) {
        if (type == GreetingService.class) {
            return Seen.by(type, new Greeting(label, delayMillis));
        }
        if (type == InteropService.class) {
            return Seen.by(type, new Interop(label, delayMillis));
        }
        if (type == AsyncService.class) {
            return Seen.by(type, new Async(label, delayMillis));
        }
        if (type == TypesService.class) {
            return Seen.by(type, null);
        }
        if (type == LedgerService.class) {
            return new Ledger(delayMillis);
        }
        throw new IllegalArgumentException("no implementation of " + type.getName() + " is here");
    }

    /** Calls so far by {@code label.method}. */
    static Map<String, Long> counts() {
        Map<String, Long> counts = new TreeMap<>();
        RUNS.forEach((key, value) -> counts.put(key, value.get()));
        return counts;
    }

    /** When each {@code label.method} began last, in milliseconds since 1970. */
    static Map<String, Long> latest() {
        return new TreeMap<>(LATEST);
    }

    private abstract static class Counted {
        final String label;
        private final int delayMillis;

        Counted(String label, int delayMillis) {
            this.label = label;
            this.delayMillis = delayMillis;
        }

        void ran(String method) {
            String name = label + "." + method;
            LATEST.merge(name, System.currentTimeMillis(), Math::max);
            RUNS.computeIfAbsent(name, key -> new AtomicLong()).incrementAndGet();
            sleep(delayMillis);
        }

        static void sleep(int millis) {
            if (millis <= 0) {
                return;
            }
            try {
                Thread.sleep(millis);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static final class Greeting extends Counted implements GreetingService {
        Greeting(String label, int delayMillis) {
            super(label, delayMillis);
        }

        @Override
        public String sayHello(String name) {
            ran("sayHello");
            return "Hello " + name + ", this is " + label;
        }
    }

    private static final class Async extends Counted implements AsyncService {
        Async(String label, int delayMillis) {
            super(label, delayMillis);
        }

        @Override
        public CompletableFuture<String> later(String text, int millis) {
            ran("later");
            return CompletableFuture.supplyAsync(() -> {
                sleep(millis);
                return text + " from another thread";
            });
        }

        @Override
        public CompletableFuture<String> failsLater(String why) {
            ran("failsLater");
            CompletableFuture<String> future = new CompletableFuture<>();
            future.completeExceptionally(new OutOfStockException(why, 44));
            return future;
        }
    }

    private static final class Interop extends Counted implements InteropService {
        private final ConcurrentHashMap<String, AtomicInteger> notes = new ConcurrentHashMap<>();

        Interop(String label, int delayMillis) {
            super(label, delayMillis);
        }

        @Override
        public String text(String text) {
            ran("text");
            return text;
        }

        @Override
        public Order order(Order order) {
            ran("order");
            return order;
        }

        @Override
        public Map<String, List<Order.Item>> byName(List<Order.Item> items) {
            ran("byName");
            Map<String, List<Order.Item>> groups = new LinkedHashMap<>();
            for (Order.Item item : items) {
                groups.computeIfAbsent(item.getName(), name -> new ArrayList<>()).add(item);
            }
            return groups;
        }

        @Override
        public Order nothing(String why) {
            ran("nothing");
            return null;
        }

        @Override
        public void silent(String text) {
            ran("silent");
        }

        @Override
        public long add(int a, long b) {
            ran("add");
            return a + b;
        }

        @Override
        public String add(String a, String b) {
            ran("add");
            return a + b;
        }

        @Override
        public String declared(String why) throws OutOfStockException {
            ran("declared");
            throw new OutOfStockException(why, 42);
        }

        @Override
        public String undeclared(String why) {
            ran("undeclared");
            throw new IllegalStateException(why);
        }

        @Override
        public String caused(String why) throws OutOfStockException {
            ran("caused");
            OutOfStockException thrown = new OutOfStockException(why, 43);
            thrown.initCause(new IllegalArgumentException("in between", new IllegalStateException("the root")));
            throw thrown;
        }

        @Override
        public String wordless(String why) {
            ran("wordless");
            throw new IllegalStateException();
        }

        @Override
        public String foreign(String why) {
            ran("foreign");
            throw new com.google.gson.JsonParseException(why);
        }

        @Override
        public String newer(String why) throws Exception {
            ran("newer");
            throw Newer.exception(why);
        }

        @Override
        public void note(String text) {
            ran("note");
            notes.computeIfAbsent(text, key -> new AtomicInteger()).incrementAndGet();
        }

        @Override
        public int noted(String text) {
            AtomicInteger count = notes.get(text);
            return count == null ? 0 : count.get();
        }

        @Override
        public byte[] bytes(byte[] payload) {
            ran("bytes");
            return payload;
        }

        @Override
        public byte[] make(int length) {
            ran("make");
            return new byte[length];
        }

        @Override
        public int length(byte[] payload) {
            ran("length");
            return payload.length;
        }

        @Override
        public String later(String text, int millis) {
            ran("later");
            sleep(millis);
            return text;
        }

        @Override
        public String slow(String text, int millis) {
            ran("slow");
            sleep(millis);
            return text;
        }

        @Override
        public Map<String, String> attachments(String reply) {
            ran("attachments");
            Dubbo.setReplyAttachment("reply", reply);
            return new TreeMap<>(Dubbo.requestAttachments());
        }

        @Override
        public Object attached(String name) {
            ran("attached");
            Object value = Dubbo.requestObject(name);
            Dubbo.setReplyObject("reply." + name, value);
            return value;
        }
    }
}
