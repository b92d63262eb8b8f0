//! `egress-gw`: the egress gateway as a program.

use std::process::ExitCode;

fn main() -> ExitCode {
    chassis::run::<highway_egress_gw::EgressGateway>()
}
