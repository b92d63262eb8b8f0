package lab;

import com.google.gson.JsonObject;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Date;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Everything about a call but the types of its values: exceptions, ways to call, attachments, who is called. */
final class CallCases {
    private static final String[] TEXT = {"java.lang.String"};
    /** For what arrives without anybody waiting for it. */
    private static final long ARRIVING = TimeUnit.SECONDS.toNanos(10);

    private CallCases() {
    }

    static void into(Map<String, Cases.Case> all) {
        exceptions(all);
        ways(all);
        generic(all);
        attachments(all);
        choice(all);
    }

    private static void exceptions(Map<String, Cases.Case> all) {
        all.put("thrown.declared", steps -> steps.call("interop", "declared", "no pears 🚀"));
        all.put("thrown.runtime", steps -> steps.call("interop", "undeclared", "broken"));
        all.put("thrown.caused", steps -> steps.call("interop", "caused", "with causes"));
        all.put("thrown.no-message", steps -> {
            steps.call("interop", "wordless", "x");
            steps.call("interop", "declared", (Object) null);
        });
        all.put("thrown.foreign", steps -> steps.call("interop", "foreign", "from a library"));
        all.put("thrown.unknown-class", steps -> steps.call("interop", "newer", "from a newer interface"));
    }

    private static void ways(Map<String, Cases.Case> all) {
        all.put("void", steps -> steps.call("interop", "silent", "x"));
        all.put("null-result", steps -> steps.call("interop", "nothing", "x"));
        all.put("overloads", steps -> {
            steps.call("interop", "add", 2, 1L << 40);
            steps.call("interop", "add", "a", "b");
        });
        all.put("one-way", steps -> oneWay(steps, "interop"));
        all.put("one-way.unsent", steps -> oneWay(steps, "unsent"));
        all.put("async.reference", steps -> {
            steps.step(() -> steps.invoke("interop", "later", "in a while", 50));
            steps.step(() -> Dubbo.later().get(20, TimeUnit.SECONDS));
        });
        all.put("async.signature", steps -> {
            steps.step(() -> future(steps, "later", "asked", 50));
            steps.step(() -> future(steps, "failsLater", "failed"));
        });
        all.put("echo", steps -> {
            steps.step(() -> Dubbo.echo(steps.proxy("interop"), "anybody there? 🚀"));
            steps.step(() -> Dubbo.echo(steps.proxy("interop"), TypeCases.order()));
        });
        all.put("timeout", steps -> {
            long begin = System.nanoTime();
            steps.call("interop", "slow", "too late", 3_000);
            // The reference gives it 800 ms.
            steps.saw("gave up before the provider was done", System.nanoTime() - begin < TimeUnit.MILLISECONDS.toNanos(2_800));
        });
    }

    private static Object future(Steps steps, String method, Object... arguments) throws Exception {
        return ((java.util.concurrent.Future<?>) steps.invoke("async", method, arguments)).get(20, TimeUnit.SECONDS);
    }

    /** Nobody waits for it, but it arrives, once. */
    private static void oneWay(Steps steps, String kind) throws Exception {
        String note = "note " + System.nanoTime();
        steps.prepare(Collections.emptyMap());
        steps.saw("returned at once", steps.invoke(kind, "note", note));
        long end = System.nanoTime() + ARRIVING;
        int noted = 0;
        while (noted == 0) {
            Dubbo.setRequestAttachments(Collections.emptyMap());
            noted = (Integer) steps.invoke("interop", "noted", note);
            if (System.nanoTime() > end) {
                throw new TimeoutException("the note never arrived");
            }
        }
        // Another call behind it on the same connection: a second one would be there by now.
        Dubbo.setRequestAttachments(Collections.emptyMap());
        steps.saw("arrived", steps.invoke("interop", "noted", note));
    }

    private static void generic(Map<String, Cases.Case> all) {
        all.put("generic", steps -> {
            generic(steps, "generic", "text", TEXT, "plain 🚀");
            generic(steps, "generic", "add", new String[] {"int", "long"}, 5, 6L);
            generic(steps, "generic", "add", new String[] {"java.lang.String", "java.lang.String"}, "a", "b");
            generic(steps, "generic", "nothing", TEXT, "x");
            generic(steps, "generic", "silent", TEXT, "x");
        });
        all.put("generic.objects", steps -> {
            Map<String, Object> item = new LinkedHashMap<>();
            item.put("class", "com.example.Order$Item");
            item.put("name", "pear");
            item.put("count", 3);
            item.put("price", new BigDecimal("1.25"));
            Map<String, Object> order = new LinkedHashMap<>();
            order.put("class", "com.example.Order");
            order.put("id", 5L);
            order.put("state", "PAID");
            order.put("placed", new Date(1_700_000_000_123L));
            order.put("items", new ArrayList<>(Arrays.asList(item, item)));
            order.put("favourites", new HashMap<>(Collections.singletonMap("one", item)));
            generic(steps, "generic", "order", new String[] {"com.example.Order"}, order);
            generic(steps, "generic", "byName", new String[] {"java.util.List"}, new ArrayList<>(Arrays.asList(item)));
        });
        all.put("generic.thrown", steps -> {
            generic(steps, "generic", "declared", TEXT, "no pears");
            generic(steps, "generic", "undeclared", TEXT, "broken");
        });
        all.put("generic.unknown-method", steps -> generic(steps, "generic", "nowhere", TEXT, "x"));
        all.put("generic.async", steps ->
                steps.step(() -> Dubbo.invokeGenericAsync(steps.proxy("generic"), "text", TEXT, new Object[] {"later"}).get(20, TimeUnit.SECONDS)));
        all.put("generic.nativejava", steps -> generic(steps, "nativejava", "text", TEXT, () -> Dubbo.nativeJava("serialized")));
        all.put("generic.bean", steps -> generic(steps, "bean", "text", TEXT, () -> Dubbo.bean("described")));
        all.put("generic.raw.return", steps -> generic(steps, "raw.return", "text", TEXT, "raw"));
        all.put("generic.protobuf-json", steps -> generic(steps, "protobuf-json", "text", TEXT, "{}"));
    }

    private static void generic(Steps steps, String kind, String method, String[] types, Object... arguments) {
        steps.step(() -> Dubbo.invokeGeneric(steps.proxy(kind), method, types, arguments));
    }

    private static void generic(Steps steps, String kind, String method, String[] types, java.util.concurrent.Callable<Object> argument) {
        steps.step(() -> Dubbo.invokeGeneric(steps.proxy(kind), method, types, new Object[] {argument.call()}));
    }

    private static void attachments(Map<String, Cases.Case> all) {
        Map<String, String> mine = new HashMap<>();
        mine.put("mine", "there 🚀");
        mine.put("empty", "");
        mine.put("long", "y".repeat(5_000));
        all.put("attachments.request", steps -> {
            steps.saw("the provider saw", attachments(steps, mine, false));
            // What was set for one call is gone for the next.
            steps.saw("then it saw", attachments(steps, Collections.emptyMap(), false));
        });
        all.put("attachments.of-the-line", steps -> steps.saw("the provider saw", attachments(steps, Collections.emptyMap(), true)));
        all.put("attachments.reply", steps -> {
            Dubbo.setRequestAttachments(Collections.emptyMap());
            steps.invoke("interop", "attachments", "back 🚀");
            Map<String, String> reply = new TreeMap<>(Dubbo.replyAttachments());
            reply.replaceAll((key, value) -> ofOneCall(key) ? "…" : value);
            steps.saw("the consumer saw", Canonical.of(reply));
        });
        all.put("attachments.object", steps -> {
            steps.prepare(Collections.emptyMap());
            for (Object value : Arrays.asList(7, TypeCases.order(), new ArrayList<>(Arrays.asList("a", 1L)))) {
                JsonObject outcome = new JsonObject();
                Dubbo.setRequestAttachments(Collections.emptyMap());
                Dubbo.setRequestObject("thing", value);
                outcome.add("the provider saw", Canonical.of(steps.invoke("interop", "attached", "thing")));
                outcome.add("the consumer saw", Canonical.of(Dubbo.replyObject("reply.thing")));
                steps.saw("object", outcome);
            }
        });
    }

    /** What the provider saw, either without what the line adds to every call or only that. */
    private static Object attachments(Steps steps, Map<String, String> attachments, boolean ofTheLine) throws Exception {
        Dubbo.setRequestAttachments(attachments);
        Map<?, ?> seen = (Map<?, ?>) steps.invoke("interop", "attachments", "x");
        Map<Object, Object> shown = new TreeMap<>();
        seen.forEach((key, value) -> {
            if (key.toString().startsWith("highway.") == ofTheLine) {
                shown.put(key, ofOneCall(key.toString()) ? "…" : value);
            }
        });
        return Canonical.of(shown);
    }

    /** What two calls of one kind do not have in common: lengths, what is left of the timeout, and dubbo-go's addresses. */
    private static boolean ofOneCall(String key) {
        return key.equals("input") || key.equals("output") || key.equals("timeout") || key.equals("_TO") || key.endsWith("-addr");
    }

    private static void choice(Map<String, Cases.Case> all) {
        all.put("group-and-version", steps -> steps.call("greeting", "sayHello", "you"));
        all.put("any-group", steps -> steps.call("any-group", "sayHello", "whoever you are"));
        all.put("any-version", steps -> steps.call("any-version", "sayHello", "however new"));
    }
}
