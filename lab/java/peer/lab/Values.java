package lab;

import com.alibaba.com.caucho.hessian.io.Hessian2Input;
import com.alibaba.com.caucho.hessian.io.Hessian2Output;
import com.example.OutOfStockException;
import com.example.TypesService;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Java's values in the bytes that this release's hessian-lite gives them, and back; {@code JsonValues} is the same for fastjson2.
 *
 * <p>stdout: first a line {@code {case, method, bytes, value, tree, traces}} for every value of {@link TypeCases} that can be written and read, then an
 * empty line; then for every line of a method and hex on stdin a line {@code {value, tree, traces}} or {@code {refused}}, until stdin ends. The
 * method is that of {@link TypesService} whose argument it is; the tree is the value without what is one object twice.
 */
public final class Values {
    /** How values become bytes. */
    interface Codec {
        byte[] write(Object value) throws Exception;

        /** As a provider whose method declares this type. */
        Object read(byte[] bytes, Class<?> type) throws Exception;
    }

    private static final class Hessian implements Codec {
        @Override
        public byte[] write(Object value) throws Exception {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            Hessian2Output out = new Hessian2Output(bytes);
            out.writeObject(value);
            out.flush();
            return bytes.toByteArray();
        }

        @Override
        public Object read(byte[] bytes, Class<?> type) throws Exception {
            return new Hessian2Input(new ByteArrayInputStream(bytes)).readObject();
        }
    }

    private Values() {
    }

    public static void main(String[] arguments) throws Exception {
        run(new Hessian());
    }

    static void run(Codec codec) throws Exception {
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        System.setOut(System.err);
        Map<String, Cases.Case> cases = new LinkedHashMap<>();
        TypeCases.into(cases);
        for (Map.Entry<String, Cases.Case> entry : cases.entrySet()) {
            entry.getValue().run(new Written(codec, entry.getKey(), out));
        }
        thrown(new Written(codec, "thrown", out));
        out.println();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            JsonObject answer = new JsonObject();
            try {
                String[] parts = line.split(" ");
                tell(codec, answer, parts[0], unhex(parts[1]));
            } catch (Throwable refusal) {
                answer.addProperty("refused", String.valueOf(refusal));
            }
            out.println(answer);
        }
    }

    /** What providers throw: Java's own and an application's, with causes and traces. */
    private static void thrown(Steps steps) {
        StackTraceElement[] trace = {
            new StackTraceElement("com.acme.Shop", "buy", "Shop.java", 7), new StackTraceElement("com.acme.Native", "run", null, -2),
            new StackTraceElement("com.acme.Main", "main", "Main.java", 70_000)
        };
        Exception[] all = {
            new RuntimeException("boom"), new IllegalStateException("outer", new IllegalArgumentException("inner")),
            new OutOfStockException("no stock \u6f22", 7), new OutOfStockException(null), new NullPointerException(), new java.io.IOException("pipe")
        };
        for (Exception thrown : all) {
            for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
                cause.setStackTrace(trace);
            }
            steps.call("types", "thrown", thrown);
        }
        Exception bare = new RuntimeException("without a trace");
        bare.setStackTrace(new StackTraceElement[0]);
        steps.call("types", "thrown", bare);
    }

    /** Writes what would be sent. */
    private static final class Written extends Steps {
        private final Codec codec;
        private final String name;
        private final PrintStream out;

        Written(Codec codec, String name, PrintStream out) {
            super("nowhere", name);
            this.codec = codec;
            this.name = name;
            this.out = out;
        }

        @Override
        void call(Map<String, String> attachments, String kind, String method, Object... arguments) {
            Object[] all = arguments == null ? new Object[] {null} : arguments;
            for (Object value : all) {
                JsonObject line = new JsonObject();
                line.addProperty("case", name);
                line.addProperty("method", method);
                try {
                    byte[] bytes = codec.write(value);
                    line.addProperty("bytes", hex(bytes));
                    tell(codec, line, method, bytes);
                } catch (Throwable unwritable) {
                    continue;
                }
                out.println(line);
            }
        }
    }

    private static void tell(Codec codec, JsonObject line, String method, byte[] bytes) throws Exception {
        Object value = codec.read(bytes, argument(method));
        line.add("value", Canonical.of(value));
        line.add("tree", Canonical.tree(value));
        JsonArray traces = new JsonArray();
        for (Object thrown = value; thrown instanceof Throwable; thrown = ((Throwable) thrown).getCause()) {
            traces.add(java.util.Arrays.toString(((Throwable) thrown).getStackTrace()));
        }
        line.add("traces", traces);
    }

    /** The type of the method's one argument. */
    private static Class<?> argument(String name) {
        for (Method method : TypesService.class.getMethods()) {
            if (method.getName().equals(name) && method.getParameterCount() == 1) {
                return method.getParameterTypes()[0];
            }
        }
        return Object.class;
    }

    private static String hex(byte[] bytes) {
        StringBuilder hex = new StringBuilder(2 * bytes.length);
        for (byte octet : bytes) {
            hex.append(Character.forDigit(octet >> 4 & 15, 16)).append(Character.forDigit(octet & 15, 16));
        }
        return hex.toString();
    }

    private static byte[] unhex(String hex) {
        byte[] bytes = new byte[hex.length() / 2];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) Integer.parseInt(hex.substring(2 * i, 2 * i + 2), 16);
        }
        return bytes;
    }
}
