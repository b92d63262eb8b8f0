package lab;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;

/**
 * The classes of the examples for Java as beans of a Spring application, which is how annotations become references. It speaks
 * as much of the peer's language as that takes: {@code start}, and {@code call} with a bean's name as the reference.
 * {@code -Dlab.examples} names the beans.
 */
public final class Examples {
    private static AnnotationConfigApplicationContext context;

    private Examples() {
    }

    public static void main(String[] arguments) throws IOException {
        PrintStream answers = new PrintStream(System.out, false, "UTF-8");
        System.setOut(System.err);
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        String line;
        while ((line = requests.readLine()) != null) {
            JsonObject request = new JsonParser().parse(line).getAsJsonObject();
            JsonObject answer = new JsonObject();
            answer.add("id", request.get("id"));
            try {
                answer.add("done", run(request));
            } catch (Throwable e) {
                e.printStackTrace();
                answer.addProperty("failed", e.getClass().getName() + ": " + e.getMessage());
            }
            answers.println(Json.GSON.toJson(answer));
            answers.flush();
        }
        System.exit(0);
    }

    private static JsonElement run(JsonObject request) throws Exception {
        String op = request.get("op").getAsString();
        switch (op) {
            case "start":
                start(Json.GSON.fromJson(request, Messages.Start.class));
                return new JsonObject();
            case "call":
                return call(Json.GSON.fromJson(request, Messages.Call.class));
            default:
                throw new IllegalArgumentException("no operation " + op);
        }
    }

    /** As application.properties would say it. */
    private static void start(Messages.Start wanted) throws ClassNotFoundException {
        System.setProperty("dubbo.application.name", wanted.application);
        System.setProperty("dubbo.application.qos-enable", "false");
        System.setProperty("dubbo.application.qosEnable", "false");
        System.setProperty("dubbo.registry.address", wanted.registry);
        System.setProperty("dubbo.registry.client", "curator");
        System.setProperty("dubbo.consumer.timeout", "20000");
        context = new AnnotationConfigApplicationContext();
        context.register(WithDubbo.class);
        for (String name : System.getProperty("lab.examples").split(",")) {
            context.register(Class.forName(name));
        }
        context.refresh();
    }

    private static JsonElement call(Messages.Call wanted) throws ClassNotFoundException, IllegalAccessException {
        Object bean = context.getBean(Class.forName(wanted.reference));
        Object[] arguments = new Object[wanted.arguments.size()];
        for (int i = 0; i < arguments.length; i++) {
            arguments[i] = wanted.arguments.get(i).getAsString();
        }
        JsonObject answer = new JsonObject();
        answer.add("attachments", new JsonObject());
        long begin = System.nanoTime();
        try {
            answer.add("result", Json.GSON.toJsonTree(method(bean, wanted.method).invoke(bean, arguments)));
        } catch (InvocationTargetException e) {
            JsonObject thrown = new JsonObject();
            thrown.addProperty("class", e.getCause().getClass().getName());
            thrown.addProperty("message", e.getCause().getMessage());
            answer.add("thrown", thrown);
        }
        answer.addProperty("elapsed_us", (System.nanoTime() - begin) / 1000);
        return answer;
    }

    private static Method method(Object bean, String name) {
        for (Method method : bean.getClass().getDeclaredMethods()) {
            if (method.getName().equals(name)) {
                return method;
            }
        }
        throw new IllegalArgumentException("no method " + name + " in " + bean.getClass());
    }
}
