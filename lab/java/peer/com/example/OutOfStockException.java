package com.example;

/** A checked exception with a field, declared by {@link InteropService#declared}. */
public class OutOfStockException extends Exception {
    private static final long serialVersionUID = 1L;

    private int code;

    public OutOfStockException(String message) {
        super(message);
    }

    public OutOfStockException(String message, int code) {
        super(message);
        this.code = code;
    }

    public int getCode() {
        return code;
    }

    public void setCode(int code) {
        this.code = code;
    }
}
