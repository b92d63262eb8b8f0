//! The ingress gateway's program; all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    chassis::run::<highway_ingress_gw::IngressGateway>()
}
