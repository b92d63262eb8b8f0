package examples;

import com.example.GreetingService;
import org.apache.dubbo.config.annotation.DubboReference;

/** The island is chosen for each call: here, by who asks. */
public class PerCall {
    @DubboReference
    private GreetingService greetings;

    // ANCHOR: call
    public String greet(String island, String name) {
        return ForThisThread.call(island, () -> greetings.sayHello(name));
    }
    // ANCHOR_END: call
}
