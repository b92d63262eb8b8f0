//! Envoy as an ingress of a cluster: without a limit on the time of a request, and with its default one.

use std::fs;

use anyhow::Result;
use serde_json::json;

use super::kind::{Entrance, Kind, Nature, Spot};
use super::running::{Parts, Program};
use crate::install;

/// No request takes too long.
pub(super) static H2: Kind = Kind {
    name: "envoy-h2",
    about: "Envoy without a limit on the time of a request; upgrades pass, gRPC goes to the hub over HTTP/2.",
    entrance: Entrance::Plain,
    nature: Nature::Usual,
    parts: |spot| parts(spot, Some("0s")),
};

/// As it is by itself: an answer has to be complete 15 s after its request.
pub(super) static TIMEOUT15: Kind = Kind {
    name: "envoy-timeout15",
    about: "Envoy with its default limit: an answer has to be complete 15 s after the request was.",
    entrance: Entrance::Plain,
    nature: Nature::Usual,
    parts: |spot| parts(spot, None),
};

fn parts(spot: &Spot, timeout: Option<&str>) -> Result<Parts> {
    let address = |at: std::net::SocketAddrV4| json!({ "socket_address": { "address": at.ip().to_string(), "port_value": at.port() } });
    let route = |cluster: &str| {
        let mut route = json!({ "cluster": cluster });
        if let Some(timeout) = timeout {
            route["timeout"] = json!(timeout);
        }
        route
    };
    let cluster = |name: &str, more: serde_json::Value| {
        json!({
            "name": name, "type": "STATIC", "connect_timeout": "5s", "typed_extension_protocol_options": more,
            "load_assignment": { "cluster_name": name, "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address(spot.hub) } }] }] },
        })
    };
    let h2 = json!({ "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": { "http2_protocol_options": {} },
    } });
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "in", "codec_type": "AUTO", "upgrade_configs": [{ "upgrade_type": "websocket" }],
        "http_filters": [{ "name": "envoy.filters.http.router",
            "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" } }],
        "route_config": { "virtual_hosts": [{ "name": "hub", "domains": ["*"], "routes": [
            { "match": { "prefix": "/", "grpc": {} }, "route": route("grpc") },
            { "match": { "prefix": "/" }, "route": route("hub") },
        ] }] },
    });
    let all = json!({ "static_resources": {
        "listeners": [{ "name": "in", "address": address(spot.listen()),
            "filter_chains": [{ "filters": [{ "name": "envoy.filters.network.http_connection_manager", "typed_config": manager }] }] }],
        "clusters": [cluster("grpc", h2), cluster("hub", json!({}))],
    } });
    let file = spot.folder.join("envoy.json");
    fs::write(&file, all.to_string())?;
    let arguments = ["-c", &file.display().to_string(), "--concurrency", "2", "--disable-hot-restart", "-l", "warn"];
    Ok(vec![Program::part(spot, install::box_programs()?.join("envoy"), &arguments, spot.listen())])
}
