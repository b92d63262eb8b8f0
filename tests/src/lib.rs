//! Everything across crates, with real ZooKeeper and real Java.
