//! `[[registry]]`: the island's registries, in the words of `zk-bridge`.

use std::path::Path;

use chassis::Mistakes;

/// One `[[registry]]` as typed.
pub type RawRegistry = zk_bridge::RegistryConfig;
/// One registry, settled.
pub type Registry = zk_bridge::RegistrySettings;

/// Checks the sections.
pub fn settle(typed: Vec<RawRegistry>, mistakes: &mut Mistakes) -> Vec<Registry> {
    let folder = mistakes.resolve(Path::new(""));
    let mut settled: Vec<Registry> = Vec::new();
    for (at, registry) in typed.iter().enumerate() {
        match registry.settle(&folder) {
            Ok(registry) if settled.iter().any(|other| other.name() == registry.name()) => {
                let key = format!("registry[{at}].name");
                mistakes.wrong(
                    &key,
                    format_args!("{:?} again", registry.name()),
                    "a name of its own for each registry",
                );
            }
            Ok(registry) => settled.push(registry),
            Err(list) => {
                for mistake in list {
                    mistakes.say(&format!("registry[{at}].{}", mistake.key), mistake.what);
                }
            }
        }
    }
    settled
}
