package examples;

import com.example.GreetingService;
import org.apache.dubbo.config.annotation.DubboReference;

/**
 * Every call of this reference goes to shanghai, by Dubbo's own tag: the egress gateway registers an address for shanghai that
 * carries it. While there is none with the tag, Dubbo takes an address without one: another island, or a provider of this one.
 * The parameter forbids that on 3.x, in the first reference of the application to the service, which counts for all of them; 2.7 does
 * not read it there and wants the attachment {@code dubbo.force.tag} on each call.
 */
public class ByTag {
    // ANCHOR: tag
    @DubboReference(tag = "shanghai", parameters = {"dubbo.force.tag", "true"})
    private GreetingService greetings;
    // ANCHOR_END: tag

    public String greet(String name) {
        return greetings.sayHello(name);
    }
}
