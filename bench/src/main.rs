//! `bench`: a load tool, a native Dubbo echo provider, and Highway beside three nginx in one run.
//!
//! | part | what it does |
//! |---|---|
//! | `run` | starts all chains, measures them in turn, prints ratios and bars |
//! | `choose` | what deciding costs at many rules and services |
//! | `thin-link` | what crosses a link of 30 Mbit/s, through Highway and through three nginx |
//! | `sdk` | what a call by the SDK costs beside a client written by hand, and how quick it is beside Java |
//! | `codec` | what writing and reading values costs the SDK beside Dubbo's own hessian2 |
//! | `dictionary` | trains the dictionary of packed calls |
//! | `load` | calls through one chain and checks every answer |
//! | `echo` | the provider at the end of every chain |
//!
//! Never invents a figure: what was not measured in this run is not printed.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod chain;
mod choose;
mod codec;
mod dictionary;
mod echo;
mod frames;
mod highway;
mod idle;
mod java;
mod load;
mod measure;
mod nginx;
mod packages;
mod place;
mod program;
mod report;
mod run;
mod sdk;
mod statistics;
mod stream;
mod syscalls;
mod thin;
mod under;
mod usage;
mod variant;

use args::{Arguments, Part};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let ended = match Arguments::parse().part {
        Part::Run(run) => run::run(&run),
        Part::Choose(choose) => choose::run(&choose),
        Part::ThinLink(thin) => thin::run(&thin),
        Part::Sdk(sdk) => sdk::run(&sdk),
        Part::Codec(codec) => codec::run(&codec),
        Part::Dictionary(to) => dictionary::write(&to.file).map(|()| ExitCode::SUCCESS),
        Part::Load(load) => run::load(load).map(|()| ExitCode::SUCCESS),
        Part::Echo(echo) => echo::serve(echo.listen).map(|()| ExitCode::SUCCESS),
        Part::Under(under) => under::run(&under.program, &under.arguments).map(|()| ExitCode::SUCCESS),
    };
    ended.unwrap_or_else(|error| {
        eprintln!("bench: {error:#}");
        ExitCode::from(2)
    })
}
