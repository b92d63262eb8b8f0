package lab;

import com.alibaba.com.caucho.hessian.io.Hessian2Input;
import com.alibaba.com.caucho.hessian.io.Hessian2Output;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Java's values in the bytes that this release's hessian-lite gives them, and back.
 *
 * <p>stdout: first a line {@code {case, bytes, value, tree}} for every value of {@link TypeCases} that can be written, then an empty
 * line; then for every line of hex on stdin a line {@code {value, tree}} or {@code {refused}}, until stdin ends. The tree is the
 * value without what is one object twice.
 */
public final class Values {
    private Values() {
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        System.setOut(System.err);
        Map<String, Cases.Case> cases = new LinkedHashMap<>();
        TypeCases.into(cases);
        for (Map.Entry<String, Cases.Case> entry : cases.entrySet()) {
            entry.getValue().run(new Written(entry.getKey(), out));
        }
        out.println();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            JsonObject answer = new JsonObject();
            try {
                tell(answer, unhex(line));
            } catch (Throwable refusal) {
                answer.addProperty("refused", String.valueOf(refusal));
            }
            out.println(answer);
        }
    }

    /** Writes what would be sent. */
    private static final class Written extends Steps {
        private final String name;
        private final PrintStream out;

        Written(String name, PrintStream out) {
            super("nowhere", name);
            this.name = name;
            this.out = out;
        }

        @Override
        void call(Map<String, String> attachments, String kind, String method, Object... arguments) {
            Object[] all = arguments == null ? new Object[] {null} : arguments;
            for (Object value : all) {
                JsonObject line = new JsonObject();
                line.addProperty("case", name);
                try {
                    byte[] bytes = write(value);
                    line.addProperty("bytes", hex(bytes));
                    tell(line, bytes);
                } catch (Throwable unwritable) {
                    continue;
                }
                out.println(line);
            }
        }
    }

    private static void tell(JsonObject line, byte[] bytes) throws Exception {
        Object value = read(bytes);
        line.add("value", Canonical.of(value));
        line.add("tree", Canonical.tree(value));
    }

    private static byte[] write(Object value) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        Hessian2Output out = new Hessian2Output(bytes);
        out.writeObject(value);
        out.flush();
        return bytes.toByteArray();
    }

    private static Object read(byte[] bytes) throws Exception {
        return new Hessian2Input(new ByteArrayInputStream(bytes)).readObject();
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
