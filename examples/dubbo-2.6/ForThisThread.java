package examples;

import com.alibaba.dubbo.rpc.RpcContext;

/**
 * Says which island answers one call: set the address for this thread, call, clear. Copy it; it needs nothing but Dubbo.
 *
 * <pre>{@code String hello = ForThisThread.call("shanghai", () -> greetings.sayHello("bo"));}</pre>
 *
 * One call: Dubbo takes the attachments of RpcContext away when a call returns, so that a second call in the same braces has
 * no address any more. It leaves them where no call was made, and where a call found no provider: hence the finally,
 * without which the next call of this thread could go where nobody meant it to.
 *
 * It is the gateway that reads the address. Where this island has providers of the service itself, Dubbo may choose one of
 * them, which does not: there set {@code dubbo.tag} to the island and {@code dubbo.force.tag} to {@code true} in the same way.
 *
 * For Dubbo 2.6.
 */
// ANCHOR: for-this-thread
public final class ForThisThread {
    /** A call, with the exceptions that its interface declares. */
    public interface Call<T, E extends Exception> {
        T run() throws E;
    }

    private ForThisThread() {
    }

    public static <T, E extends Exception> T call(String island, Call<T, E> call) throws E {
        RpcContext.getContext().setAttachment("highway.target", island);
        try {
            return call.run();
        } finally {
            RpcContext.getContext().removeAttachment("highway.target");
        }
    }
}
// ANCHOR_END: for-this-thread
