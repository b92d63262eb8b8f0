package differential;

import java.io.Serializable;
import java.math.BigDecimal;
import java.util.Date;
import java.util.List;
import java.util.Map;

/** A parameter with a field of every kind that reads in its own way. */
public class Order implements Serializable {
    public int id;
    public long number;
    public String name;
    public boolean open;
    public double weight;
    public BigDecimal price;
    public Date date;
    public Color color;
    public byte[] bytes;
    public int[] counts;
    public String[] names;
    public Map<String, Object> extra;
    public List<Object> items;
    public Object anything;
    public Order next;

    /** An enum has a way of its own. */
    public enum Color { RED, GREEN }
}
