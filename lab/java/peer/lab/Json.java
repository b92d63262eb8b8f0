package lab;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.InstanceCreator;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.TypeAdapter;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * JSON in and out. Byte arrays never cross as text: they come in as {@code {"length": n, "seed": s}} and go out as
 * {@code {"length": n, "sha256": "…"}}, dates as milliseconds.
 */
final class Json {
    static final Gson GSON = new GsonBuilder()
            .serializeNulls()
            .disableHtmlEscaping()
            .registerTypeAdapter(byte[].class, new Bytes())
            .registerTypeAdapter(Date.class, new Millis())
            // Gson's own map class is none that an application would send.
            .registerTypeAdapter(Map.class, (InstanceCreator<Map<?, ?>>) type -> new LinkedHashMap<>())
            .create();

    private Json() {
    }

    /** An argument of a generic call: what Dubbo expects for a type that it only knows by name. */
    static Object generic(JsonElement value, String type) {
        switch (type) {
            case "int":
                return value.getAsInt();
            case "long":
                return value.getAsLong();
            case "boolean":
                return value.getAsBoolean();
            default:
                return plain(value);
        }
    }

    private static Object plain(JsonElement value) {
        if (value.isJsonNull()) {
            return null;
        }
        if (value.isJsonArray()) {
            List<Object> list = new ArrayList<>();
            value.getAsJsonArray().forEach(each -> list.add(plain(each)));
            return list;
        }
        if (value.isJsonObject()) {
            Map<String, Object> map = new LinkedHashMap<>();
            JsonObject object = value.getAsJsonObject();
            object.entrySet().forEach(each -> map.put(each.getKey(), plain(each.getValue())));
            return map;
        }
        if (value.getAsJsonPrimitive().isBoolean()) {
            return value.getAsBoolean();
        }
        if (value.getAsJsonPrimitive().isNumber()) {
            String text = value.getAsString();
            if (text.contains(".")) {
                return value.getAsDouble();
            }
            long number = value.getAsLong();
            if (number == (int) number) {
                return (int) number;
            }
            return number;
        }
        return value.getAsString();
    }

    private static final class Millis extends TypeAdapter<Date> {
        @Override
        public void write(JsonWriter out, Date value) throws IOException {
            if (value == null) {
                out.nullValue();
            } else {
                out.value(value.getTime());
            }
        }

        @Override
        public Date read(JsonReader in) throws IOException {
            return new Date(in.nextLong());
        }
    }

    private static final class Bytes extends TypeAdapter<byte[]> {
        @Override
        public void write(JsonWriter out, byte[] value) throws IOException {
            if (value == null) {
                out.nullValue();
                return;
            }
            StringBuilder hex = new StringBuilder(64);
            try {
                for (byte each : MessageDigest.getInstance("SHA-256").digest(value)) {
                    hex.append(String.format("%02x", each));
                }
            } catch (NoSuchAlgorithmException e) {
                throw new IOException(e);
            }
            out.beginObject().name("length").value(value.length).name("sha256").value(hex.toString()).endObject();
        }

        @Override
        public byte[] read(JsonReader in) throws IOException {
            int length = 0;
            int seed = 0;
            in.beginObject();
            while (in.hasNext()) {
                String name = in.nextName();
                if (name.equals("length")) {
                    length = in.nextInt();
                } else if (name.equals("seed")) {
                    seed = in.nextInt();
                } else {
                    throw new IOException("bytes are described by length and seed, not by " + name);
                }
            }
            in.endObject();
            byte[] bytes = new byte[length];
            new java.util.Random(seed).nextBytes(bytes);
            return bytes;
        }
    }
}
