package differential;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;

/**
 * Decodes frames with the codec of a released Dubbo and says what a provider would run, or that it would run nothing.
 *
 * <p>stdin: length (int), frame; stdout: length (int), one JSON object; in the same order, until stdin ends. It never
 * exports a service and never opens a socket.
 */
public final class Decoder {
    private static final Gson GSON = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();

    private Decoder() {}

    public static void main(String[] arguments) throws Exception {
        PrintStream stdout = System.out;
        System.setOut(System.err);
        DataInputStream in = new DataInputStream(new BufferedInputStream(System.in, 1 << 16));
        DataOutputStream out = new DataOutputStream(new BufferedOutputStream(stdout, 1 << 16));
        Provider provider = new Provider();
        while (true) {
            // Whoever asks may wait for this answer before it asks again.
            if (in.available() == 0) {
                out.flush();
            }
            byte[] frame;
            try {
                frame = new byte[in.readInt()];
            } catch (EOFException end) {
                break;
            }
            in.readFully(frame);
            byte[] answer = GSON.toJson(answer(provider, frame)).getBytes(StandardCharsets.UTF_8);
            out.writeInt(answer.length);
            out.write(answer);
        }
        out.flush();
    }

    private static Map<String, Object> answer(Provider provider, byte[] frame) {
        Map<String, Object> answer = new LinkedHashMap<>();
        try {
            provider.decode(frame, answer);
        } catch (Throwable refusal) {
            answer.clear();
            String words = String.valueOf(refusal.getMessage());
            answer.put("refused", refusal.getClass().getName() + ": " + words.substring(0, Math.min(words.length(), 300)));
        }
        return answer;
    }

    /** What is left of an attachment map: text as it is, of all else the class. */
    static Map<String, Object> readable(Map<String, Object> attachments) {
        Map<String, Object> readable = new LinkedHashMap<>();
        for (Map.Entry<?, ?> entry : attachments.entrySet()) {
            Object key = entry.getKey();
            Object value = entry.getValue();
            Object shown = value == null || value instanceof String ? value : new String[] {value.getClass().getName()};
            readable.put(key instanceof String ? (String) key : "\u0000" + key, shown);
        }
        return readable;
    }

    /** The method that `GenericFilter` looks for; absent for an ordinary call. */
    static void putNamed(Map<String, Object> answer, String method, Object[] arguments) {
        boolean generic = "$invoke".equals(method) || "$invokeAsync".equals(method);
        if (generic && arguments != null && arguments.length == 3) {
            answer.put("named", ((String) arguments[0]).trim());
        }
    }
}
