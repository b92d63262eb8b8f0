package lab;

import com.example.GreetingService;
import org.apache.dubbo.config.annotation.DubboReference;
import org.apache.dubbo.rpc.RpcContext;

/** The tag of an island that has no address here, and nothing else will do. */
public class Stays {
    @DubboReference(tag = "nowhere", parameters = {"dubbo.force.tag", "true"}, check = false)
    private GreetingService greetings;

    public String greet(String name) {
        return greetings.sayHello(name);
    }

    /** Said by this call. */
    public String forced(String name) {
        RpcContext.getContext().setAttachment("dubbo.force.tag", "true");
        try {
            return greetings.sayHello(name);
        } finally {
            RpcContext.getContext().removeAttachment("dubbo.force.tag");
        }
    }
}
