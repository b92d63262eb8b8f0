package com.example;

import java.util.concurrent.CompletableFuture;

/** Answers that come later: a signature that Dubbo knows since 2.7. */
public interface AsyncService {
    CompletableFuture<String> later(String text, int millis);

    CompletableFuture<String> failsLater(String why);
}
