//! Dubbo's registry in ZooKeeper, behind traits that another registry can meet.
//!
//! ```text
//!            reading                                            writing
//!  interface level  /dubbo/<iface>/{providers,consumers}   Desired ─▶ publish::plan (pure) ─▶ steps
//!  instance level   /services/<app>/<ip:port>                              ▲                    │
//!  metadata         /dubbo/metadata/<app>/<rev>, or a call            what is there        publish::apply
//!        │                                                                 │                    │
//!        ▼                                                                 └──── session ◀──────┘
//!     mirror ──▶ View (last good state, by watch channel)
//!
//!  config center    /dubbo/config/highway/<name> ──▶ Documents (the same, by a channel of its own)
//! ```
//!
//! How a program uses it:
//!
//! ```no_run
//! # async fn f(config: zk_bridge::RegistryConfig, folder: &std::path::Path) {
//! let settings = config.settle(folder).expect("a sound section [[registry]]");
//! let (registry, driver) = zk_bridge::open(settings);      // registry: Arc<dyn Registry>
//! tokio::spawn(driver.run());                              // the program's own task keeper does this
//! let mut view = registry.view();                          // never empty because of a disconnect
//! while view.changed().await.is_ok() {
//!     let view = view.borrow_and_update().clone();
//!     println!("{} providers, complete: {}", view.providers().len(), view.is_complete());
//! }
//! # }
//! ```
//!
//! * [`RegistryConfig`] is the section `[[registry]]` as typed, [`RegistrySettings`] what is true of it.
//! * [`Registry`] is what the gateways see: [`View`] in, [`Desired`] out, [`Status`] for the page of the operator.
//! * [`Desired`] serves gateways and services alike. A service says what it calls and what it serves, and both are registered as Java does it:
//!
//! ```no_run
//! # async fn f(registry: &dyn zk_bridge::Registry, start_in_millis: u64) -> Result<(), zk_bridge::RegistryFailure> {
//! use zk_bridge::{Consumer, Desired, Level, Parameters, Provider, ServiceKey};
//! let said = |pairs: &[(&str, &str)]| Parameters(pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect());
//! let (application, host) = (Some("shop".to_owned()), "10.0.0.7".to_owned());
//! let greeter = ServiceKey::new("com.acme.Greeter", None, Some("1.0.0"));
//! let served = Provider { key: greeter, host: host.clone(), port: 20880, path: String::new(), level: Level::Both, application: application.clone(),
//!                         parameters: said(&[("methods", "bye,hello")]), highway: None };
//! let called = Consumer { application, host, interface: "com.acme.Clock".into(), group: None, version: None,
//!                         parameters: said(&[("timeout", "900"), ("highway.shanghai", "ALL")]) };
//! registry.publish(Desired { epoch: start_in_millis, plain: vec![served], consumers: vec![called], ..Desired::default() });
//! registry.settled().await?;      // others can see it
//! registry.withdraw().await       // and no more; what belongs to the application stays
//! # }
//! ```
//!
//! * [`ConfigCenter`] is for tools: it changes rule documents, with a history, and never over somebody else's change.
//! * [`definitions`] is for tools too: what providers publish of an interface.
//! * [`examine`] is for tools too: whether a registry can be reached, and what its login may do there.
//! * [`open`] makes one for ZooKeeper; [`Driver`] is its only task and ends when every handle is gone.
//! * [`open_only`] makes one that reads what a program needs that calls some services among thousands:
//!
//! ```no_run
//! # async fn f(settings: zk_bridge::RegistrySettings) {
//! let (wanted, interfaces) = tokio::sync::watch::channel(["com.acme.Greeter".to_owned()].into());
//! let (registry, driver) = zk_bridge::open_only(settings, interfaces);
//! tokio::spawn(driver.run());
//! wanted.send_modify(|interfaces| drop(interfaces.replace("com.acme.Clock".to_owned())));   // at any time
//! let mut view = registry.view();
//! if let Ok(view) = view.wait_for(|view| view.is_read("com.acme.Clock")).await {
//!     println!("{} providers, {} gateways", view.providers().len(), view.gateways().len());
//! }
//! # }
//! ```
//!
//! It is the control plane: an ordinary tokio runtime, one task a registry, and one thread a registry that keeps the
//! session alive meanwhile. It never touches a call, never writes to a
//! node that another process made (but for the shared text under `mapping` and, by a tool, rule documents, both by compare-and-set, and for the
//! instance that an earlier process left at the address of ours), never shows an empty
//! list because a server is away, and never puts a password into a log, an error or an argument.

mod assemble;
mod center;
mod changes;
mod config;
mod definitions;
mod driver;
mod examine;
mod gateway;
mod handle;
mod instance_level;
mod interface_level;
mod keeper;
mod layout;
mod metadata;
mod metadata_call;
mod metadata_store;
mod mirror;
mod open;
mod publish;
mod registry;
mod scope;
mod session;
mod url;
mod view;

pub use center::change::{AllRead, CenterFailure, Edit, Expected, Facts, Listed, Meanwhile, NoText, Readers, Seen};
pub use center::editing::ConfigCenter;
pub use center::history::{Action, Entry};
pub use center::{DOCUMENT_MAX_LEN, DOCUMENTS_MAX, DOCUMENTS_MAX_LEN, Document, Documents, Version, is_document_name};
pub use config::{AclChoice, RegistryConfig, RegistryMistake, RegistrySettings, ServerVersion, settle_all};
pub use definitions::{Definition, DefinitionsFailure, definitions};
pub use driver::Driver;
pub use examine::{Examined, Granted, Right, Server, examine, servers};
pub use gateway::{ANY_ISLAND, Gateway};
pub use open::{open, open_only};
pub use registry::{Desired, Level, Registry, RegistryFailure, Stand, Status, VirtualProvider, Work};
pub use view::{Consumer, Parameters, Provider, ServiceKey, View};
