package com.example;

import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;

/** {@code Provider REGISTRY PORT NAME} answers greetings until it is ended. There is nothing of Highway in it, and nothing to add. */
public final class Provider {
    private Provider() {
    }

    public static void main(String[] arguments) {
        if (arguments.length != 3) {
            System.err.println("usage: Provider REGISTRY PORT NAME");
            System.exit(2);
        }
        String registry = arguments[0];
        int port = Integer.parseInt(arguments[1]);
        String name = arguments[2];

        ApplicationConfig application = new ApplicationConfig("greetings");
        application.setQosEnable(false);
        // ANCHOR: provider
        ServiceConfig<GreetingService> service = new ServiceConfig<>();
        service.setInterface(GreetingService.class);
        service.setRef(who -> "Hello " + who + ", this is " + name);

        DubboBootstrap.getInstance()
            .application(application)
            .registry(new RegistryConfig("zookeeper://" + registry))
            // Dubbo's own protocol is what crosses the hub; Triple (`tri`) does not.
            .protocol(new ProtocolConfig("dubbo", port))
            .service(service)
            .start();
        // ANCHOR_END: provider
        System.out.println(name + " is up");
        DubboBootstrap.getInstance().await();
    }
}
