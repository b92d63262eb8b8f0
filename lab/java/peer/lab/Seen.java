package lab;

import com.google.gson.JsonArray;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What a provider received, kept for a call that asks for it with the attachment {@link #KEY}, and told over stdin and stdout: so
 * that what goes wrong on the way there and right again on the way back is noticed.
 */
final class Seen implements InvocationHandler {
    /** The attachment under whose value the arguments are kept. */
    static final String KEY = "lab.key";

    private static final Map<String, JsonArray> KEPT = new ConcurrentHashMap<>();

    private final Object target;

    private Seen(Object target) {
        this.target = target;
    }

    /** An implementation that keeps arguments and then asks the target; without one it gives back its argument. */
    static Object by(Class<?> type, Object target) {
        return Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, new Seen(target));
    }

    /** The arguments of each call under a key, in the order of their arrival; asked once. */
    static JsonArray take(String key) {
        JsonArray kept = KEPT.remove(key);
        return kept == null ? new JsonArray() : kept;
    }

    @Override
    public Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
        if (method.getDeclaringClass() == Object.class) {
            return method.invoke(this, arguments);
        }
        String key = Dubbo.requestAttachment(KEY);
        if (key != null) {
            JsonArray values = new JsonArray();
            for (Object argument : arguments) {
                values.add(Canonical.of(argument));
            }
            KEPT.compute(key, (same, kept) -> {
                JsonArray all = kept == null ? new JsonArray() : kept;
                all.add(values);
                return all;
            });
        }
        if (target != null) {
            try {
                return method.invoke(target, arguments);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        }
        return arguments.length == 1 ? arguments[0] : new ArrayList<>(Arrays.asList(arguments));
    }
}
