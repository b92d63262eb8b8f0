package lab;

import com.alibaba.com.caucho.hessian.io.Hessian2Input;
import com.alibaba.com.caucho.hessian.io.Hessian2Output;
import com.example.TypesService;
import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a provider on this release makes of the values that Java's own consumers send it, and answers where it gives them back.
 *
 * <p>stdout: a line {@code {case, method, types, bytes, declared, back}} for every value of {@link TypeCases} that can be written, with the
 * method of {@link TypesService} that it is an argument of and the types of all parameters of that. Declared is what is read as the type
 * of that parameter, null where it does not fit; back are the bytes of that. An empty line ends it.
 */
public final class Declared {
    private Declared() {
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
            Class<?>[] parameters = parameters(method);
            for (int at = 0; at < all.length; at++) {
                Object value = all[at];
                JsonObject line = new JsonObject();
                line.addProperty("case", name);
                line.addProperty("method", method);
                JsonArray types = new JsonArray();
                for (Class<?> type : parameters) {
                    types.add(type.getTypeName());
                }
                line.add("types", types);
                try {
                    byte[] bytes = write(value);
                    line.addProperty("bytes", hex(bytes));
                    declared(line, bytes, parameters[at]);
                } catch (Throwable unwritable) {
                    continue;
                }
                out.println(line);
            }
        }
    }

    private static Class<?>[] parameters(String name) {
        for (Method method : TypesService.class.getMethods()) {
            if (method.getName().equals(name)) {
                return method.getParameterTypes();
            }
        }
        throw new IllegalArgumentException("no method " + name);
    }

    /** What a provider makes of it, which reads it as the type that is declared, and what it writes of that. */
    private static void declared(JsonObject line, byte[] bytes, Class<?> type) throws Exception {
        Object value = new Hessian2Input(new ByteArrayInputStream(bytes)).readObject(type);
        boolean fits = value == null || type.isPrimitive() || type.isInstance(value);
        line.add("declared", fits ? Canonical.of(value) : JsonNull.INSTANCE);
        line.addProperty("back", hex(write(value)));
    }

    private static byte[] write(Object value) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        Hessian2Output out = new Hessian2Output(bytes);
        out.writeObject(value);
        out.flush();
        return bytes.toByteArray();
    }

    private static String hex(byte[] bytes) {
        StringBuilder hex = new StringBuilder(2 * bytes.length);
        for (byte octet : bytes) {
            hex.append(Character.forDigit(octet >> 4 & 15, 16)).append(Character.forDigit(octet & 15, 16));
        }
        return hex.toString();
    }
}
