package lab;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Date;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.regex.Pattern;

/**
 * A value as JSON from which nothing that an application could notice is missing: classes, every field of every class, order, what
 * is one object twice. Two values are the same to Java if this is the same. What differs from call to call in Dubbo's own
 * messages (addresses, times, ids) is made alike.
 */
final class Canonical {
    /** Longer texts are told by length and digest. */
    private static final int SHOWN = 200;

    /** What Dubbo's sentences say of one call only: URLs, what is in braces, channels, where objects lie, numbers. */
    private static final Pattern URL = Pattern.compile("[a-z]+://\\S+");
    private static final Pattern BRACES = Pattern.compile("\\{[^{}]*\\}");
    private static final Pattern CHANNEL = Pattern.compile("\\[id: 0x[^\\]]*\\]");
    private static final Pattern IDENTITY = Pattern.compile("@[0-9a-f]{4,8}\\b");
    private static final Pattern NUMBERS = Pattern.compile("[-/]?\\d+([-.:]\\d+)*");
    /** Exceptions that are told as the start of another one's message. */
    private static final Pattern WRAPPED = Pattern.compile("^(?:[\\w.$]+(?:Exception|Error): )+");
    /** {@code RpcException.TIMEOUT_EXCEPTION}. */
    private static final int TIMEOUT = 2;

    /** What becomes of one object that stands in two places. */
    private enum Twice {
        MARKED, TOLD_AGAIN
    }

    private final Twice twice;
    /** What was met so far in its order; where it is told again, what is being told by its level. */
    private final IdentityHashMap<Object, Integer> met = new IdentityHashMap<>();

    private Canonical(Twice twice) {
        this.twice = twice;
    }

    static JsonElement of(Object value) {
        return new Canonical(Twice.MARKED).value(value);
    }

    /** Without what is one object twice: it is told again. What contains itself says how many levels above it began. */
    static JsonElement tree(Object value) {
        return new Canonical(Twice.TOLD_AGAIN).value(value);
    }

    /** An exception with its causes, without its stack. */
    static JsonElement thrown(Throwable thrown) {
        return new Canonical(Twice.MARKED).throwable(thrown);
    }

    private JsonElement value(Object value) {
        if (value == null) {
            return JsonNull.INSTANCE;
        }
        if (value instanceof String) {
            return text((String) value);
        }
        if (value instanceof Enum) {
            return named(((Enum<?>) value).getDeclaringClass().getName(), new JsonPrimitive(((Enum<?>) value).name()));
        }
        String type = value.getClass().getName();
        if (value instanceof Double || value instanceof Float || value instanceof Number || value instanceof Boolean) {
            return named(type, new JsonPrimitive(value.toString()));
        }
        if (value instanceof Character) {
            return named(type, new JsonPrimitive(Integer.toHexString((Character) value)));
        }
        if (value instanceof byte[]) {
            return named(type, digest((byte[]) value));
        }
        if (value instanceof Optional) {
            return named(type, value(((Optional<?>) value).orElse(null)));
        }
        if (value instanceof Date && !(value instanceof java.sql.Timestamp)) {
            return named(type, new JsonPrimitive(((Date) value).getTime()));
        }
        Integer before = met.putIfAbsent(value, met.size());
        if (twice == Twice.MARKED) {
            return before == null ? told(type, value) : named("again", new JsonPrimitive(before));
        }
        if (before != null) {
            return named("above", new JsonPrimitive(met.size() - 1 - before));
        }
        JsonElement told = told(type, value);
        met.remove(value);
        return told;
    }

    private JsonElement told(String type, Object value) {
        if (value instanceof Throwable) {
            return throwable((Throwable) value);
        }
        if (value.getClass().isArray()) {
            JsonArray all = new JsonArray();
            for (int i = 0; i < Array.getLength(value); i++) {
                all.add(value(Array.get(value, i)));
            }
            return named(type, all);
        }
        if (value instanceof Map) {
            return named(type, map((Map<?, ?>) value));
        }
        if (value instanceof Collection) {
            return named(type, collection((Collection<?>) value));
        }
        if (type.startsWith("java.")) {
            // Those that are left tell all there is to them, but for plain objects, which tell where they lie.
            return named(type, new JsonPrimitive(value.getClass() == Object.class ? "" : value.toString()));
        }
        return named(type, fields(value));
    }

    private JsonArray map(Map<?, ?> map) {
        List<JsonElement> entries = new ArrayList<>();
        map.forEach((key, value) -> {
            JsonArray entry = new JsonArray();
            entry.add(value(key));
            entry.add(value(value));
            entries.add(entry);
        });
        return array(entries, map instanceof LinkedHashMap || map instanceof SortedMap);
    }

    private JsonArray collection(Collection<?> collection) {
        List<JsonElement> elements = new ArrayList<>();
        collection.forEach(element -> elements.add(value(element)));
        boolean ordered = !(collection instanceof Set) || collection instanceof LinkedHashSet || collection instanceof SortedSet;
        return array(elements, ordered);
    }

    private static JsonArray array(List<JsonElement> elements, boolean ordered) {
        if (!ordered) {
            elements.sort(Comparator.comparing(JsonElement::toString));
        }
        JsonArray array = new JsonArray();
        elements.forEach(array::add);
        return array;
    }

    private JsonObject fields(Object value) {
        JsonObject fields = new JsonObject();
        for (Class<?> type = value.getClass(); type != null && type.getName().startsWith("com.example."); type = type.getSuperclass()) {
            for (Field field : type.getDeclaredFields()) {
                if (Modifier.isStatic(field.getModifiers())) {
                    continue;
                }
                try {
                    field.setAccessible(true);
                    fields.add(type.getSimpleName() + "." + field.getName(), value(field.get(value)));
                } catch (IllegalAccessException e) {
                    throw new IllegalStateException(e);
                }
            }
        }
        return fields;
    }

    /**
     * Dubbo's own exception by its code and by what is at the root of it: what lies between depends on which thread noticed first.
     * Whoever timed out says it in one of two ways, for the same reason.
     */
    private static JsonElement ofDubbo(Throwable thrown) throws ReflectiveOperationException {
        Throwable root = thrown;
        while (root.getCause() != null && root.getCause() != root) {
            root = root.getCause();
        }
        int code = (Integer) thrown.getClass().getMethod("getCode").invoke(thrown);
        JsonObject about = new JsonObject();
        about.addProperty("class", thrown.getClass().getName());
        about.addProperty("code", code);
        about.add("root", code == TIMEOUT ? new JsonPrimitive("timeout") : message(root.getMessage()));
        return about;
    }

    private JsonElement throwable(Throwable thrown) {
        if (thrown.getClass().getName().endsWith(".rpc.RpcException")) {
            try {
                return ofDubbo(thrown);
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(e);
            }
        }
        JsonObject about = new JsonObject();
        about.addProperty("class", thrown.getClass().getName());
        about.add("message", message(thrown.getMessage()));
        if (thrown.getClass().getName().startsWith("com.example.")) {
            about.add("fields", fields(thrown));
        }
        if (thrown.getClass().getSimpleName().equals("GenericException")) {
            // What a generic call throws carries the real one by name.
            about.add("of class", read(thrown, "getExceptionClass"));
            about.add("saying", read(thrown, "getExceptionMessage"));
        }
        if (thrown.getCause() != null && thrown.getCause() != thrown && met.putIfAbsent(thrown, met.size()) == null) {
            about.add("cause", throwable(thrown.getCause()));
        }
        return about;
    }

    private JsonElement read(Object value, String getter) {
        try {
            return value(value.getClass().getMethod(getter).invoke(value));
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The first line, since some messages are whole stacks. */
    private static JsonElement message(String message) {
        if (message == null) {
            return JsonNull.INSTANCE;
        }
        String line = message.split("\\R", 2)[0];
        line = WRAPPED.matcher(line).replaceFirst("");
        line = CHANNEL.matcher(line).replaceAll("");
        line = IDENTITY.matcher(line).replaceAll("");
        line = URL.matcher(line).replaceAll("URL");
        for (String before = ""; !before.equals(line); ) {
            before = line;
            line = BRACES.matcher(line).replaceAll("");
        }
        return new JsonPrimitive(NUMBERS.matcher(line).replaceAll("N"));
    }

    private static JsonElement text(String text) {
        // Not by a charset: those replace half a pair, which is what is to be seen here.
        ByteBuffer utf16 = ByteBuffer.allocate(2 * text.length());
        utf16.asCharBuffer().put(text);
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
            // Half a pair is no text to JSON.
            return named("utf-16", digest(utf16.array()));
        }
        return text.length() > SHOWN ? named("text", digest(utf16.array())) : new JsonPrimitive(text);
    }

    private static JsonElement digest(byte[] bytes) {
        StringBuilder hex = new StringBuilder(80).append(bytes.length).append(" bytes ");
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes);
            for (int i = 0; i < 8; i++) {
                hex.append(String.format("%02x", digest[i]));
            }
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
        return new JsonPrimitive(hex.toString());
    }

    private static JsonObject named(String name, JsonElement value) {
        JsonObject object = new JsonObject();
        object.add(name, value);
        return object;
    }
}
