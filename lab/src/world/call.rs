//! One call from an island into another: its answer, and where its time went by the hub's own line on it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::load::short;
use super::{World, lock};
use crate::control::Speaker;
use crate::peer::Call;
use crate::process::until;
use crate::program;

/// The hub hands its lines to the disk in batches.
const AUDITED: Duration = Duration::from_secs(5);

/// What came of a call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Called {
    /// Whose consumer.
    pub from: String,
    /// Whose provider.
    pub to: String,
    /// Method and arguments, as one would write them.
    pub call: String,
    /// What came back, where it did.
    pub result: Option<Value>,
    /// What was thrown instead.
    pub thrown: Option<String>,
    /// How long the caller waited.
    pub took_us: u64,
    /// How long it was behind the hub, and behind the providing island's gateway; nothing where the call did not come to the hub, or
    /// to a provider.
    pub hub_us: Option<u64>,
    /// The same of the provider.
    pub provider_us: Option<u64>,
}

impl World {
    /// Makes it.
    ///
    /// # Errors
    /// There are no such islands or no such method, or the consumer is gone. An exception is an answer.
    pub fn call(&self, from: &str, to: &str, method: &str, arguments: &[Value], by: Speaker) -> Result<Called> {
        let (caller, _) = (self.applications(from)?, self.applications(to)?);
        ensure!(from != to, "found {from} twice, wanted two islands: a call inside one needs no Highway");
        let _alone = lock(&self.calling);
        let written = |line: &Value| line["from"] == from && line["to"] == to && line["method"] == method;
        let before = self.line.audit()?.iter().filter(|line| written(line)).count();
        let mut called = match by {
            Speaker::Java => {
                let reference = format!("{}-{to}", if method == "sayHello" { "greeting" } else { "interop" });
                let answer = caller.consumer.call(&Call::new(&reference, method, arguments))?;
                let thrown = answer.thrown.as_ref().map(|thrown| format!("{}: {}", thrown.class, short(thrown.text())));
                let took_us = micros(answer.elapsed());
                Called { result: thrown.is_none().then_some(answer.result), thrown, took_us, ..Called::of(from, to) }
            }
            Speaker::Rust => self.by_rust(from, to, method, arguments)?,
        };
        let arguments: Vec<String> = arguments.iter().map(Value::to_string).collect();
        called.call = format!("{method}({})", arguments.join(", "));
        // A call that was not answered may never have come to the hub.
        let patience = if called.thrown.is_none() { AUDITED } else { Duration::from_secs(1) };
        let line = || self.line.audit().ok()?.into_iter().filter(written).nth(before);
        if let Ok(line) = until("the hub's line on the call", patience, line) {
            (called.hub_us, called.provider_us) = (line["hub_us"].as_u64(), line["provider_us"].as_u64());
        }
        Ok(called)
    }

    /// A program of its own each time: `examples/sdk`'s `greet`, which prints the answer and how long it took.
    fn by_rust(&self, from: &str, to: &str, method: &str, arguments: &[Value]) -> Result<Called> {
        ensure!(method == "sayHello", "found {method}, wanted sayHello: the Rust programs know nothing else");
        let program = program::binary("greet").context("the lab has no Rust programs")?;
        let island = self.island(from)?;
        let name = arguments.first().and_then(Value::as_str).context("sayHello wants a text")?;
        let mut command = island.place().command(program);
        command.arg(island.zookeeper.address().to_string()).arg(to).arg(name);
        let begun = Instant::now();
        let output = command.output().context("cannot run the Rust consumer")?;
        let (said, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let called = Called { took_us: micros(begun.elapsed()), ..Called::of(from, to) };
        match (output.status.success(), said.trim().split_once(' ')) {
            (true, Some((took_us, answer))) => {
                Ok(Called { took_us: took_us.parse()?, result: Some(answer.into()), ..called })
            }
            (false, _) => Ok(Called { thrown: Some(error.trim().to_owned()), ..called }),
            _ => bail!("the Rust consumer printed {said:?}"),
        }
    }
}

impl Called {
    fn of(from: &str, to: &str) -> Self {
        let (from, to, call) = (from.to_owned(), to.to_owned(), String::new());
        Called { from, to, call, result: None, thrown: None, took_us: 0, hub_us: None, provider_us: None }
    }

    /// For people, in two lines.
    #[must_use]
    pub fn text(&self) -> String {
        let came = match (&self.result, &self.thrown) {
            (_, Some(thrown)) => format!("{} threw {thrown}", self.call),
            (result, None) => format!("{} = {}", self.call, result.as_ref().unwrap_or(&Value::Null)),
        };
        format!("{} ─▶ {}: {came}\n    {}", self.from, self.to, self.hops())
    }

    /// Each part is what one end measured less what the next one did.
    fn hops(&self) -> String {
        let millis = |micros: u64| format!("{:.2} ms", Duration::from_micros(micros).as_secs_f64() * 1e3);
        let Some(hub) = self.hub_us else { return format!("{}; the hub has no line on it", millis(self.took_us)) };
        let own = format!("{} to the hub and back {}", self.from, millis(self.took_us.saturating_sub(hub)));
        match self.provider_us {
            None => format!("{} = {own} + behind the hub {}, no provider answered", millis(self.took_us), millis(hub)),
            Some(provider) => format!(
                "{} = {own} + hub to {} and back {} + provider {}",
                millis(self.took_us),
                self.to,
                millis(hub.saturating_sub(provider)),
                millis(provider)
            ),
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
