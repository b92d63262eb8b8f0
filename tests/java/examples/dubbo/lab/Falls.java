package lab;

import com.example.GreetingService;
import org.apache.dubbo.config.annotation.DubboReference;

/** The tag of an island that has no address here: what Dubbo does of itself. */
public class Falls {
    @DubboReference(tag = "nowhere")
    private GreetingService greetings;

    public String greet(String name) {
        return greetings.sayHello(name);
    }
}
