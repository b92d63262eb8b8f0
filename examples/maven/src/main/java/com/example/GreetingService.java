package com.example;

/** What both sides know of each other. */
public interface GreetingService {
    String sayHello(String name);
}
