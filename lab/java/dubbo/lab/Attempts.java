package lab;

import org.apache.dubbo.rpc.Filter;
import org.apache.dubbo.rpc.Invocation;
import org.apache.dubbo.rpc.Invoker;
import org.apache.dubbo.rpc.Result;
import org.apache.dubbo.rpc.RpcException;
import org.apache.dubbo.rpc.RpcInvocation;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Numbers what leaves a consumer: each attempt of a call, its own retries included, carries a number that no other has. A
 * provider that runs one number twice shows that somebody between has sent it twice. It also tells the load whom the attempt asks.
 */
public final class Attempts implements Filter {
    static final String NAME = "attempts";
    private static final AtomicLong NUMBER = new AtomicLong();

    @Override
    public Result invoke(Invoker<?> invoker, Invocation invocation) throws RpcException {
        ((RpcInvocation) invocation).setAttachment(Ledger.ATTEMPT, Long.toString(NUMBER.incrementAndGet()));
        Load.ASKED.set(invoker.getUrl().getAddress());
        return invoker.invoke(invocation);
    }
}
