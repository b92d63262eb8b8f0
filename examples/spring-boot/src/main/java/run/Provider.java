package run;

import org.apache.dubbo.config.spring.context.annotation.EnableDubbo;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ApplicationContext;

/** Answers by the services in {@code provider} until it is ended. */
@EnableAutoConfiguration
@EnableDubbo(scanBasePackages = "provider")
public class Provider {
    public static void main(String[] arguments) throws InterruptedException {
        ApplicationContext context = new SpringApplicationBuilder(Provider.class)
            .properties("dubbo.application.name=provider-of-greetings")
            .run(arguments);
        System.out.println(context.getEnvironment().getProperty("island") + " is up");
        Thread.currentThread().join();
    }
}
