package examples;

import com.example.InteropService;
import com.alibaba.dubbo.config.annotation.Reference;

/**
 * The methods that are named go to shanghai, all others to a provider of this island; where it has none, they are refused.
 * A parameter for each method: the annotation of 2.6 loses all parameters where a value has a comma in it.
 */
public class ByMethod {
    // ANCHOR: methods
    @Reference(parameters = {"text.highway", "shanghai", "add.highway", "shanghai"})
    private InteropService interop;
    // ANCHOR_END: methods

    public String there(String text) {
        return interop.text(text);
    }

    public String here(String text) {
        return interop.later(text, 0);
    }
}
