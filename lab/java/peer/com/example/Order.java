package com.example;

import java.io.Serializable;
import java.math.BigDecimal;
import java.util.Date;
import java.util.List;
import java.util.Map;

/** A nested object of the kind that services send each other. */
public class Order implements Serializable {
    private static final long serialVersionUID = 1L;

    public enum State { OPEN, PAID, SENT }

    private long id;
    private State state;
    private Date placed;
    private BigDecimal total;
    private Double discount;
    private boolean gift;
    private Customer customer;
    private List<Item> items;
    private Map<String, Item> favourites;
    private String note;

    public long getId() { return id; }
    public void setId(long id) { this.id = id; }
    public State getState() { return state; }
    public void setState(State state) { this.state = state; }
    public Date getPlaced() { return placed; }
    public void setPlaced(Date placed) { this.placed = placed; }
    public BigDecimal getTotal() { return total; }
    public void setTotal(BigDecimal total) { this.total = total; }
    public Double getDiscount() { return discount; }
    public void setDiscount(Double discount) { this.discount = discount; }
    public boolean isGift() { return gift; }
    public void setGift(boolean gift) { this.gift = gift; }
    public Customer getCustomer() { return customer; }
    public void setCustomer(Customer customer) { this.customer = customer; }
    public List<Item> getItems() { return items; }
    public void setItems(List<Item> items) { this.items = items; }
    public Map<String, Item> getFavourites() { return favourites; }
    public void setFavourites(Map<String, Item> favourites) { this.favourites = favourites; }
    public String getNote() { return note; }
    public void setNote(String note) { this.note = note; }

    public static class Customer implements Serializable {
        private static final long serialVersionUID = 1L;

        private String name;
        private Address address;

        public String getName() { return name; }
        public void setName(String name) { this.name = name; }
        public Address getAddress() { return address; }
        public void setAddress(Address address) { this.address = address; }
    }

    public static class Address implements Serializable {
        private static final long serialVersionUID = 1L;

        private String street;
        private String city;

        public String getStreet() { return street; }
        public void setStreet(String street) { this.street = street; }
        public String getCity() { return city; }
        public void setCity(String city) { this.city = city; }
    }

    public static class Item implements Serializable {
        private static final long serialVersionUID = 1L;

        private String name;
        private int count;
        private BigDecimal price;

        public String getName() { return name; }
        public void setName(String name) { this.name = name; }
        public int getCount() { return count; }
        public void setCount(int count) { this.count = count; }
        public BigDecimal getPrice() { return price; }
        public void setPrice(BigDecimal price) { this.price = price; }
    }
}
