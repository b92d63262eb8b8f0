package lab;

import com.example.InteropService;
import com.example.TypesService;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import org.apache.dubbo.common.URL;
import org.apache.dubbo.common.extension.ExtensionLoader;
import org.apache.dubbo.common.serialize.ObjectOutput;
import org.apache.dubbo.common.serialize.Serialization;

/**
 * {@link Values} over fastjson2, as Dubbo's own codec writes and reads them: an argument with the class that its method declares, and
 * with the strict check of classes that a provider of these services has.
 */
public final class JsonValues {
    private static final URL NOWHERE = URL.valueOf("dubbo://nowhere");

    private JsonValues() {
    }

    public static void main(String[] arguments) throws Exception {
        checkStrictly();
        Serialization fastjson2 = ExtensionLoader.getExtensionLoader(Serialization.class).getExtension("fastjson2");
        Values.run(new Values.Codec() {
            @Override
            public byte[] write(Object value) throws Exception {
                ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                ObjectOutput out = fastjson2.serialize(NOWHERE, bytes);
                out.writeObject(value);
                out.flushBuffer();
                return bytes.toByteArray();
            }

            @Override
            public Object read(byte[] bytes, Class<?> type) throws Exception {
                return fastjson2.deserialize(NOWHERE, new ByteArrayInputStream(bytes)).readObject(type);
            }
        });
        System.exit(0);
    }

    /** As a provider does it when it is exported. By names, since this is compiled for releases that check nothing as well. */
    private static void checkStrictly() throws ReflectiveOperationException {
        Object application = type("rpc.model.ApplicationModel").getMethod("defaultModel").invoke(null);
        Object module = application.getClass().getMethod("getDefaultModule").invoke(application);
        Constructor<?> configurator = type("common.utils.SerializeSecurityConfigurator").getConstructor(type("rpc.model.ModuleModel"));
        Object trusting = configurator.newInstance(module);
        for (Class<?> offered : new Class<?>[] {TypesService.class, InteropService.class}) {
            trusting.getClass().getMethod("registerInterface", Class.class).invoke(trusting, offered);
        }
        Object framework = application.getClass().getMethod("getFrameworkModel").invoke(application);
        Object beans = framework.getClass().getMethod("getBeanFactory").invoke(framework);
        Object checks = beans.getClass().getMethod("getBean", Class.class).invoke(beans, type("common.utils.SerializeSecurityManager"));
        Class<?> status = type("common.utils.SerializeCheckStatus");
        Method set = checks.getClass().getMethod("setCheckStatus", status);
        set.invoke(checks, status.getField("STRICT").get(null));
    }

    private static Class<?> type(String name) throws ClassNotFoundException {
        return Class.forName("org.apache.dubbo." + name);
    }
}
