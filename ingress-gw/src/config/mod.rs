//! `ingress-gw.toml`: what was typed ([`Raw`]) becomes what is true ([`Config`]), or every mistake with its line.
//!
//! `ingress-gw/ingress-gw.toml` shows every key with its meaning; a test holds it. Nothing here opens a socket.

mod export;
mod hub;
mod providers;
mod raw;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chassis::admin::Admin;
use chassis::log::Log;
use chassis::{Mistakes, Size};
use client::PoolConfig;
use shard::Budget;
use wire::dubbo::frame::HEADER_LEN;
use zk_bridge::{RegistryConfig, RegistrySettings};

use crate::export::ExportPolicy;
use crate::listed::StaticProvider;

pub use hub::Hubs;
pub use providers::ProviderTls;
pub use raw::Raw;

/// Bodies up to this length, as Dubbo's own default `payload` has it.
const FRAME_LEN: usize = 8 << 20;
/// All held bodies of the process.
const HELD_LEN: usize = 256 << 20;
const IN_FLIGHT: usize = 100_000;
/// More shards than this are a typing mistake.
const SHARDS_MAX: usize = 256;
const STATE_DIR: &str = "/var/lib/highway/ingress-gw";
const ID_FORM: &str = "1 to 32 of a-z, 0-9 and `-`";

/// What is true; no value in it needs to be checked again.
#[derive(Clone)]
pub struct Config {
    /// What a restart changes.
    pub fixed: Fixed,
    /// What others may call.
    pub policy: ExportPolicy,
    /// Providers without a registry.
    pub statics: Vec<StaticProvider>,
    /// TLS towards providers.
    pub provider_tls: ProviderTls,
    /// Section `[admin]`.
    pub admin: Admin,
    /// Section `[log]`.
    pub log: Log,
    /// How long a drain may take.
    pub drain_within: Duration,
    /// What of the file only a restart changes, as text to compare.
    pub fixed_text: String,
}

/// The part of the configuration that holds until the process ends.
#[derive(Clone)]
pub struct Fixed {
    /// Threads that carry calls.
    pub shards: usize,
    /// The island whose providers are called.
    pub island: Arc<str>,
    /// This gateway's id, unique in the island.
    pub gateway: Arc<str>,
    /// The hubs and how to reach them.
    pub hubs: Hubs,
    /// The island's registries.
    pub registries: Vec<RegistrySettings>,
    /// Connections to providers.
    pub pool: PoolConfig,
    /// Longest frame of a request, header included.
    pub frame_len: usize,
    /// Bytes of bodies held by the process.
    pub held_len: usize,
    /// Calls of the process that providers have not answered.
    pub in_flight: usize,
    /// The state directory.
    pub state_dir: PathBuf,
}

/// Turns what was typed into what is true.
pub fn settle(mut raw: Raw, mistakes: &mut Mistakes) -> Option<Config> {
    let admin = std::mem::take(&mut raw.admin).settle(raw::ADMIN, mistakes);
    let log = std::mem::take(&mut raw.log).settle(mistakes);
    let drain_within = std::mem::take(&mut raw.drain).settle();
    if raw.registry.is_empty() && raw.provider.is_empty() {
        mistakes.missing("registry", "at least one section [[registry]] or [[provider]]");
    }
    let policy = export::policy(std::mem::take(&mut raw.export.rule), mistakes);
    let statics = export::providers(std::mem::take(&mut raw.provider), &policy, mistakes);
    let provider_tls = providers::tls(std::mem::take(&mut raw.providers.tls).as_ref(), mistakes);
    // Everything that a reload may change has been taken out.
    let fixed_text = format!("{raw:?}");
    let fixed = fixed(raw, mistakes)?;
    Some(Config { fixed, policy, statics, provider_tls, admin, log, drain_within, fixed_text })
}

fn fixed(raw: Raw, mistakes: &mut Mistakes) -> Option<Fixed> {
    let island = id("island.id", raw.island.id, mistakes);
    let gateway = id("island.gateway", raw.island.gateway, mistakes);
    let hubs = hub::settle(raw.hub, raw.link, mistakes);
    let registries = registries(&raw.registry, mistakes);
    let shards = shards(raw.shards, mistakes);
    // A Dubbo length is an i32; a gigabyte leaves room for what is spliced in.
    let frame_len = bytes("limits.frame", raw.limits.frame, FRAME_LEN, mistakes);
    let reply_len = bytes("limits.reply", raw.limits.reply, FRAME_LEN, mistakes);
    let held_len = raw.limits.held.map_or(HELD_LEN, Size::len);
    let largest = frame_len.max(reply_len) + HEADER_LEN;
    if Budget::new(held_len).unfinished_limit() < largest {
        mistakes.wrong(
            "limits.held",
            format_args!("{held_len} bytes"),
            format_args!(
                "at least {} bytes, so that a frame of {largest} bytes fits into three quarters of it",
                largest.div_ceil(3) * 4
            ),
        );
    }
    let in_flight = raw.limits.in_flight.unwrap_or(IN_FLIGHT);
    if !(1..=1 << 24).contains(&in_flight) {
        mistakes.wrong("limits.in_flight", in_flight, format_args!("1 to {}", 1 << 24));
    }
    let pool = providers::pool(&raw.providers, reply_len, in_flight.div_ceil(shards), mistakes);
    Some(Fixed {
        shards,
        island: island?,
        gateway: gateway?,
        hubs: hubs?,
        registries,
        pool,
        frame_len: frame_len + HEADER_LEN,
        held_len,
        in_flight,
        state_dir: raw.state.settle(STATE_DIR, mistakes),
    })
}

fn id(key: &str, typed: Option<String>, mistakes: &mut Mistakes) -> Option<Arc<str>> {
    let typed = mistakes.require(key, typed, ID_FORM)?;
    let sound = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !(1..=32).contains(&typed.len()) || !typed.bytes().all(sound) {
        mistakes.wrong(key, format_args!("{typed:?}"), ID_FORM);
        return None;
    }
    Some(typed.into())
}

fn shards(typed: Option<usize>, mistakes: &mut Mistakes) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(SHARDS_MAX);
    match typed {
        None => cores,
        Some(count) if (1..=SHARDS_MAX).contains(&count) => count,
        Some(count) => {
            mistakes.wrong("shards", count, format_args!("1 to {SHARDS_MAX}"));
            1
        }
    }
}

fn registries(typed: &[RegistryConfig], mistakes: &mut Mistakes) -> Vec<RegistrySettings> {
    let (settled, wrong) = zk_bridge::settle_all(typed, &mistakes.resolve(Path::new("")));
    for (at, mistake) in wrong {
        mistakes.say(&format!("registry[{at}].{}", mistake.key), mistake.what);
    }
    settled
}

fn bytes(key: &str, typed: Option<Size>, default: usize, mistakes: &mut Mistakes) -> usize {
    let len = typed.map_or(default, Size::len);
    if !(1..=1 << 30).contains(&len) {
        mistakes.wrong(key, format_args!("{len} bytes"), format_args!("1 to {} bytes", 1 << 30));
    }
    len.min(1 << 30)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
