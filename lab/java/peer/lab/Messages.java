package lab;

import com.google.gson.JsonArray;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The lines that come in on stdin, as gson fills them; field names are those of the JSON. */
final class Messages {
    private Messages() {
    }

    static final class Start {
        String application;
        String registry;
        Map<String, String> registry_parameters;
        int port;
        List<Service> services = new ArrayList<>();
    }

    static final class Service {
        String iface;
        String label;
        String group;
        String version;
        Integer timeout_ms;
        int delay_ms;
        Map<String, String> parameters;
    }

    static final class Refer {
        String name;
        String iface;
        String url;
        String group;
        String version;
        String tag;
        Integer timeout_ms;
        Integer retries;
        Boolean check;
        boolean generic;
        /** If set, the kind of generic call in place of {@code true}. */
        String generic_kind;
        /** Methods that return before the answer, or that have none; the last ones do not even wait until they are sent. */
        List<String> later = new ArrayList<>();
        /** Whether each attempt of a call gets a number of its own. */
        boolean numbered;
        List<String> one_way = new ArrayList<>();
        List<String> unsent = new ArrayList<>();
        /** Methods with a timeout of their own. */
        Map<String, Integer> timeouts_ms = new HashMap<>();
        /** Over the network, even to a provider in this process. */
        boolean remote;
        Map<String, String> parameters;
    }

    static final class Case {
        String name;
        /** What comes behind the kind in the names of its references. */
        String at;
        String key;
    }

    static final class Load {
        List<String> references = new ArrayList<>();
        /** What keys begin with. */
        String stem;
        /** On each reference. */
        int threads;
        /** From the begin of one call of a thread to the begin of its next one. */
        long pause_ms;
    }

    static final class Call {
        String reference;
        String method;
        /** Only for generic calls and overloads. */
        List<String> types;
        JsonArray arguments = new JsonArray();
        Map<String, String> attachments = new HashMap<>();
        int threads = 1;
        int calls_per_thread = 1;
        /** If set, each thread calls until so many milliseconds have passed. */
        long for_ms;
        long pause_ms;
    }
}
