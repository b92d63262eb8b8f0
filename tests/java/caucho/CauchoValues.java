import com.caucho.hessian.io.Hessian2Input;
import com.caucho.hessian.io.Hessian2Output;
import com.caucho.hessian.test.TestHessian2Servlet;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.lang.reflect.Method;
import java.math.BigInteger;
import java.util.TreeMap;

/**
 * The tests that Caucho's Hessian brings for other implementations: a value that each {@code reply} method gives, and an {@code arg} method
 * that says whether it got the same.
 *
 * <p>stdout: a line {@code name hex} for each value, by name, then an empty line; then for every line {@code name hex} on stdin what that
 * {@code arg} method says of it, {@code true} if it is the same, until stdin ends.
 */
public final class CauchoValues {
    private CauchoValues() {
    }

    public static void main(String[] arguments) throws Exception {
        TestHessian2Servlet tests = new TestHessian2Servlet();
        TreeMap<String, Method> replies = new TreeMap<>();
        for (Method method : TestHessian2Servlet.class.getMethods()) {
            if (method.getName().startsWith("reply")) {
                replies.put(method.getName().substring("reply".length()), method);
            }
        }
        for (String name : replies.keySet()) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            Hessian2Output out = new Hessian2Output(bytes);
            out.writeObject(replies.get(name).invoke(tests));
            out.flush();
            System.out.println(name + " " + hex(bytes.toByteArray()));
        }
        System.out.println();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            System.out.println(says(tests, line.split(" ")));
        }
    }

    private static String says(TestHessian2Servlet tests, String[] sent) {
        try {
            byte[] bytes = new BigInteger("1" + sent[1], 16).toByteArray();
            int start = bytes.length - sent[1].length() / 2;
            Object value = new Hessian2Input(new ByteArrayInputStream(bytes, start, bytes.length - start)).readObject();
            return String.valueOf(TestHessian2Servlet.class.getMethod("arg" + sent[0], Object.class).invoke(tests, value));
        } catch (Throwable refusal) {
            return String.valueOf(refusal).replace('\n', ' ');
        }
    }

    private static String hex(byte[] bytes) {
        StringBuilder hex = new StringBuilder(2 * bytes.length);
        for (byte octet : bytes) {
            hex.append(Character.forDigit(octet >> 4 & 15, 16)).append(Character.forDigit(octet & 15, 16));
        }
        return hex.toString();
    }
}
