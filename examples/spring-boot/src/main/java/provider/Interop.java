package provider;

import com.example.InteropService;
import org.apache.dubbo.config.annotation.DubboService;
import org.springframework.beans.factory.annotation.Value;

/** The same with two methods. */
@DubboService
public class Interop implements InteropService {
    @Value("${island}")
    private String island;

    @Override
    public String text(String text) {
        return text + " of " + island;
    }

    @Override
    public String later(String text, int millis) {
        return text + " of " + island + ", later";
    }
}
