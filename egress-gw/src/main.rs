//! egress-gw
fn main() {}
