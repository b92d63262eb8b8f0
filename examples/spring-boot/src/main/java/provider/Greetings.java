package provider;

import com.example.GreetingService;
import org.apache.dubbo.config.annotation.DubboService;
import org.springframework.beans.factory.annotation.Value;

// ANCHOR: provider
/** A service like any other: it is not told that callers of other islands come too. */
@DubboService
public class Greetings implements GreetingService {
    @Value("${island}")
    private String island;

    @Override
    public String sayHello(String name) {
        return "Hello " + name + ", this is " + island;
    }
}
// ANCHOR_END: provider
