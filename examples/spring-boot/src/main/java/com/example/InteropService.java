package com.example;

/** A service with several methods, of which some are called elsewhere. */
public interface InteropService {
    String text(String text);

    String later(String text, int millis);
}
