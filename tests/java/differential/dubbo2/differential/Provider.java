package differential;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.lang.reflect.Type;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import org.apache.dubbo.common.URL;
import org.apache.dubbo.common.logger.Logger;
import org.apache.dubbo.common.logger.LoggerAdapter;
import org.apache.dubbo.common.logger.LoggerFactory;
import org.apache.dubbo.common.utils.ReflectUtils;
import org.apache.dubbo.remoting.Channel;
import org.apache.dubbo.remoting.Decodeable;
import org.apache.dubbo.remoting.buffer.ChannelBuffers;
import org.apache.dubbo.remoting.exchange.Request;
import org.apache.dubbo.rpc.RpcInvocation;
import org.apache.dubbo.rpc.model.ApplicationModel;
import org.apache.dubbo.rpc.model.MethodDescriptor;
import org.apache.dubbo.rpc.model.ServiceDescriptor;
import org.apache.dubbo.rpc.model.ServiceRepository;
import org.apache.dubbo.rpc.protocol.dubbo.DubboCountCodec;
import org.apache.dubbo.rpc.support.ProtocolUtils;

/** A provider of every service with every method, on 2.7. */
final class Provider {
    private static final int PORT = 20880;

    private final DubboCountCodec codec = new DubboCountCodec();
    private final Channel channel = channel();

    /** What the provider only warned of while it read a request. */
    private final List<String> unread = new ArrayList<>();

    Provider() throws Exception {
        LoggerFactory.setLoggerAdapter(listening());
        Field services = ServiceRepository.class.getDeclaredField("services");
        services.setAccessible(true);
        ServiceDescriptor anything = new AnyService();
        services.set(ApplicationModel.getServiceRepository(), new ConcurrentHashMap<String, ServiceDescriptor>() {
            @Override
            public ServiceDescriptor get(Object name) {
                return anything;
            }
        });
    }

    void decode(byte[] frame, Map<String, Object> answer) throws Throwable {
        unread.clear();
        Request request = (Request) codec.decode(channel, ChannelBuffers.wrappedBuffer(frame));
        // As DecodeHandler does on a thread of the provider's pool.
        if (request.getData() instanceof Decodeable) {
            ((Decodeable) request.getData()).decode();
        }
        if (request.isBroken()) {
            throw (Throwable) request.getData();
        }
        RpcInvocation invocation = (RpcInvocation) request.getData();
        Map<String, Object> attachments = invocation.getObjectAttachments();
        // As in DubboProtocol.getInvoker.
        String path = (String) attachments.get("path");
        String version = (String) attachments.get("version");
        String group = (String) attachments.get("group");
        answer.put("key", ProtocolUtils.serviceKey(PORT, path, version, group));
        answer.put("method", invocation.getMethodName());
        answer.put("types", invocation.getParameterTypesDesc());
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

    /** The service that has whatever method is asked for, but Dubbo's own. */
    private static final class AnyService extends ServiceDescriptor {
        AnyService() {
            super(Runnable.class);
        }

        @Override
        public MethodDescriptor getMethod(String name, String types) {
            return name.startsWith("$") ? null : new AnyMethod(types);
        }
    }

    private static final class AnyMethod extends MethodDescriptor {
        private static final Method RUN = Runnable.class.getMethods()[0];
        private final Class<?>[] parameters;

        AnyMethod(String types) {
            super(RUN);
            try {
                parameters = ReflectUtils.desc2classArray(types);
            } catch (ClassNotFoundException unknown) {
                throw new IllegalArgumentException("no such method: " + types, unknown);
            }
        }

        @Override
        public Class<?>[] getParameterClasses() {
            return parameters;
        }

        @Override
        public Type[] getReturnTypes() {
            return new Type[] {void.class, void.class};
        }
    }
}
