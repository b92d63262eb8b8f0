package com.example;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZonedDateTime;
import java.util.Collection;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.UUID;

/** Each method gives back what it got: one for each type that teams declare in their interfaces. */
public interface TypesService {
    String text(String value);

    boolean truth(boolean value);

    byte octet(byte value);

    short small(short value);

    int number(int value);

    long big(long value);

    float single(float value);

    double real(double value);

    char letter(char value);

    Boolean boxedTruth(Boolean value);

    Byte boxedOctet(Byte value);

    Short boxedSmall(Short value);

    Integer boxedNumber(Integer value);

    Long boxedBig(Long value);

    Float boxedSingle(Float value);

    Double boxedReal(Double value);

    Character boxedLetter(Character value);

    Number anyNumber(Number value);

    BigDecimal decimal(BigDecimal value);

    BigInteger integer(BigInteger value);

    Object anything(Object value);

    List<Object> list(List<Object> value);

    Set<Object> set(Set<Object> value);

    Queue<Object> queue(Queue<Object> value);

    Collection<Object> collection(Collection<Object> value);

    Map<Object, Object> map(Map<Object, Object> value);

    byte[] bytes(byte[] value);

    int[] numbers(int[] value);

    long[] bigs(long[] value);

    double[] reals(double[] value);

    boolean[] truths(boolean[] value);

    char[] letters(char[] value);

    String[] texts(String[] value);

    Integer[] boxedNumbers(Integer[] value);

    Object[] things(Object[] value);

    Samples.Item[] items(Samples.Item[] value);

    int[][] grid(int[][] value);

    String[][] table(String[][] value);

    Date date(Date value);

    java.sql.Date day(java.sql.Date value);

    java.sql.Time hour(java.sql.Time value);

    Timestamp timestamp(Timestamp value);

    LocalDate localDate(LocalDate value);

    LocalTime localTime(LocalTime value);

    LocalDateTime localDateTime(LocalDateTime value);

    Instant instant(Instant value);

    ZonedDateTime zoned(ZonedDateTime value);

    Duration duration(Duration value);

    UUID uuid(UUID value);

    Locale locale(Locale value);

    Optional<String> maybe(Optional<String> value);

    Samples.Shade shade(Samples.Shade value);

    Samples.Operation operation(Samples.Operation value);

    Map<Samples.Shade, Samples.Operation> shades(Map<Samples.Shade, Samples.Operation> value);

    Samples.Child child(Samples.Child value);

    Samples.Parent parent(Samples.Parent value);

    Samples.Shadow shadow(Samples.Shadow value);

    Samples.Node node(Samples.Node value);

    Samples.Pair pair(Samples.Pair value);

    Samples.Box<List<Samples.Item>> box(Samples.Box<List<Samples.Item>> value);

    Samples.Session session(Samples.Session value);

    Order order(Order value);

    /** Gives back all of them, in order. */
    List<Object> mixed(int number, String text, double real, List<String> list, Samples.Item item, boolean truth, Long none);
}
