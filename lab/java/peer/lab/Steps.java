package lab;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Callable;

/** The calls of one case, on the references to one provider, and how each of them ended. */
class Steps {
    private final String at;
    private final String key;
    private final JsonArray outcomes = new JsonArray();

    /** References are named {@code kind@at}; providers keep what they receive under the key. */
    Steps(String at, String key) {
        this.at = at;
        this.key = key;
    }

    JsonArray outcomes() {
        return outcomes;
    }

    /** One call of the method of this name, or of the overload with these types where there are several. */
    void call(String kind, String method, Object... arguments) {
        call(Collections.emptyMap(), kind, method, arguments);
    }

    /** The same with attachments. */
    void call(Map<String, String> attachments, String kind, String method, Object... arguments) {
        step(attachments, () -> invoke(kind, method, arguments));
    }

    /** Anything that ends in a result or an exception and makes its call from this thread. */
    void step(Callable<Object> call) {
        step(Collections.emptyMap(), call);
    }

    void step(Map<String, String> attachments, Callable<Object> call) {
        prepare(attachments);
        try {
            saw("returned", Canonical.of(call.call()));
        } catch (Throwable e) {
            threw(e);
        }
    }

    /** An exception that ends a call, or the whole case. */
    void threw(Throwable thrown) {
        saw("threw", Canonical.thrown(thrown));
    }

    /** Something seen that is neither. */
    void saw(String what, Object value) {
        JsonObject outcome = new JsonObject();
        outcome.add(what, value instanceof JsonElement ? (JsonElement) value : new JsonPrimitive(String.valueOf(value)));
        outcomes.add(outcome);
    }

    /** Before each call: its attachments and nothing else on this thread. */
    void prepare(Map<String, String> attachments) {
        Map<String, String> all = new HashMap<>(attachments);
        all.put(Seen.KEY, key);
        Dubbo.setRequestAttachments(all);
    }

    Object proxy(String kind) {
        return Peer.proxy(kind + "@" + at);
    }

    /** A call as it is, with the exception it throws. */
    Object invoke(String kind, String method, Object... arguments) throws Exception {
        Object proxy = proxy(kind);
        try {
            return find(proxy, method, arguments).invoke(proxy, arguments);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof Exception) {
                throw (Exception) e.getCause();
            }
            throw e;
        }
    }

    private static Method find(Object proxy, String name, Object[] arguments) throws NoSuchMethodException {
        for (Class<?> type : proxy.getClass().getInterfaces()) {
            if (!type.getName().startsWith("com.example.")) {
                continue;
            }
            for (Method method : type.getMethods()) {
                if (method.getName().equals(name) && fits(method, arguments)) {
                    return method;
                }
            }
        }
        throw new NoSuchMethodException(name);
    }

    private static boolean fits(Method method, Object[] arguments) {
        Class<?>[] types = method.getParameterTypes();
        if (types.length != arguments.length) {
            return false;
        }
        for (int i = 0; i < types.length; i++) {
            boolean instance = arguments[i] == null || types[i].isPrimitive() || types[i].isInstance(arguments[i]);
            // The overloads there are differ in text and number.
            if (!instance || types[i].isPrimitive() && arguments[i] instanceof String) {
                return false;
            }
        }
        return true;
    }
}
