package com.example;

/** The service of the README and of the demo: what any team might have. */
public interface GreetingService {
    String sayHello(String name);
}
