//! central-hub
fn main() {}
