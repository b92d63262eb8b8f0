package com.example;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/** The classes of {@link TypesService}: what a team's own model is made of. Fields are set directly, as serialization does it. */
public final class Samples {
    private Samples() {
    }

    public enum Shade { LIGHT, DARK }

    /** Each constant is a class of its own. */
    public enum Operation {
        PLUS {
            @Override
            public int apply(int a, int b) {
                return a + b;
            }
        },
        MINUS {
            @Override
            public int apply(int a, int b) {
                return a - b;
            }
        };

        public abstract int apply(int a, int b);
    }

    public static class Item implements Serializable {
        private static final long serialVersionUID = 1L;
        public String name;
        public int count;

        public Item() {
        }

        public Item(String name, int count) {
            this.name = name;
            this.count = count;
        }

        public String getName() { return name; }
        public void setName(String name) { this.name = name; }
        public int getCount() { return count; }
        public void setCount(int count) { this.count = count; }
        @Override public boolean equals(Object other) {
            return other instanceof Item && ((Item) other).count == count && String.valueOf(((Item) other).name).equals(String.valueOf(name));
        }
        @Override public int hashCode() { return String.valueOf(name).hashCode() + count; }
    }

    public static class Parent implements Serializable {
        private static final long serialVersionUID = 1L;
        protected String name;
        private String own;

        public String getName() { return name; }
        public void setName(String name) { this.name = name; }
        public String getOwn() { return own; }
        public void setOwn(String own) { this.own = own; }
    }

    /** A field of its own and none that hides another. */
    public static class Child extends Parent {
        private static final long serialVersionUID = 1L;
        private int age;

        public int getAge() { return age; }
        public void setAge(int age) { this.age = age; }
    }

    /** Its {@code name} hides that of its parent. */
    public static class Shadow extends Parent {
        private static final long serialVersionUID = 1L;
        private String name;

        public void setBoth(String mine, String inherited) {
            this.name = mine;
            super.setName(inherited);
        }
    }

    /** May point at itself. */
    public static class Node implements Serializable {
        private static final long serialVersionUID = 1L;
        private String name;
        private Node next;
        private List<Node> all = new ArrayList<>();

        public String getName() { return name; }
        public void setName(String name) { this.name = name; }
        public Node getNext() { return next; }
        public void setNext(Node next) { this.next = next; }
        public List<Node> getAll() { return all; }
        public void setAll(List<Node> all) { this.all = all; }
    }

    /** Two fields that know nothing of their types, and that may hold one object twice. */
    public static class Pair implements Serializable {
        private static final long serialVersionUID = 1L;
        private Object first;
        private Object second;

        public Pair() {
        }

        public Pair(Object first, Object second) {
            this.first = first;
            this.second = second;
        }

        public Object getFirst() { return first; }
        public void setFirst(Object first) { this.first = first; }
        public Object getSecond() { return second; }
        public void setSecond(Object second) { this.second = second; }
    }

    public static class Box<T> implements Serializable {
        private static final long serialVersionUID = 1L;
        private T content;

        public T getContent() { return content; }
        public void setContent(T content) { this.content = content; }
    }

    /** A part of it is not for others. */
    public static class Session implements Serializable {
        private static final long serialVersionUID = 1L;
        private String user;
        private transient String secret;

        public String getUser() { return user; }
        public void setUser(String user) { this.user = user; }
        public void keep(String secret) { this.secret = secret; }
    }
}
