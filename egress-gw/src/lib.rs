//! The egress gateway: a Dubbo server that hosts nothing. Calls that consumers of this island make for services of other
//! islands come in here and are carried over a link to a hub; the answers go back as they came.
//!
//! ```text
//!   consumer ─▶ session ─▶ fallback chain ─▶ forward ─▶ link ═▶ hub          one thread a shard: listen, core
//!               bytes to    public trait      island,    of this shard
//!               frames      (routing last)    head
//!   ─────────────────────────────────────────────────────────────────────────────────────────────────
//!   hub ═▶ catalogue ─▶ control ─▶ knowledge (what shards decide by)          the control thread
//!   registry ─ views ─▶    │    ─▶ publish ─▶ virtual providers in the island's registry
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | [`config`] | `egress-gw.toml`: typed, checked, settled |
//! | `listen` | shards: listeners, links, clock, orders |
//! | `session` | a consumer's connection: bytes to calls, events, bounds |
//! | [`fallback`], `later` | the ordered chain of handlers, and what they may do |
//! | `routing` | the handler at its end |
//! | `decide`, `forward`, `again` | what it stands on: which island; send; what was not sent waits or is sent again |
//! | `anew`, `queued` | what waits, also for a connection of a local provider, follows rules, offers and local providers as they change |
//! | `admit`, `deliver`, `expire` | what may come in; what goes back; what is over |
//! | `cache`, `pending`, `held`, `deadline`, `links`, `core` | decisions, waiting calls, kept bytes, times, links, the shard |
//! | `local`, `own_names`, `local_pool`, `local_call` | providers of this island: who they are, the connections to them, calls to them |
//! | `absent` | islands that no hub has a link to just now, and the calls that wait for them |
//! | `entrance`, `consumers` | who may connect, and with TLS; the consumers' connections of a shard |
//! | [`answer`] | the one table that turns failures into Dubbo answers |
//! | `catalogue`, `distances`, `knowledge`, `places`, `reference`, `voices` | what hubs tell and consumers' nodes say, and what shards know of it |
//! | `own_services`, `local_memory` | what this island serves itself, over time |
//! | `publish`, `state_files` | which virtual providers shall stand, and what survives a restart |
//! | `explain`, `hub_says`, `probe` | where a call would go and why, for people; what the hubs say of it; whether it gets there |
//! | `rules_page` | what looks odd about a rule document, for people |
//! | `advertise` | the address that consumers are told: said or found, and held against what the machine is |
//! | `control`, `site`, `shown`, `drain`, `status` | the loop that keeps all of it current, registries, what people see, the end, the numbers |
//!
//! It never re-encodes a call, never opens a connection to a provider before a call goes to `local`, and never sends a call twice after it
//! may have run.

mod absent;
mod admit;
mod advertise;
mod again;
mod anew;
pub mod answer;
mod cache;
mod catalogue;
pub mod config;
mod consumers;
mod control;
mod core;
pub mod deadline;
mod decide;
mod deliver;
mod demand;
mod distances;
mod drain;
mod entrance;
mod expire;
mod explain;
pub mod fallback;
mod forward;
mod gateway;
mod held;
mod hub_says;
mod islands;
mod knowledge;
mod later;
mod links;
mod listen;
mod local;
mod local_call;
mod local_memory;
mod local_pool;
mod own_names;
mod own_services;
mod pending;
mod places;
mod probe;
mod publish;
mod queued;
mod reference;
mod routing;
mod rules_page;
mod session;
mod shown;
mod site;
mod state_files;
mod status;
mod tags;
mod tallies;
#[cfg(test)]
mod testing;
mod voices;

pub use config::Config;
pub use decide::{Decisions, Seen};
pub use gateway::EgressGateway;
pub use knowledge::{Consumers, Heeded, Knowledge};
pub use reference::Prefixes;
pub use voices::LastVoice;
