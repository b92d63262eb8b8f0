package com.example;

import java.util.List;
import java.util.Map;

/** One method for each thing that a call can carry, so that a line shows what it lets through. */
public interface InteropService {
    /** Gives back the text it got. */
    String text(String text);

    /** Gives back the order it got: nested objects, lists, maps, dates, decimals, an enum, a shared reference. */
    Order order(Order order);

    /** Groups items by name: a map of lists of objects. */
    Map<String, List<Order.Item>> byName(List<Order.Item> items);

    /** Always null. */
    Order nothing(String why);

    /** Returns nothing at all. */
    void silent(String text);

    long add(int a, long b);

    /** An overload, told apart by its argument types only. */
    String add(String a, String b);

    /** Throws the exception it declares, with a code of its own. */
    String declared(String why) throws OutOfStockException;

    /** Throws a runtime exception of the JDK. */
    String undeclared(String why);

    /** Throws the declared exception with two causes behind it. */
    String caused(String why) throws OutOfStockException;

    /** Throws a runtime exception without a message. */
    String wordless(String why);

    /** Throws a runtime exception of a library that is not part of this interface. */
    String foreign(String why);

    /** Throws an exception of a class that only the provider has: its interface is newer than the consumer's. */
    String newer(String why) throws Exception;

    /** Meant to be called one-way; what arrives is found by {@link #noted}. */
    void note(String text);

    /** How many notes with this text have arrived. */
    int noted(String text);

    /** Gives back the bytes it got. */
    byte[] bytes(byte[] payload);

    /** So many bytes. */
    byte[] make(int length);

    /** How many bytes it got. */
    int length(byte[] payload);

    /** Answers after so many milliseconds. */
    String slow(String text, int millis);

    /** The same, for callers that do not wait. */
    String later(String text, int millis);

    /** The attachments that the provider saw; answers with attachment {@code reply} set to the given text. */
    Map<String, String> attachments(String reply);

    /** The attachment of this name that the provider saw, whatever it is; the answer carries it too, under {@code reply.} and the name. */
    Object attached(String name);
}
