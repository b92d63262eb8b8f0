//! An egress gateway with one more handler in front of routing: calls that stand in a file are answered from it, all
//! others cross the line as always.
//!
//! ```text
//!  answers-from-file.toml ─▶ [answers] file = "answers.toml" ─┐            a change of either file reloads both
//!           └─▶ egress-gw's own sections                      ▼
//!  consumer ─▶ session ─▶ FromFile ─ pass ─▶ Routing      Answers, behind an ArcSwap: replaced by the control thread,
//!                            └ answer, throw                       read by every shard without a lock
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | [`answers`] | the file: read, checked, looked up |
//! | `handler` | the handler |
//! | here | the program around both and the gateway |
//!
//! It opens no file on the path of a call and knows nothing of Dubbo's bytes.

pub mod answers;
mod handler;

use std::sync::Arc;

use arc_swap::ArcSwap;
use chassis::config::Extended;
use chassis::process::Basics;
use chassis::{Mistakes, Process, Program};
use egress_gw::EgressGateway;
use egress_gw::fallback::{Fallback, Routing};

use answers::{Answers, RawAnswers};
use handler::FromFile;

/// The running program.
pub struct AnswersFromFile {
    gateway: EgressGateway,
    answers: Arc<ArcSwap<Answers>>,
}

/// What is true: the gateway's configuration, and what the file says.
pub struct Config {
    gateway: egress_gw::Config,
    answers: Answers,
}

impl Program for AnswersFromFile {
    const NAME: &'static str = "answers-from-file";
    const ABOUT: &'static str = "An egress gateway that answers what stands in a file";
    type Raw = Extended<egress_gw::config::Raw, RawAnswers>;
    type Config = Config;

    fn settle(raw: Self::Raw, mistakes: &mut Mistakes) -> Option<Config> {
        let gateway = EgressGateway::settle(raw.program, mistakes);
        let answers = answers::settle(raw.section, mistakes);
        Some(Config { gateway: gateway?, answers: answers? })
    }

    fn basics(config: &Config) -> Basics {
        EgressGateway::basics(&config.gateway)
    }

    async fn start(config: Config, process: Process) -> anyhow::Result<Self> {
        let answers = Arc::new(ArcSwap::from_pointee(config.answers));
        let shared = answers.clone();
        process.status.source("answers", move || shared.load().len());
        let shared = answers.clone();
        let chain =
            move || -> Vec<Box<dyn Fallback>> { vec![Box::new(FromFile::new(shared.clone())), Box::new(Routing)] };
        let gateway = EgressGateway::start_with(config.gateway, process, chain).await?;
        Ok(Self { gateway, answers })
    }

    async fn reload(&mut self, config: Config) -> anyhow::Result<()> {
        self.gateway.reload(config.gateway).await?;
        self.answers.store(Arc::new(config.answers));
        Ok(())
    }
}
