package lab;

import com.example.GreetingService;
import examples.ForThisThread;
import org.apache.dubbo.config.annotation.DubboReference;
import org.apache.dubbo.rpc.RpcContext;

/** What the comment in ForThisThread says, one method a sentence. Each answers what the last call of it got. */
public class OneThread {
    @DubboReference
    private GreetingService greetings;

    @DubboReference(url = "dubbo://${egress}")
    private GreetingService byUrl;

    /** A call behind one with an address. */
    public String behind(String island) {
        ForThisThread.call(island, () -> greetings.sayHello("first"));
        return greetings.sayHello("behind");
    }

    /** Two calls in the same braces. */
    public String second(String island) {
        return ForThisThread.call(island, () -> {
            greetings.sayHello("first");
            return greetings.sayHello("second");
        });
    }

    /** A call behind braces in which none was made. */
    public String behindNone(String island) {
        ForThisThread.call(island, () -> null);
        return greetings.sayHello("behind");
    }

    /** A call behind one on a reference with a fixed url. */
    public String behindUrl(String island) {
        ForThisThread.call(island, () -> byUrl.sayHello("first"));
        return byUrl.sayHello("behind");
    }

    /** The same, without the finally. */
    public String behindUrlUncleared(String island) {
        RpcContext.getContext().setAttachment("highway.target", island);
        byUrl.sayHello("first");
        try {
            return byUrl.sayHello("behind");
        } finally {
            RpcContext.getContext().removeAttachment("highway.target");
        }
    }
}
