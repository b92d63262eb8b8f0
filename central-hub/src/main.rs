//! The program `central-hub`: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    chassis::run::<highway_central_hub::Hub>()
}
