package com.example;

import java.util.HashMap;
import java.util.Map;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;
import org.apache.dubbo.rpc.RpcContext;

/**
 * {@code Consumer REGISTRY WAY ISLAND} greets once a second until it is ended, and says in one of the ways which island is to answer.
 * One way a run: references of one application to one service have to agree on the island.
 */
public final class Consumer {
    private Consumer() {
    }

    public static void main(String[] arguments) throws InterruptedException {
        if (arguments.length < 2) {
            System.err.println("usage: Consumer REGISTRY silent | attachment ISLAND | tag ISLAND | parameters ISLAND | url HOST:PORT");
            System.exit(2);
        }
        String registry = arguments[0];
        String way = arguments[1];
        String where = arguments.length > 2 ? arguments[2] : "";

        ReferenceConfig<GreetingService> reference = new ReferenceConfig<>();
        reference.setInterface(GreetingService.class);
        reference.setCheck(false);
        if (way.equals("tag")) {
            byTag(reference, where);
        } else if (way.equals("parameters")) {
            byParameters(reference, where);
        } else if (way.equals("url")) {
            byUrl(reference, where);
        }
        ApplicationConfig application = new ApplicationConfig("greeter-by-" + way);
        application.setQosEnable(false);
        DubboBootstrap.getInstance()
            .application(application)
            .registry(new RegistryConfig("zookeeper://" + registry))
            .reference(reference)
            .start();
        GreetingService greetings = reference.get();
        while (true) {
            try {
                System.out.println(way.equals("attachment") ? greet(greetings, where) : greetings.sayHello("bo"));
            } catch (RuntimeException e) {
                System.out.println("no answer: " + e.getMessage());
            }
            Thread.sleep(1_000);
        }
    }

    // ANCHOR: attachment
    /** One call. {@code finally}: where a call was not made, the thread would keep the word for the next one. */
    private static String greet(GreetingService greetings, String island) {
        RpcContext.getContext().setAttachment("highway.target", island);
        try {
            return greetings.sayHello("bo");
        } finally {
            RpcContext.getContext().removeAttachment("highway.target");
        }
    }
    // ANCHOR_END: attachment

    // ANCHOR: tag
    /** Every call of the reference, past local providers too: the gateway's address for the island has this tag. */
    private static void byTag(ReferenceConfig<GreetingService> reference, String island) {
        reference.setTag(island);
        // Without it Dubbo takes an address without a tag while there is none with it.
        Map<String, String> parameters = new HashMap<>();
        parameters.put("dubbo.force.tag", "true");
        reference.setParameters(parameters);
    }
    // ANCHOR_END: tag

    // ANCHOR: parameters
    /** Every call of the reference, once the gateway has read its node in the registry: a moment after it was made. */
    private static void byParameters(ReferenceConfig<GreetingService> reference, String island) {
        Map<String, String> parameters = new HashMap<>();
        parameters.put("highway." + island, "ALL");
        reference.setParameters(parameters);
    }
    // ANCHOR_END: parameters

    // ANCHOR: url
    /** Every call of the reference: the port that the gateway has for the island. No registry is asked. */
    private static void byUrl(ReferenceConfig<GreetingService> reference, String hostAndPort) {
        reference.setUrl("dubbo://" + hostAndPort);
    }
    // ANCHOR_END: url
}
