package lab;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.function.Function;
import org.apache.dubbo.common.beanutil.JavaBeanAccessor;
import org.apache.dubbo.common.beanutil.JavaBeanSerializeUtil;
import org.apache.dubbo.common.extension.ExtensionLoader;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.MethodConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;
import org.apache.dubbo.rpc.Filter;
import org.apache.dubbo.rpc.RpcContext;
import org.apache.dubbo.rpc.service.EchoService;
import org.apache.dubbo.rpc.service.GenericService;

/**
 * All that names Dubbo's own classes: one process is one application, started by DubboBootstrap as Spring would start it,
 * with default settings but for the QoS port (several applications share an island). Fits 2.7 and 3.x; a release with other
 * package names gets a file of its own beside this one.
 */
final class Dubbo {
    private Dubbo() {
    }

    /** Starts the application: registry, protocol and all its services at once. */
    static void start(Messages.Start start) throws ReflectiveOperationException {
        ApplicationConfig application = new ApplicationConfig(start.application);
        application.setQosEnable(false);
        DubboBootstrap bootstrap = DubboBootstrap.getInstance();
        bootstrap.application(application);
        RegistryConfig registry = new RegistryConfig(start.registry == null ? "N/A" : start.registry);
        if (start.registry_parameters != null) {
            registry.setParameters(start.registry_parameters);
        }
        bootstrap.registry(registry);
        if (start.port > 0) {
            bootstrap.protocol(new ProtocolConfig("dubbo", start.port));
        }
        for (Messages.Service service : start.services) {
            bootstrap.service(service(service));
        }
        bootstrap.start();
    }

    private static ServiceConfig<Object> service(Messages.Service wanted) throws ReflectiveOperationException {
        Class<?> type = Class.forName(wanted.iface);
        ServiceConfig<Object> config = new ServiceConfig<>();
        config.setId(wanted.iface + "-" + wanted.label);
        config.setInterface(type);
        config.setRef(Services.implementation(type, wanted.label, wanted.delay_ms));
        if (wanted.group != null) {
            config.setGroup(wanted.group);
        }
        if (wanted.version != null) {
            config.setVersion(wanted.version);
        }
        if (wanted.timeout_ms != null) {
            config.setTimeout(wanted.timeout_ms);
        }
        if (wanted.parameters != null) {
            config.setParameters(wanted.parameters);
        }
        return config;
    }

    /** Creates a reference; blocks until Dubbo has looked for providers. */
    static Object refer(Messages.Refer wanted) throws ReflectiveOperationException {
        ReferenceConfig<Object> config = new ReferenceConfig<>();
        config.setId(wanted.name);
        if (wanted.generic || wanted.generic_kind != null) {
            config.setInterface(wanted.iface);
            config.setGeneric(wanted.generic_kind == null ? "true" : wanted.generic_kind);
        } else {
            config.setInterface(Class.forName(wanted.iface));
        }
        if (wanted.url != null) {
            config.setUrl(wanted.url);
        }
        if (wanted.group != null) {
            config.setGroup(wanted.group);
        }
        if (wanted.version != null) {
            config.setVersion(wanted.version);
        }
        if (wanted.timeout_ms != null) {
            config.setTimeout(wanted.timeout_ms);
        }
        if (wanted.retries != null) {
            config.setRetries(wanted.retries);
        }
        if (wanted.numbered) {
            numberAttempts();
            config.setFilter(Attempts.NAME);
        }
        if (wanted.check != null) {
            config.setCheck(wanted.check);
        }
        if (wanted.tag != null) {
            config.setTag(wanted.tag);
        }
        if (wanted.parameters != null) {
            config.setParameters(wanted.parameters);
        }
        if (wanted.remote) {
            config.setScope("remote");
        }
        List<MethodConfig> methods = methods(wanted);
        if (!methods.isEmpty()) {
            config.setMethods(methods);
        }
        Object proxy = config.get();
        if (proxy == null) {
            throw new IllegalStateException("Dubbo gave no proxy for " + wanted.iface);
        }
        return proxy;
    }

    private static List<MethodConfig> methods(Messages.Refer wanted) {
        Map<String, MethodConfig> methods = new LinkedHashMap<>();
        Function<String, MethodConfig> method = name -> methods.computeIfAbsent(name, same -> {
            MethodConfig config = new MethodConfig();
            config.setName(same);
            return config;
        });
        wanted.later.forEach(name -> method.apply(name).setAsync(true));
        wanted.one_way.forEach(name -> method.apply(name).setReturn(false));
        wanted.unsent.forEach(name -> method.apply(name).setSent(false));
        wanted.timeouts_ms.forEach((name, millis) -> method.apply(name).setTimeout(millis));
        return new ArrayList<>(methods.values());
    }

    private static synchronized void numberAttempts() {
        ExtensionLoader<Filter> filters = ExtensionLoader.getExtensionLoader(Filter.class);
        if (!filters.hasExtension(Attempts.NAME)) {
            filters.addExtension(Attempts.NAME, Attempts.class);
        }
    }

    /** A generic call on a proxy that was made with {@code generic}. */
    static Object invokeGeneric(Object proxy, String method, String[] types, Object[] arguments) {
        return ((GenericService) proxy).$invoke(method, types, arguments);
    }

    /** A generic call whose answer comes later. */
    static Future<Object> invokeGenericAsync(Object proxy, String method, String[] types, Object[] arguments) {
        return ((GenericService) proxy).$invokeAsync(method, types, arguments);
    }

    /** The answer to this thread's last call of a method that does not wait for it. */
    static Future<Object> later() {
        return RpcContext.getContext().getFuture();
    }

    /** What every provider answers, whatever its interface. */
    static Object echo(Object proxy, Object value) {
        return ((EchoService) proxy).$echo(value);
    }

    /** An argument of {@code generic=bean}. */
    static Object bean(Object value) {
        return JavaBeanSerializeUtil.serialize(value, JavaBeanAccessor.METHOD);
    }

    /** An argument of {@code generic=nativejava}. */
    static Object nativeJava(Object value) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(value);
        }
        return bytes.toByteArray();
    }

    /** Set for the next call of this thread, and nothing else: 2.7 keeps those of a reference with a fixed URL for ever. */
    static void setRequestAttachments(Map<String, String> attachments) {
        RpcContext.getContext().clearAttachments();
        attachments.forEach((key, value) -> RpcContext.getContext().setAttachment(key, value));
    }

    /** What the provider saw of the call it is running. */
    static Map<String, String> requestAttachments() {
        return new HashMap<>(RpcContext.getContext().getAttachments());
    }

    /** One of these, or null. */
    static String requestAttachment(String key) {
        return RpcContext.getContext().getAttachment(key);
    }

    /** Set at the provider, travels with the answer. */
    static void setReplyAttachment(String key, String value) {
        RpcContext.getServerContext().setAttachment(key, value);
    }

    /** What came with the answer to this thread's last call. */
    static Map<String, String> replyAttachments() {
        return new HashMap<>(RpcContext.getServerContext().getAttachments());
    }

    /** The cases that this release cannot call: none. */
    static boolean calls(String name) {
        return true;
    }

    /** The cases that this release cannot answer: none. */
    static boolean serves(String name) {
        return true;
    }

    static void setRequestObject(String key, Object value) {
        RpcContext.getContext().setObjectAttachment(key, value);
    }

    static Object requestObject(String key) {
        return RpcContext.getContext().getObjectAttachment(key);
    }

    static void setReplyObject(String key, Object value) {
        RpcContext.getServerContext().setObjectAttachment(key, value);
    }

    static Object replyObject(String key) {
        return RpcContext.getServerContext().getObjectAttachment(key);
    }
}
