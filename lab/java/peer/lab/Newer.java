package lab;

import com.example.InteropService;
import javassist.ClassPool;
import javassist.CannotCompileException;
import javassist.CtClass;
import javassist.NotFoundException;

/**
 * A class that consumers do not have: made when it is first thrown, as in a newer release of the interface. Nobody in this process
 * finds it by its name either, since the process may be somebody's consumer as well.
 */
final class Newer {
    private Newer() {
    }

    private static final class Made extends ClassLoader {
        static final Class<?> TYPE = new Made().make();

        Made() {
            super(InteropService.class.getClassLoader());
        }

        private Class<?> make() {
            try {
                ClassPool pool = new ClassPool(true);
                CtClass made = pool.makeClass("com.example.NewerException", pool.get(Exception.class.getName()));
                byte[] bytes = made.toBytecode();
                return defineClass(made.getName(), bytes, 0, bytes.length);
            } catch (NotFoundException | CannotCompileException | java.io.IOException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    static Exception exception(String why) throws ReflectiveOperationException {
        return (Exception) Made.TYPE.getConstructor(String.class).newInstance(why);
    }
}
