package lab;

import com.example.LedgerService;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * One Dubbo application, driven by JSON lines: a request {@code {"id": 1, "op": "call", …}} on stdin gets one answer
 * {@code {"id": 1, "done": …}} or {@code {"id": 1, "failed": "…"}} on stdout, not always in order. Logs go to stderr.
 * The end of stdin ends the application gracefully, as SIGTERM does.
 */
public final class Peer {
    private static final Map<String, Reference> REFERENCES = new ConcurrentHashMap<>();
    private static volatile Load load;

    private static final class Reference {
        final Object proxy;
        final boolean generic;

        Reference(Object proxy, boolean generic) {
            this.proxy = proxy;
            this.generic = generic;
        }
    }

    private Peer() {
    }

    public static void main(String[] arguments) throws IOException {
        PrintStream answers = new PrintStream(System.out, false, "UTF-8");
        System.setOut(System.err);
        ExecutorService workers = Executors.newCachedThreadPool();
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        String line;
        while ((line = requests.readLine()) != null) {
            JsonObject request = JsonParser.parseString(line).getAsJsonObject();
            workers.execute(() -> {
                JsonObject answer = answer(request);
                synchronized (answers) {
                    answers.println(Json.GSON.toJson(answer));
                    answers.flush();
                }
            });
        }
        System.exit(0);
    }

    private static JsonObject answer(JsonObject request) {
        JsonObject answer = new JsonObject();
        answer.add("id", request.get("id"));
        try {
            answer.add("done", run(request));
        } catch (Throwable e) {
            e.printStackTrace();
            answer.addProperty("failed", e.getClass().getName() + ": " + e.getMessage());
        }
        return answer;
    }

    private static JsonElement run(JsonObject request) throws Exception {
        String op = request.get("op").getAsString();
        switch (op) {
            case "start": {
                Dubbo.start(Json.GSON.fromJson(request, Messages.Start.class));
                return new JsonObject();
            }
            case "refer": {
                Messages.Refer wanted = Json.GSON.fromJson(request, Messages.Refer.class);
                REFERENCES.put(wanted.name, new Reference(Dubbo.refer(wanted), wanted.generic || wanted.generic_kind != null));
                return new JsonObject();
            }
            case "call": {
                return calls(request).one();
            }
            case "many": {
                return calls(request).many();
            }
            case "cases": {
                return Cases.names();
            }
            case "case": {
                JsonObject done = new JsonObject();
                done.add("outcomes", Cases.run(Json.GSON.fromJson(request, Messages.Case.class)));
                return done;
            }
            case "seen": {
                JsonObject done = new JsonObject();
                done.add("arguments", Seen.take(request.get("key").getAsString()));
                return done;
            }
            case "counts": {
                return Json.GSON.toJsonTree(Services.counts()).getAsJsonObject();
            }
            case "latest": {
                return Json.GSON.toJsonTree(Services.latest()).getAsJsonObject();
            }
            case "load": {
                Messages.Load wanted = Json.GSON.fromJson(request, Messages.Load.class);
                Map<String, LedgerService> services = new LinkedHashMap<>();
                wanted.references.forEach(name -> services.put(name, (LedgerService) REFERENCES.get(name).proxy));
                load = new Load(wanted, services);
                return new JsonObject();
            }
            case "progress": {
                return load.progress();
            }
            case "end": {
                return load.end();
            }
            default:
                throw new IllegalArgumentException("no operation " + op);
        }
    }

    private static Calls calls(JsonObject request) throws NoSuchMethodException {
        Messages.Call wanted = Json.GSON.fromJson(request, Messages.Call.class);
        Reference reference = reference(wanted.reference);
        return new Calls(reference.proxy, reference.generic, wanted);
    }

    /** What Dubbo made for a reference. */
    static Object proxy(String name) {
        return reference(name).proxy;
    }

    private static Reference reference(String name) {
        Reference reference = REFERENCES.get(name);
        if (reference == null) {
            throw new IllegalArgumentException("no reference " + name);
        }
        return reference;
    }
}
