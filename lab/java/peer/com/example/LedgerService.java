package com.example;

/** A service whose every run is written down, so that what its callers saw can be held against what really ran. */
public interface LedgerService {
    /** Writes the key down and gives it back. */
    String record(String key);
}
