//! The Java sources of the peer (`lab/java`) and the list of Python packages of the boxes, carried by the program itself: a lab that is
//! installed has no repository beside it.

/// Text of the peer's sources, by their paths below `lab/java`.
macro_rules! sources {
    ($($path:literal,)*) => {
        &[$(($path, include_str!(concat!("../../java/", $path)))),*]
    };
}

/// All of them, in the order of their paths.
pub(super) static PEER: &[(&str, &str)] = sources![
    "dubbo/lab/Attempts.java",
    "dubbo/lab/Dubbo.java",
    "dubbo/lab/JsonValues.java",
    "dubbo26/lab/Attempts.java",
    "dubbo26/lab/Dubbo.java",
    "peer/com/example/AsyncService.java",
    "peer/com/example/GreetingService.java",
    "peer/com/example/InteropService.java",
    "peer/com/example/LedgerService.java",
    "peer/com/example/Order.java",
    "peer/com/example/OutOfStockException.java",
    "peer/com/example/Samples.java",
    "peer/com/example/TypesService.java",
    "peer/lab/CallCases.java",
    "peer/lab/Calls.java",
    "peer/lab/Canonical.java",
    "peer/lab/Cases.java",
    "peer/lab/Declared.java",
    "peer/lab/Json.java",
    "peer/lab/LargeCases.java",
    "peer/lab/Ledger.java",
    "peer/lab/Load.java",
    "peer/lab/Messages.java",
    "peer/lab/Newer.java",
    "peer/lab/Peer.java",
    "peer/lab/Seen.java",
    "peer/lab/Services.java",
    "peer/lab/Steps.java",
    "peer/lab/TypeCases.java",
    "peer/lab/Values.java",
];

/// Packages from PyPI, with digests.
pub(super) static BOXES: &str = include_str!("../../python/boxes/requirements.txt");

/// The same, of what reads schemas.
pub(super) static SCHEMAS: &str = include_str!("../../python/schemas/requirements.txt");

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::PEER;

    fn below(folder: &Path, base: &Path, into: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(&path, base, into);
            } else {
                into.push(path.strip_prefix(base).unwrap().to_str().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn every_source_of_the_peer_is_carried() {
        let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("java");
        let mut there = Vec::new();
        below(&base, &base, &mut there);
        there.sort();
        assert_eq!(PEER.iter().map(|(path, _)| *path).collect::<Vec<_>>(), there);
    }
}
