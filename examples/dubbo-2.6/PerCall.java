package examples;

import com.example.GreetingService;
import com.alibaba.dubbo.config.annotation.Reference;

/** The island is chosen for each call: here, by who asks. */
public class PerCall {
    @Reference
    private GreetingService greetings;

    // ANCHOR: call
    public String greet(String island, String name) {
        return ForThisThread.call(island, () -> greetings.sayHello(name));
    }
    // ANCHOR_END: call
}
