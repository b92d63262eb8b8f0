package bench;

import com.alibaba.com.caucho.hessian.io.Hessian2Input;
import com.alibaba.com.caucho.hessian.io.Hessian2Output;
import com.alibaba.com.caucho.hessian.io.SerializerFactory;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Serializable;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Date;
import java.util.List;
import java.util.Map;

/**
 * How long Dubbo's own hessian2 takes over a value: for each line {@code encode hex millis} or {@code decode hex millis} on stdin it works
 * on the value of these bytes for so long and says {@code count nanos}; for {@code again hex} it says the bytes that it writes of it.
 *
 * <p>As Dubbo does for each call: streams of their own, one factory for all.
 */
public final class Codec {
    private static final SerializerFactory FACTORY = new SerializerFactory(Codec.class.getClassLoader());

    private Codec() {
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ");
            byte[] bytes = bytes(words[1]);
            Object value = decode(bytes);
            switch (words[0]) {
                case "again":
                    System.out.println(hex(encode(new ByteArrayOutputStream(), value)));
                    break;
                case "encode":
                    ByteArrayOutputStream out = new ByteArrayOutputStream(bytes.length);
                    System.out.println(repeat(Long.parseLong(words[2]), () -> encode(out, value).length));
                    break;
                case "decode":
                    System.out.println(repeat(Long.parseLong(words[2]), () -> decode(bytes) == null ? 1 : 0));
                    break;
                default:
                    throw new IllegalArgumentException("found " + words[0] + ", wanted again, encode or decode");
            }
        }
    }

    private interface Work {
        int once() throws IOException;
    }

    private static String repeat(long millis, Work work) throws IOException {
        long began = System.nanoTime();
        long end = began + millis * 1_000_000;
        long count = 0;
        long sum = 0;
        long now = began;
        while (now < end) {
            for (int turn = 0; turn < 16; turn++) {
                sum += work.once();
            }
            count += 16;
            now = System.nanoTime();
        }
        if (sum == 42) {
            // Nothing that is made may be found to be for nothing.
            System.err.println();
        }
        return count + " " + (now - began);
    }

    private static byte[] encode(ByteArrayOutputStream bytes, Object value) throws IOException {
        bytes.reset();
        Hessian2Output out = new Hessian2Output(bytes);
        out.setSerializerFactory(FACTORY);
        out.writeObject(value);
        out.flushBuffer();
        return bytes.toByteArray();
    }

    private static Object decode(byte[] bytes) throws IOException {
        Hessian2Input in = new Hessian2Input(new ByteArrayInputStream(bytes));
        in.setSerializerFactory(FACTORY);
        return in.readObject();
    }

    private static byte[] bytes(String hex) {
        byte[] bytes = new BigInteger("1" + hex, 16).toByteArray();
        return java.util.Arrays.copyOfRange(bytes, bytes.length - hex.length() / 2, bytes.length);
    }

    private static String hex(byte[] bytes) {
        return new BigInteger(1, concat(bytes)).toString(16).substring(2);
    }

    /** With a byte in front, so that no zero of the first is lost. */
    private static byte[] concat(byte[] bytes) {
        byte[] all = new byte[bytes.length + 1];
        all[0] = 0x10;
        System.arraycopy(bytes, 0, all, 1, bytes.length);
        return all;
    }

    /** What is in a shop. */
    public static final class Order implements Serializable {
        private static final long serialVersionUID = 1;
        public long id;
        public String customer;
        public BigDecimal total;
        public Date placed;
        public boolean paid;
        public List<Item> items;
        public Map<String, String> notes;
    }

    /** A line of an order. */
    public static final class Item implements Serializable {
        private static final long serialVersionUID = 1;
        public String sku;
        public String title;
        public int count;
        public double price;
    }
}
