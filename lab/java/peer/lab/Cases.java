package lab;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What this peer can do of the compatibility matrix: a case is a few calls whose outcomes are looked at whole. What a case is for
 * stands in {@code tests/src/matrix/cases.rs}, under the same name.
 */
final class Cases {
    interface Case {
        void run(Steps steps) throws Exception;
    }

    private static final Map<String, Case> ALL = new LinkedHashMap<>();

    static {
        TypeCases.into(ALL);
        CallCases.into(ALL);
        LargeCases.into(ALL);
    }

    private Cases() {
    }

    /** The names of the cases that this peer can call, and of those that it can answer. */
    static JsonObject names() {
        JsonArray calls = new JsonArray();
        JsonArray serves = new JsonArray();
        for (String name : ALL.keySet()) {
            if (Dubbo.calls(name)) {
                calls.add(name);
            }
            if (Dubbo.serves(name)) {
                serves.add(name);
            }
        }
        JsonObject names = new JsonObject();
        names.add("calls", calls);
        names.add("serves", serves);
        return names;
    }

    static JsonArray run(Messages.Case wanted) {
        Case found = ALL.get(wanted.name);
        if (found == null) {
            throw new IllegalArgumentException("no case " + wanted.name);
        }
        Steps steps = new Steps(wanted.at, wanted.key);
        try {
            found.run(steps);
        } catch (Exception e) {
            steps.threw(e);
        }
        return steps.outcomes();
    }
}
