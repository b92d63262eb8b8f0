package examples;

import com.example.InteropService;
import org.apache.dubbo.config.annotation.DubboReference;

/** The methods that are named go to shanghai, all others to a provider of this island; where it has none, they are refused. */
public class ByMethod {
    // ANCHOR: methods
    @DubboReference(parameters = {"highway.shanghai", "text,add"})
    private InteropService interop;
    // ANCHOR_END: methods

    public String there(String text) {
        return interop.text(text);
    }

    public String here(String text) {
        return interop.later(text, 0);
    }
}
