package run;

import examples.ByMethod;
import examples.ByParameter;
import examples.ByTag;
import examples.ByUrl;
import examples.PerCall;
import org.apache.dubbo.config.spring.context.annotation.EnableDubbo;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;

/** Has one of the classes in {@code examples} as a bean and calls by it once a second until it is ended. */
@EnableAutoConfiguration
@EnableDubbo(scanBasePackages = "examples")
public class Consumer {
    public static void main(String[] arguments) throws Exception {
        // One a run, and an application each: references of one application to one service have to agree on the island.
        Class<?> chosen = Class.forName("examples." + arguments[0]);
        BeanFactory beans = new SpringApplicationBuilder(Consumer.class, chosen)
            .properties("dubbo.application.name=" + arguments[0])
            .run(arguments);
        while (true) {
            try {
                System.out.println(call(beans, arguments));
            } catch (RuntimeException e) {
                System.out.println("no answer: " + e.getMessage());
            }
            Thread.sleep(1_000);
        }
    }

    private static String call(BeanFactory beans, String[] arguments) {
        switch (arguments[0]) {
            case "PerCall":
                return beans.getBean(PerCall.class).greet(arguments[1], "bo");
            case "ByTag":
                return beans.getBean(ByTag.class).greet("bo");
            case "ByUrl":
                return beans.getBean(ByUrl.class).greet("bo");
            case "ByParameter":
                return beans.getBean(ByParameter.class).greet("bo");
            case "ByMethod":
                return beans.getBean(ByMethod.class).there("text");
            default:
                throw new IllegalArgumentException(arguments[0] + " is none of the examples");
        }
    }
}
