package run;

/** {@code Main Provider} answers, {@code Main ByTag} and the other classes in {@code examples} call. */
public class Main {
    public static void main(String[] arguments) throws Exception {
        if (arguments.length == 0) {
            System.err.println("usage: Provider --island=NAME | PerCall ISLAND | ByTag | ByUrl | ByParameter | ByMethod");
            System.exit(2);
        }
        if (arguments[0].equals("Provider")) {
            Provider.main(arguments);
        } else {
            Consumer.main(arguments);
        }
    }
}
