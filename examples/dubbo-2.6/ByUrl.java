package examples;

import com.example.GreetingService;
import com.alibaba.dubbo.config.annotation.Reference;

/**
 * Every call of this reference goes to shanghai, whose port at the egress gateway it names: in application.properties,
 * {@code egress.shanghai=egress:20991}. No registry is asked.
 */
public class ByUrl {
    // ANCHOR: url
    @Reference(url = "dubbo://${egress.shanghai}")
    private GreetingService greetings;
    // ANCHOR_END: url

    public String greet(String name) {
        return greetings.sayHello(name);
    }
}
