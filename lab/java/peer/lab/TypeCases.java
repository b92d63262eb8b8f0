package lab;

import com.example.Order;
import com.example.Samples;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Date;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.LinkedList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.Vector;

/** Values of every type, each sent to the method that declares it and looked at when it comes back. */
final class TypeCases {
    private static final String EMOJI = "🚀👩‍🚀 αβ 漢字 𝒳";

    private TypeCases() {
    }

    static void into(Map<String, Cases.Case> all) {
        scalars(all);
        times(all);
        enums(all);
        arrays(all);
        collections(all);
        objects(all);
    }

    /** One call of a method for each value. */
    private static void each(Steps steps, String method, Object... values) {
        for (Object value : values) {
            steps.call("types", method, value);
        }
    }

    private static void scalars(Map<String, Cases.Case> all) {
        all.put("text", steps -> each(steps, "text", "", "plain", "grüße", "line\nbreak\0nul \"quoted\" \\", "\u007f\u0080\u07ff\u0800\uffff"));
        all.put("text.four-byte", steps -> each(steps, "text", "🚀", EMOJI, "\ud83d\ude80".repeat(20)));
        all.put("text.long", steps -> each(steps, "text", "x".repeat(32_767), "x".repeat(32_768), "é".repeat(70_000), EMOJI.repeat(9_000)));
        all.put("text.half-a-pair", steps -> each(steps, "text", "\ud83d", "a\ude80b", "\ude80\ud83d"));
        all.put("numbers", steps -> {
            each(steps, "truth", true, false);
            each(steps, "octet", (byte) 0, Byte.MIN_VALUE, Byte.MAX_VALUE);
            each(steps, "small", (short) 0, Short.MIN_VALUE, Short.MAX_VALUE);
            each(steps, "number", 0, -1, 47, -16, 48, -2048, 2047, 262_143, -262_144, Integer.MIN_VALUE, Integer.MAX_VALUE);
            each(steps, "big", 0L, -8L, 15L, 16L, -2048L, 262_143L, 1L << 31, 1L << 53, Long.MIN_VALUE, Long.MAX_VALUE);
            each(steps, "single", 0f, -0f, 1.5f, 0.1f, Float.MIN_VALUE, Float.MAX_VALUE, Float.NaN, Float.NEGATIVE_INFINITY);
            each(steps, "real", 0d, -0d, 1d, -128d, 12.25, 0.1, Double.MIN_VALUE, Double.MAX_VALUE, Double.NaN, Double.POSITIVE_INFINITY);
        });
        all.put("numbers.boxed", steps -> {
            each(steps, "boxedTruth", true, false, null);
            each(steps, "boxedOctet", Byte.MIN_VALUE, (byte) 7, null);
            each(steps, "boxedSmall", Short.MAX_VALUE, (short) 7, null);
            each(steps, "boxedNumber", Integer.MIN_VALUE, 7, null);
            each(steps, "boxedBig", Long.MAX_VALUE, 7L, null);
            each(steps, "boxedSingle", 0.1f, Float.NaN, null);
            each(steps, "boxedReal", 0.1, -0d, null);
        });
        all.put("numbers.as-number", steps -> each(steps, "anyNumber", 1, 2L, 2.5, new BigDecimal("1.10"), BigInteger.TEN, null));
        all.put("numbers.as-object", steps ->
                each(steps, "anything", 1, 1L, (short) 1, (byte) 1, 1.5f, 1.5, true, 'x', new BigDecimal("1.50"), BigInteger.ONE));
        all.put("letters", steps -> {
            each(steps, "letter", 'a', '\0', 'é', '漢', '\ud83d');
            each(steps, "boxedLetter", 'a', '漢', null);
        });
        all.put("decimals", steps -> {
            each(steps, "decimal", new BigDecimal("0"), new BigDecimal("12.50"), new BigDecimal("-1E+40"),
                    new BigDecimal("12345678901234567890.0123456789"), null);
            each(steps, "integer", BigInteger.ZERO, BigInteger.ONE.shiftLeft(200).negate(), null);
        });
        all.put("uuid", steps -> each(steps, "uuid", new UUID(1, 2), UUID.fromString("123e4567-e89b-12d3-a456-426614174000"), null));
        all.put("locale", steps -> each(steps, "locale", Locale.GERMANY, Locale.CHINESE, Locale.ROOT, null));
        all.put("optional", steps -> each(steps, "maybe", Optional.of("there"), Optional.empty(), null));
    }

    private static void times(Map<String, Cases.Case> all) {
        long millis = 1_700_000_000_123L;
        all.put("date", steps -> each(steps, "date", new Date(millis), new Date(0), new Date(-1), new Date(60_000L * 29_000_000), null));
        all.put("date.sql", steps -> {
            Timestamp exact = new Timestamp(millis);
            exact.setNanos(123_456_789);
            each(steps, "timestamp", exact, new Timestamp(0), null);
            each(steps, "day", new java.sql.Date(millis), null);
            each(steps, "hour", new java.sql.Time(millis), null);
        });
        all.put("date.java-time", steps -> {
            LocalDate day = LocalDate.of(2024, 2, 29);
            LocalTime hour = LocalTime.of(23, 59, 58, 123_456_789);
            each(steps, "localDate", day, LocalDate.MIN, null);
            each(steps, "localTime", hour, LocalTime.MIDNIGHT, null);
            each(steps, "localDateTime", LocalDateTime.of(day, hour), null);
            each(steps, "instant", Instant.ofEpochSecond(1_700_000_000L, 123_456_789), Instant.EPOCH, null);
            each(steps, "duration", Duration.ofSeconds(-5, 7), Duration.ZERO, null);
        });
        all.put("date.zoned", steps -> {
            LocalDateTime time = LocalDateTime.of(2024, 7, 1, 12, 30, 0, 5);
            each(steps, "zoned", ZonedDateTime.of(time, ZoneId.of("Europe/Berlin")), ZonedDateTime.of(time, ZoneOffset.ofHours(8)), null);
        });
    }

    private static void enums(Map<String, Cases.Case> all) {
        all.put("enum", steps -> each(steps, "shade", Samples.Shade.LIGHT, Samples.Shade.DARK, null));
        all.put("enum.with-bodies", steps -> each(steps, "operation", Samples.Operation.PLUS, Samples.Operation.MINUS, null));
        all.put("enum.in-map", steps -> {
            Map<Samples.Shade, Samples.Operation> plain = new HashMap<>();
            plain.put(Samples.Shade.DARK, Samples.Operation.MINUS);
            plain.put(Samples.Shade.LIGHT, null);
            Map<Samples.Shade, Samples.Operation> own = new EnumMap<>(Samples.Shade.class);
            own.put(Samples.Shade.DARK, Samples.Operation.PLUS);
            each(steps, "shades", plain, own);
            each(steps, "list", new ArrayList<Object>(Arrays.asList(Samples.Shade.values())));
        });
    }

    private static void arrays(Map<String, Cases.Case> all) {
        byte[] bytes = new byte[70_000];
        new java.util.Random(7).nextBytes(bytes);
        all.put("bytes", steps -> {
            each(steps, "bytes", new byte[0], new byte[] {0, 1, -1, 127, -128}, bytes, null);
            each(steps, "anything", (Object) new byte[] {1, 2});
        });
        all.put("array.primitive", steps -> {
            each(steps, "numbers", new int[0], new int[] {1, -1, Integer.MAX_VALUE}, null);
            each(steps, "bigs", new long[] {1, Long.MIN_VALUE}, null);
            each(steps, "reals", new double[] {0.1, Double.NaN}, null);
            each(steps, "truths", new boolean[] {true, false}, null);
            each(steps, "letters", new char[] {'a', '漢'}, null);
        });
        all.put("array.object", steps -> {
            steps.call("types", "texts", (Object) new String[] {"a", null, EMOJI});
            steps.call("types", "texts", (Object) new String[0]);
            steps.call("types", "boxedNumbers", (Object) new Integer[] {1, null, 2});
            steps.call("types", "things", (Object) new Object[] {1, "a", null, new Samples.Item("pear", 1), 2L});
            steps.call("types", "items", (Object) new Samples.Item[] {new Samples.Item("fig", 2), null});
        });
        all.put("array.deep", steps -> {
            steps.call("types", "grid", (Object) new int[][] {{1, 2}, {}, {3}});
            steps.call("types", "table", (Object) new String[][] {{"a"}, {null, "b"}});
        });
    }

    private static void collections(Map<String, Cases.Case> all) {
        all.put("list", steps -> each(steps, "list", new ArrayList<Object>(Arrays.asList(1, "two", 3L, null, 4.5, new Samples.Item("a", 1))),
                new LinkedList<Object>(Arrays.asList("b", "a")), new Vector<Object>(Arrays.asList(1, 2)), listOf(1_000)));
        all.put("list.of-jdk", steps -> {
            each(steps, "list", Arrays.asList("fixed", "size"), Collections.singletonList("one"), Collections.emptyList());
            each(steps, "list", Collections.unmodifiableList(new ArrayList<>(Arrays.asList(1, 2))), List.of("immutable", "list"));
        });
        all.put("list.nested", steps -> each(steps, "list", new ArrayList<Object>(Arrays.asList(new ArrayList<>(Arrays.asList(1, 2)),
                new HashMap<>(Collections.singletonMap("k", new ArrayList<>(Arrays.asList("v")))), new Object[] {1, "a"}))));
        all.put("set", steps -> each(steps, "set", new HashSet<Object>(Arrays.asList("a", "b", 3)),
                new LinkedHashSet<Object>(Arrays.asList("z", "a", "m")), new TreeSet<Object>(Arrays.asList("z", "a"))));
        all.put("queue", steps -> {
            each(steps, "queue", new ArrayDeque<Object>(Arrays.asList(2, 1)), new LinkedList<Object>(Arrays.asList("x")),
                    new PriorityQueue<Object>(Arrays.asList(3, 1, 2)));
            each(steps, "collection", new ArrayDeque<Object>(Arrays.asList("y")));
        });
        all.put("map", steps -> {
            Map<Object, Object> plain = new HashMap<>();
            plain.put("text", 1);
            plain.put("nothing", null);
            plain.put(null, "under null");
            Map<Object, Object> ordered = new LinkedHashMap<>();
            for (String key : Arrays.asList("z", "a", "m", EMOJI)) {
                ordered.put(key, key.length());
            }
            each(steps, "map", plain, ordered, new TreeMap<>(Collections.singletonMap("sorted", true)));
        });
        all.put("map.object-keys", steps -> {
            Map<Object, Object> map = new LinkedHashMap<>();
            map.put(1, "int");
            map.put(2L, "long");
            map.put(new Samples.Item("key", 1), new Samples.Item("value", 2));
            map.put(Samples.Shade.DARK, Samples.Shade.LIGHT);
            map.put(new Date(1_700_000_000_000L), true);
            each(steps, "map", map);
        });
        all.put("empty", steps -> {
            each(steps, "list", new ArrayList<>());
            each(steps, "set", new HashSet<>());
            each(steps, "queue", new ArrayDeque<>());
            each(steps, "map", new HashMap<>(), Collections.emptyMap(), new LinkedHashMap<>());
            steps.call("types", "things", (Object) new Object[0]);
        });
    }

    private static List<Object> listOf(int count) {
        List<Object> list = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            list.add(new Samples.Item("item " + i % 10, i));
        }
        return list;
    }

    private static void objects(Map<String, Cases.Case> all) {
        all.put("null", steps -> {
            for (String method : Arrays.asList("text", "anything", "list", "set", "queue", "map", "things", "items", "grid", "child", "order",
                    "box", "shades")) {
                steps.call("types", method, (Object) null);
            }
        });
        all.put("object", steps -> {
            each(steps, "order", order(), new Order());
            each(steps, "anything", order());
        });
        all.put("object.inherited", steps -> {
            Samples.Child child = new Samples.Child();
            child.setName("inherited");
            child.setOwn("the parent's");
            child.setAge(7);
            each(steps, "child", child);
            each(steps, "parent", child);
        });
        all.put("object.shadowed-field", steps -> {
            Samples.Shadow shadow = new Samples.Shadow();
            shadow.setBoth("mine", "inherited");
            shadow.setOwn("the parent's");
            each(steps, "shadow", shadow);
        });
        all.put("object.generic", steps -> {
            Samples.Box<List<Samples.Item>> box = new Samples.Box<>();
            box.setContent(new ArrayList<>(Arrays.asList(new Samples.Item("a", 1), new Samples.Item("b", 2))));
            each(steps, "box", box);
        });
        all.put("object.untyped-fields", steps -> each(steps, "pair", new Samples.Pair(1, 2L), new Samples.Pair("text", new Samples.Item("a", 1)),
                new Samples.Pair(new int[] {1}, new ArrayList<>(Arrays.asList(1.5, 'c'))), new Samples.Pair(null, new Date(5))));
        all.put("object.transient-field", steps -> {
            Samples.Session session = new Samples.Session();
            session.setUser("Zoë");
            session.keep("stays here");
            each(steps, "session", session);
        });
        all.put("object.cycle", steps -> {
            Samples.Node one = new Samples.Node();
            one.setName("one");
            Samples.Node two = new Samples.Node();
            two.setName("two");
            one.setNext(two);
            two.setNext(one);
            one.getAll().add(one);
            one.getAll().add(two);
            each(steps, "node", one);
        });
        all.put("object.shared", steps -> {
            Samples.Item item = new Samples.Item("twice", 2);
            List<Object> list = new ArrayList<>(Arrays.asList(item, item));
            each(steps, "pair", new Samples.Pair(item, item), new Samples.Pair(list, list));
            each(steps, "list", new ArrayList<Object>(Arrays.asList(item, list, item)));
        });
        all.put("mixed", steps -> steps.call("types", "mixed", 1, EMOJI, 2.5, new ArrayList<>(Arrays.asList("a", "b")),
                new Samples.Item("pear", 3), true, null));
    }

    static Order order() {
        Order order = new Order();
        order.setId(1L << 40);
        order.setState(Order.State.PAID);
        order.setPlaced(new Date(1_700_000_000_123L));
        order.setTotal(new BigDecimal("12.50"));
        order.setGift(true);
        Order.Customer customer = new Order.Customer();
        customer.setName("Zoë");
        customer.setAddress(new Order.Address());
        customer.getAddress().setStreet("Long Road 1");
        order.setCustomer(customer);
        Order.Item pear = new Order.Item();
        pear.setName("pear");
        pear.setCount(1);
        pear.setPrice(new BigDecimal("1.25"));
        Order.Item fig = new Order.Item();
        fig.setName("fig");
        fig.setCount(-2);
        order.setItems(new ArrayList<>(Arrays.asList(pear, fig)));
        order.setFavourites(new LinkedHashMap<>(Collections.singletonMap("first", fig)));
        return order;
    }
}
