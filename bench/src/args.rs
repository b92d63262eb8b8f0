//! What can be typed: one subcommand a part of the benchmark.
//!
//! Checks every range before anything starts, and never does work itself.

use crate::choose::{Kind, References, Step};
use crate::frames::{MIN_ARGUMENT_LEN, Payload};
use crate::load::MAX_IN_FLIGHT;
use crate::variant::Variant;
use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Load tool and side-by-side benchmarks.
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
pub struct Arguments {
    /// Which part.
    #[command(subcommand)]
    pub part: Part,
}

/// The parts.
#[derive(Debug, Subcommand)]
pub enum Part {
    /// Highway's three programs beside three nginx TCP relays, in one run (the programs must be built).
    Run(Run),
    /// What choosing an island costs an egress gateway at many rules and services.
    Choose(Choose),
    /// What crosses a link of 30 Mbit/s, through Highway and through three nginx (root, for network namespaces).
    ThinLink(Thin),
    /// What a call by the SDK costs beside a client that is written by hand, and beside a consumer of released Dubbo.
    Sdk(Sdk),
    /// What writing and reading values costs the SDK beside Dubbo's own hessian2.
    Codec(Codec),
    /// Trains the dictionary that links pack calls with.
    Dictionary(Dictionary),
    /// Calls a Dubbo provider and checks every answer.
    Load(Load),
    /// A Dubbo provider that answers every call with its argument.
    Echo(Echo),
    /// Runs a program that ends when the benchmark does.
    #[command(hide = true)]
    Under(Under),
}

/// `bench dictionary`
#[derive(Debug, clap::Args)]
pub struct Dictionary {
    /// Where it is written.
    pub file: PathBuf,
}

/// `bench choose`
#[derive(Debug, clap::Args)]
pub struct Choose {
    /// End with 1 if a bar is missed.
    #[arg(long)]
    pub bars: bool,
    /// Takes calls of this kind alone, and prints nothing: for a counter of instructions around it.
    #[arg(long, hide = true, requires_all = ["references", "step", "turns"], conflicts_with = "bars")]
    pub kind: Option<Kind>,
    /// Where references say this.
    #[arg(long, hide = true, requires = "kind")]
    pub references: Option<References>,
    /// As far as this.
    #[arg(long, hide = true, requires = "kind")]
    pub step: Option<Step>,
    /// So many calls.
    #[arg(long, hide = true, requires = "kind")]
    pub turns: Option<usize>,
}

/// `bench sdk`
#[derive(Debug, clap::Args)]
pub struct Sdk {
    /// Rounds; the median is told.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u8).range(1..=99))]
    pub rounds: u8,
    /// Seconds of each run.
    #[arg(long, default_value = "1", value_parser = seconds)]
    pub seconds: Duration,
    /// Only this many callers.
    #[arg(long)]
    pub callers: Option<usize>,
    /// Only the client of this name: for profilers.
    #[arg(long)]
    pub only: Option<String>,
    /// Java, which is left out where nothing is said of it.
    #[command(flatten)]
    pub java: Option<Java>,
    /// End with 1 if a bar is missed.
    #[arg(long)]
    pub bars: bool,
}

/// `bench codec`
#[derive(Debug, clap::Args)]
pub struct Codec {
    /// The other side.
    #[command(flatten)]
    pub java: Java,
    /// Rounds; the median is told.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u8).range(1..=99))]
    pub rounds: u8,
    /// End with 1 if a bar is missed.
    #[arg(long)]
    pub bars: bool,
}

/// A program in Java beside which something is measured: all of it, or nothing where it may be left out.
#[derive(Debug, clap::Args)]
pub struct Java {
    /// The Java launcher.
    #[arg(long, value_name = "PATH", required = false, requires_all = ["class_path", "program"])]
    pub java: PathBuf,
    /// Where the jars of a released Dubbo are.
    #[arg(long, value_name = "PATH", required = false, requires_all = ["java", "program"])]
    pub class_path: String,
    /// The source of the Java side.
    #[arg(long, value_name = "FILE", required = false, requires_all = ["java", "class_path"])]
    pub program: PathBuf,
}

/// `bench run`
#[derive(Debug, clap::Args)]
pub struct Run {
    /// Folder of the built programs [default: where this program is].
    #[arg(long)]
    pub programs: Option<PathBuf>,
    /// Highway's links to be measured, separated by commas: ws, h2, ws-sealed, h2-sealed, ws-tls, h2-tls.
    #[arg(long, value_delimiter = ',', value_parser = Variant::parse, default_value = "ws")]
    pub links: Vec<Variant>,
    /// All links, those without a bar as information.
    #[arg(long)]
    pub all: bool,
    /// Leave Highway out: only direct and nginx.
    #[arg(long, conflicts_with_all = ["all", "bars"])]
    pub baseline: bool,
    /// Rounds of each shape; the median is told.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=99))]
    pub rounds: u8,
    /// Seconds measured in each run.
    #[arg(long, default_value = "2", value_parser = seconds)]
    pub seconds: Duration,
    /// Seconds before that do not count.
    #[arg(long, default_value = "0.5", value_parser = seconds)]
    pub warm_up: Duration,
    /// Idle consumer connections, as many as open files allow; 0 leaves this out.
    #[arg(long, default_value_t = 2_000)]
    pub idle: usize,
    /// Also count the relays' system calls (perf if it is there, else strace, which is installed when missing).
    #[arg(long)]
    pub syscalls: bool,
    /// Write every figure to this file.
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// End with 1 if a bar is missed.
    #[arg(long)]
    pub bars: bool,
    /// Keep configurations and logs in this folder.
    #[arg(long)]
    pub keep: Option<PathBuf>,
}

/// `bench thin-link`
#[derive(Debug, clap::Args)]
pub struct Thin {
    /// Folder of the built programs [default: where this program is].
    #[arg(long)]
    pub programs: Option<PathBuf>,
    /// Rounds of each payload; the median is told.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=99))]
    pub rounds: u8,
    /// Seconds measured in each run; half of it before that does not count.
    #[arg(long, default_value = "4", value_parser = seconds)]
    pub seconds: Duration,
    /// End with 1 if a bar is missed.
    #[arg(long)]
    pub bars: bool,
    /// Keep configurations and logs in this folder.
    #[arg(long)]
    pub keep: Option<PathBuf>,
    /// The namespaces of the hub and of the other island, where this process is in the consumers'.
    #[arg(long, hide = true)]
    pub inside: Vec<String>,
}

/// `bench load`
#[derive(Debug, clap::Args)]
pub struct Load {
    /// Where the provider, or a relay before it, listens.
    #[arg(long)]
    pub target: SocketAddr,
    /// Consumer connections.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub connections: u16,
    /// Calls in flight on each connection.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=MAX_IN_FLIGHT as i64))]
    pub in_flight: u16,
    /// Bytes of the argument; of a filler at most 1 023.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u16).range(MIN_ARGUMENT_LEN as i64..=8192))]
    pub argument: u16,
    /// What the argument is; `--argument` says how long.
    #[arg(long, value_enum, default_value = "filler")]
    pub payload: Payload,
    /// The interface that is called.
    #[arg(long, default_value = crate::chain::SERVICE, value_parser = service)]
    pub service: String,
    /// Seconds that are measured.
    #[arg(long, default_value = "5", value_parser = seconds)]
    pub seconds: Duration,
    /// Seconds before that do not count.
    #[arg(long, default_value = "1", value_parser = seconds)]
    pub warm_up: Duration,
    /// Also tell the CPU time of this process; may be repeated.
    #[arg(long)]
    pub watch: Vec<u32>,
    /// Figures as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `bench echo`
#[derive(Debug, clap::Args)]
pub struct Echo {
    /// Address and port; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:20880")]
    pub listen: SocketAddr,
}

/// `bench under`
#[derive(Debug, clap::Args)]
pub struct Under {
    /// The program.
    pub program: OsString,
    /// Its arguments.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<OsString>,
}

/// Seconds with a fraction, above zero and at most an hour.
fn seconds(text: &str) -> Result<Duration, String> {
    let found: f64 = text.parse().map_err(|_| format!("found `{text}`, wanted seconds"))?;
    if found > 0.0 && found <= 3_600.0 {
        Ok(Duration::from_secs_f64(found))
    } else {
        Err(format!("found {found}, wanted seconds above 0 and at most 3600"))
    }
}

/// A Java interface name, short enough for one hessian2 string.
fn service(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._$".contains(&byte);
    if (1..=255).contains(&text.len()) && text.bytes().all(plain) {
        Ok(text.to_owned())
    } else {
        Err(format!("found `{text}`, wanted an interface name of 1 to 255 letters, digits, `.`, `_`, `$`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(words: &str) -> Result<Part, String> {
        Arguments::try_parse_from(words.split(' ')).map(|found| found.part).map_err(|error| error.to_string())
    }

    #[test]
    fn the_definitions_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_plain_run_measures_the_barred_link_in_five_rounds() {
        let Ok(Part::Run(run)) = parse("bench run") else { panic!("not a run") };
        assert_eq!((run.rounds, run.idle, run.links), (5, 2_000, vec![crate::report::BARRED]));
        assert!(!run.bars && !run.all && run.json.is_none());
    }

    #[test]
    fn links_are_named_in_a_list() {
        let Ok(Part::Run(run)) = parse("bench run --links h2,ws-sealed") else { panic!("not a run") };
        let names: Vec<&str> = run.links.iter().map(|link| link.name()).collect();
        assert_eq!(names, ["h2", "ws-sealed"]);
        assert!(parse("bench run --links smoke-signals").unwrap_err().contains("smoke-signals"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for words in [
            "bench run --rounds 0",
            "bench run --seconds 0",
            "bench run --baseline --bars",
            "bench choose --kind kept --turns 1 --bars",
            "bench sdk --java java --program Client.java",
            "bench sdk --program Client.java",
            "bench codec",
            "bench codec --class-path a:b --program Codec.java",
            "bench load",
            "bench load --target here",
            "bench load --target 127.0.0.1:1 --in-flight 1025",
            "bench load --target 127.0.0.1:1 --connections 0",
            "bench load --target 127.0.0.1:1 --argument 5",
            "bench load --target 127.0.0.1:1 --seconds NaN",
            "bench load --target 127.0.0.1:1 --service a/b",
        ] {
            assert!(parse(words).is_err(), "{words}");
        }
    }

    #[test]
    fn the_largest_load_is_accepted() {
        let Ok(Part::Load(load)) = parse("bench load --target 127.0.0.1:1 --in-flight 1024 --watch 1 --watch 2") else {
            panic!("not a load")
        };
        assert_eq!((load.in_flight, load.watch), (1_024, vec![1, 2]));
    }

    #[test]
    fn calls_are_measured_without_java_too() {
        let Ok(Part::Sdk(sdk)) = parse("bench sdk") else { panic!("not sdk") };
        assert!(sdk.java.is_none());
        let Ok(Part::Sdk(sdk)) = parse("bench sdk --java /j --class-path a:b --program C.java --bars") else {
            panic!("not sdk")
        };
        assert_eq!(sdk.java.map(|java| (java.class_path, sdk.bars)), Some(("a:b".to_owned(), true)));
    }

    #[test]
    fn a_program_keeps_its_own_flags() {
        let Ok(Part::Under(under)) = parse("bench under nginx -c file --json") else { panic!("not under") };
        assert_eq!(under.arguments, ["-c", "file", "--json"]);
    }
}
