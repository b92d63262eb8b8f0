//! Connections to Dubbo providers: pool, heartbeats, ids, choice of a provider.
