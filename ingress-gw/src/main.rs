//! ingress-gw
fn main() {}
