//! `highway leave FILE`: takes everything that an egress gateway ever wrote out of its island's registries, for a gateway that will
//! not be back: names in mappings and metadata, which outlive its sessions.
//!
//! Reads the gateway's own configuration, of it only `[island]`, `[[registry]]` and where its key is; the program itself is the judge of the
//! whole ([`crate::check`]). Never writes for a gateway that still stands there, and never touches what others wrote.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use chassis::Mistakes;
use serde::Deserialize;
use zk_bridge::{Desired, RegistryConfig, RegistrySettings};

/// For reading all that is in a registry.
const READ_WITHIN: Duration = Duration::from_secs(30);

/// What of an egress gateway's file is asked for; the rest is not looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Raw {
    island: RawIsland,
    link: RawLink,
    registry: Vec<RegistryConfig>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawLink {
    key_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawIsland {
    id: Option<String>,
    gateway: Option<String>,
}

struct Leaver {
    island: Option<String>,
    gateway: String,
    key_file: Option<PathBuf>,
    registries: Vec<RegistrySettings>,
}

/// Leaves every registry of the file, one after the other; says what was done.
pub fn run(file: &Path) -> Result<String> {
    let leaver = chassis::config::settle_file(file, &chassis::config::variables(), settle)?.config;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut said = Vec::new();
        for settings in &leaver.registries {
            let name = settings.name().to_owned();
            leave(&leaver.gateway, settings).await.with_context(|| format!("registry {name}"))?;
            said.push(format!(
                "{name}: nothing of gateway {} is left, neither virtual providers nor its names in mappings and metadata",
                leaver.gateway
            ));
        }
        said.push(remains(&leaver));
        Ok(said.join("\n"))
    })
}

fn settle(raw: Raw, mistakes: &mut Mistakes) -> Option<Leaver> {
    let gateway = mistakes.require("island.gateway", raw.island.gateway, "the id of the gateway that leaves");
    let (registries, wrong) = zk_bridge::settle_all(&raw.registry, &mistakes.resolve(Path::new("")));
    for (at, mistake) in wrong {
        mistakes.say(&format!("registry[{at}].{}", mistake.key), mistake.what);
    }
    if raw.registry.is_empty() {
        mistakes.missing("registry", "a section for each registry to leave");
    }
    let (island, key_file) = (raw.island.id, raw.link.key_file.map(|file| mistakes.resolve(&file)));
    Some(Leaver { island, gateway: gateway?, key_file, registries })
}

/// What this command cannot take away.
fn remains(leaver: &Leaver) -> String {
    let Leaver { island, gateway, key_file, .. } = leaver;
    let island = island.as_deref().unwrap_or("of this gateway");
    let mut text = format!(
        "next, at the hub: take the [[island.gateway]] with id = \"{gateway}\" out of the policy, and [[island]] {island} with the grants that \
         name it where this was its last gateway"
    );
    if let Some(file) = key_file {
        text += &format!("; the key in {} opens nothing any more then and can go", file.display());
    }
    text
}

async fn leave(gateway: &str, settings: &RegistrySettings) -> Result<()> {
    let (registry, driver) = zk_bridge::open(settings.clone());
    let mut driving = tokio::task::JoinSet::new();
    driving.spawn(driver.run());
    let mut view = registry.view();
    let read = tokio::time::timeout(READ_WITHIN, view.wait_for(|view| view.is_complete())).await;
    let Ok(read) = read else {
        bail!("it was not read within {READ_WITHIN:?}: {}", registry.status().problems.join("; "));
    };
    let there = read?.providers().iter().filter(|node| node.highway.as_deref() == Some(gateway)).count();
    if there > 0 {
        bail!(
            "gateway {gateway} still stands there with {there} virtual providers: stop it, or wait until its session has ended"
        );
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let epoch = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    registry.publish(Desired { gateway: gateway.to_owned(), epoch, ..Desired::default() });
    Ok(registry.leave().await?)
}
