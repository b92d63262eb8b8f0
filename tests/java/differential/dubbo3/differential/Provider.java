package differential;

import java.lang.reflect.Field;
import java.lang.reflect.Proxy;
import java.lang.reflect.Type;
import java.net.InetSocketAddress;
import java.util.Collections;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import org.apache.dubbo.common.URL;
import org.apache.dubbo.common.utils.ReflectUtils;
import org.apache.dubbo.common.utils.SerializeSecurityConfigurator;
import org.apache.dubbo.remoting.Channel;
import org.apache.dubbo.remoting.Decodeable;
import org.apache.dubbo.remoting.buffer.ChannelBuffers;
import org.apache.dubbo.remoting.exchange.Request;
import org.apache.dubbo.rpc.RpcInvocation;
import org.apache.dubbo.rpc.model.ApplicationModel;
import org.apache.dubbo.rpc.model.FrameworkModel;
import org.apache.dubbo.rpc.model.MethodDescriptor;
import org.apache.dubbo.rpc.model.ModuleModel;
import org.apache.dubbo.rpc.model.ModuleServiceRepository;
import org.apache.dubbo.rpc.model.ServiceDescriptor;
import org.apache.dubbo.rpc.protocol.dubbo.DubboCountCodec;
import org.apache.dubbo.rpc.support.ProtocolUtils;

/** A provider of every service with every method, on 3.x. */
final class Provider {
    private static final int PORT = 20880;

    private final FrameworkModel framework = FrameworkModel.defaultModel();
    private final DubboCountCodec codec = new DubboCountCodec(framework);
    private final Channel channel;

    Provider() throws Exception {
        ApplicationModel application = framework.defaultApplication();
        ModuleModel module = application.getDefaultModule();
        channel = channel(module);
        ServiceDescriptor anything = anyService();
        replace(ModuleServiceRepository.class, "services", module.getServiceRepository(), new Any<>(Collections.singletonList(anything)));
        // As exporting a service with this parameter does.
        module.getBeanFactory().getOrRegisterBean(SerializeSecurityConfigurator.class).registerInterface(Takes.class);
    }

    void decode(byte[] frame, Map<String, Object> answer) throws Throwable {
        Request request = (Request) codec.decode(channel, ChannelBuffers.wrappedBuffer(frame));
        // As DecodeHandler does on a thread of the provider's pool.
        if (request.getData() instanceof Decodeable) {
            ((Decodeable) request.getData()).decode();
        }
        if (request.isBroken()) {
            throw (Throwable) request.getData();
        }
        RpcInvocation invocation = (RpcInvocation) request.getData();
        // As in DubboProtocol.getInvoker.
        String path = (String) invocation.getObjectAttachmentWithoutConvert("path");
        String version = (String) invocation.getObjectAttachmentWithoutConvert("version");
        String group = (String) invocation.getObjectAttachmentWithoutConvert("group");
        answer.put("key", ProtocolUtils.serviceKey(PORT, path, version, group));
        answer.put("method", invocation.getMethodName());
        answer.put("types", invocation.getParameterTypesDesc());
        answer.put("attachments", Decoder.readable(invocation.getObjectAttachments()));
        Decoder.putNamed(answer, invocation.getMethodName(), invocation.getArguments());
    }

    private static void replace(Class<?> owner, String field, Object object, Object value) throws Exception {
        Field found = owner.getDeclaredField(field);
        found.setAccessible(true);
        found.set(object, value);
    }

    private static Channel channel(ModuleModel module) {
        URL url = URL.valueOf("dubbo://127.0.0.1:" + PORT + "/any?decode.in.io.thread=false&payload=0").setScopeModel(module);
        return (Channel) Proxy.newProxyInstance(
                Channel.class.getClassLoader(), new Class<?>[] {Channel.class}, (proxy, method, arguments) -> {
                    switch (method.getName()) {
                        case "getUrl":
                            return url;
                        case "getLocalAddress":
                            return new InetSocketAddress("127.0.0.1", PORT);
                        case "getRemoteAddress":
                            return new InetSocketAddress("127.0.0.1", 50000);
                        case "getAttribute":
                            return "decode.in.io.thread".equals(arguments[0]) ? false : null;
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

    /** Its parameter is what the provider trusts beside Dubbo's own list. */
    interface Takes {
        void take(Order order);
    }

    /** Holds one value under every key. */
    private static final class Any<V> extends ConcurrentHashMap<String, V> {
        private final V value;

        Any(V value) {
            this.value = value;
        }

        @Override
        public V get(Object key) {
            return value;
        }

        @Override
        public boolean containsKey(Object key) {
            return true;
        }
    }

    /** The service that has whatever method is asked for, but Dubbo's own. */
    private static ServiceDescriptor anyService() {
        return (ServiceDescriptor) Proxy.newProxyInstance(
                ServiceDescriptor.class.getClassLoader(), new Class<?>[] {ServiceDescriptor.class}, (proxy, method, arguments) -> {
                    boolean byText = method.getName().equals("getMethod") && arguments[1] instanceof String;
                    if (byText && !((String) arguments[0]).startsWith("$")) {
                        return anyMethod((String) arguments[1]);
                    }
                    return method.getName().equals("toString") ? "any service" : null;
                });
    }

    private static MethodDescriptor anyMethod(String types) {
        Class<?>[] parameters;
        try {
            parameters = ReflectUtils.desc2classArray(types);
        } catch (ClassNotFoundException unknown) {
            throw new IllegalArgumentException("no such method: " + types, unknown);
        }
        return (MethodDescriptor) Proxy.newProxyInstance(
                MethodDescriptor.class.getClassLoader(), new Class<?>[] {MethodDescriptor.class}, (proxy, method, arguments) -> {
                    switch (method.getName()) {
                        case "getParameterClasses":
                            return parameters;
                        case "getReturnTypes":
                            return new Type[] {void.class, void.class};
                        default:
                            return null;
                    }
                });
    }
}
