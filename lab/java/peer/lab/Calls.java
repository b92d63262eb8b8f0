package lab;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;

/** Calls on a reference: one with everything there is to see of it, or many with a tally. */
final class Calls {
    /** More distinct results or errors than this are not listed one by one. */
    private static final int LISTED = 20;

    private final Object proxy;
    private final boolean generic;
    private final Method method;
    private final Messages.Call wanted;
    private final Object[] arguments;

    Calls(Object proxy, boolean generic, Messages.Call wanted) throws NoSuchMethodException {
        this.proxy = proxy;
        this.generic = generic;
        this.wanted = wanted;
        this.method = generic ? null : find(proxy, wanted);
        this.arguments = arguments();
    }

    private static Method find(Object proxy, Messages.Call wanted) throws NoSuchMethodException {
        for (Class<?> type : proxy.getClass().getInterfaces()) {
            if (!type.getName().startsWith("com.example.")) {
                continue;
            }
            for (Method method : type.getMethods()) {
                if (method.getName().equals(wanted.method)
                        && method.getParameterCount() == wanted.arguments.size()
                        && (wanted.types == null || wanted.types.equals(names(method)))) {
                    return method;
                }
            }
        }
        throw new NoSuchMethodException(wanted.method + " with " + wanted.arguments.size() + " arguments");
    }

    private static List<String> names(Method method) {
        List<String> names = new ArrayList<>();
        for (Class<?> type : method.getParameterTypes()) {
            names.add(type.getName());
        }
        return names;
    }

    private Object[] arguments() {
        Object[] values = new Object[wanted.arguments.size()];
        for (int i = 0; i < values.length; i++) {
            JsonElement value = wanted.arguments.get(i);
            values[i] = generic
                    ? Json.generic(value, wanted.types.get(i))
                    : Json.GSON.fromJson(value, method.getGenericParameterTypes()[i]);
        }
        return values;
    }

    private Object once() throws Throwable {
        Dubbo.setRequestAttachments(wanted.attachments);
        if (generic) {
            return Dubbo.invokeGeneric(proxy, wanted.method, wanted.types.toArray(new String[0]), arguments);
        }
        try {
            return method.invoke(proxy, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    /** One call: result or exception, the attachments of the answer, how long it took. */
    JsonObject one() {
        JsonObject answer = new JsonObject();
        long begin = System.nanoTime();
        try {
            Object result = once();
            answer.addProperty("elapsed_us", (System.nanoTime() - begin) / 1000);
            answer.add("result", Json.GSON.toJsonTree(result));
            answer.add("attachments", Json.GSON.toJsonTree(Dubbo.replyAttachments()));
        } catch (Throwable e) {
            answer.addProperty("elapsed_us", (System.nanoTime() - begin) / 1000);
            JsonObject thrown = new JsonObject();
            thrown.addProperty("class", e.getClass().getName());
            thrown.addProperty("message", e.getMessage());
            if (e instanceof com.example.OutOfStockException) {
                thrown.addProperty("code", ((com.example.OutOfStockException) e).getCode());
            }
            answer.add("thrown", thrown);
        }
        return answer;
    }

    /** Many calls from many threads, counted by result and by error. */
    JsonObject many() throws InterruptedException {
        Tally tally = new Tally();
        CountDownLatch start = new CountDownLatch(1);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < wanted.threads; i++) {
            Thread thread = new Thread(() -> worker(start, tally), "caller-" + i);
            thread.start();
            threads.add(thread);
        }
        start.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
        return tally.json();
    }

    private void worker(CountDownLatch start, Tally tally) {
        try {
            start.await();
            long end = System.nanoTime() + wanted.for_ms * 1_000_000;
            for (int i = 0; wanted.for_ms > 0 ? System.nanoTime() < end : i < wanted.calls_per_thread; i++) {
                long begin = System.nanoTime();
                try {
                    Object result = once();
                    tally.result(Json.GSON.toJson(result), System.nanoTime() - begin);
                } catch (Throwable e) {
                    tally.error(e.getClass().getName() + ": " + e.getMessage(), System.nanoTime() - begin);
                }
                if (wanted.pause_ms > 0) {
                    Thread.sleep(wanted.pause_ms);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static final class Tally {
        private long ok;
        private long failed;
        private long slowestNanos;
        private final Map<String, Long> results = new TreeMap<>();
        private final Map<String, Long> errors = new TreeMap<>();

        synchronized void result(String text, long nanos) {
            ok++;
            count(results, text.length() > 200 ? text.substring(0, 200) : text);
            slowestNanos = Math.max(slowestNanos, nanos);
        }

        synchronized void error(String text, long nanos) {
            failed++;
            count(errors, text.length() > 400 ? text.substring(0, 400) : text);
            slowestNanos = Math.max(slowestNanos, nanos);
        }

        private static void count(Map<String, Long> into, String text) {
            if (into.size() < LISTED || into.containsKey(text)) {
                into.merge(text, 1L, Long::sum);
            }
        }

        synchronized JsonObject json() {
            JsonObject all = new JsonObject();
            all.addProperty("ok", ok);
            all.addProperty("failed", failed);
            all.addProperty("slowest_us", slowestNanos / 1000);
            all.add("results", Json.GSON.toJsonTree(results));
            all.add("errors", Json.GSON.toJsonTree(errors));
            return all;
        }
    }
}
