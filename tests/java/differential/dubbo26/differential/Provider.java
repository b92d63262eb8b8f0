package differential;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import com.alibaba.dubbo.common.URL;
import com.alibaba.dubbo.common.logger.Logger;
import com.alibaba.dubbo.common.logger.LoggerAdapter;
import com.alibaba.dubbo.common.logger.LoggerFactory;
import com.alibaba.dubbo.common.utils.ReflectUtils;
import com.alibaba.dubbo.remoting.Channel;
import com.alibaba.dubbo.remoting.Decodeable;
import com.alibaba.dubbo.remoting.buffer.ChannelBuffers;
import com.alibaba.dubbo.remoting.exchange.Request;
import com.alibaba.dubbo.rpc.RpcInvocation;
import com.alibaba.dubbo.rpc.protocol.dubbo.DubboCountCodec;
import com.alibaba.dubbo.rpc.support.ProtocolUtils;

/** A provider of every service with every method, as 2.6 is while it reads. */
final class Provider {
    private static final int PORT = 20880;

    private final DubboCountCodec codec = new DubboCountCodec();
    private final Channel channel = channel();

    /** What the provider only warned of while it read a request. */
    private final List<String> unread = new ArrayList<>();

    Provider() {
        LoggerFactory.setLoggerAdapter(listening());
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    void decode(byte[] frame, Map<String, Object> answer) throws Throwable {
        unread.clear();
        Request request = (Request) codec.decode(channel, ChannelBuffers.wrappedBuffer(frame));
        // As DecodeHandler does on a thread of the provider's pool.
        if (request.getData() instanceof Decodeable) {
            ((Decodeable) request.getData()).decode();
        }
        if (request.isBroken()) {
            // What was wrong is lost where reading and handling are on one thread, as 2.6 has them.
            throw request.getData() instanceof Throwable ? (Throwable) request.getData() : new IOException("broken");
        }
        RpcInvocation invocation = (RpcInvocation) request.getData();
        Map<String, Object> attachments = (Map) invocation.getAttachments();
        // As in DubboProtocol.getInvoker.
        String path = (String) attachments.get("path");
        String version = (String) attachments.get("version");
        String group = (String) attachments.get("group");
        answer.put("key", ProtocolUtils.serviceKey(PORT, path, version, group));
        answer.put("method", invocation.getMethodName());
        // 2.6 keeps the classes and not the text.
        answer.put("types", ReflectUtils.getDesc(invocation.getParameterTypes()));
        answer.put("attachments", Decoder.readable(attachments));
        answer.put("unread", new ArrayList<>(unread));
        Decoder.putNamed(answer, invocation.getMethodName(), invocation.getArguments());
    }

    /** An adapter whose loggers keep the one warning that matters: 2.x goes on after an argument that it cannot read. */
    private LoggerAdapter listening() {
        Logger logger = (Logger) Proxy.newProxyInstance(
                Logger.class.getClassLoader(), new Class<?>[] {Logger.class}, (proxy, method, arguments) -> {
                    boolean words = arguments != null && arguments.length > 0 && arguments[0] instanceof String;
                    if (words && ((String) arguments[0]).contains("Decode argument failed")) {
                        unread.add((String) arguments[0]);
                    }
                    return method.getReturnType() == boolean.class ? method.getName().equals("isWarnEnabled") : null;
                });
        return (LoggerAdapter) Proxy.newProxyInstance(
                Logger.class.getClassLoader(), new Class<?>[] {LoggerAdapter.class}, (proxy, method, arguments) ->
                        method.getReturnType() == Logger.class ? logger : null);
    }

    private static Channel channel() {
        URL url = URL.valueOf("dubbo://127.0.0.1:" + PORT + "/any?decode.in.io.thread=false&payload=0");
        return (Channel) Proxy.newProxyInstance(
                Channel.class.getClassLoader(), new Class<?>[] {Channel.class}, (proxy, method, arguments) -> {
                    switch (method.getName()) {
                        case "getUrl":
                            return url;
                        case "getLocalAddress":
                            return new InetSocketAddress("127.0.0.1", PORT);
                        case "getRemoteAddress":
                            return new InetSocketAddress("127.0.0.1", 50000);
                        case "isConnected":
                            return true;
                        case "hasAttribute":
                            return false;
                        case "toString":
                            return "channel";
                        default:
                            return null;
                    }
                });
    }
}
