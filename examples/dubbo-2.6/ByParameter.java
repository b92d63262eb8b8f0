package examples;

import com.example.GreetingService;
import com.alibaba.dubbo.config.annotation.Reference;

/**
 * Every call of this reference goes to shanghai. The gateway finds the parameter in the registry, a moment after the reference is
 * made, and knows its calls by application, address and service: two references of one application to one service must not name
 * different islands. Where that is wanted, say it for each call.
 */
public class ByParameter {
    // ANCHOR: parameters
    @Reference(parameters = {"highway.shanghai", "ALL"})
    private GreetingService greetings;
    // ANCHOR_END: parameters

    public String greet(String name) {
        return greetings.sayHello(name);
    }
}
