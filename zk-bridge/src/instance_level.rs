//! The instance level: the JSON of an instance node, read and written, and the providers behind it.
//!
//! The JSON is Curator's; what Dubbo puts in stands in `payload.metadata`, some of it as JSON inside a text. Others use
//! the same folder (Spring Cloud): an instance without Dubbo's revision is none of ours. A written node is complete
//! from its first byte on: one without `@class` stops the references of everybody whose mapping names it. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::interface_level::{EPOCH, MARK, Registered};
use crate::metadata::{MetadataInfo, ServiceInfo};
use crate::registry::Level;
use crate::view::{Parameters, Provider, ServiceKey};

/// The class that Dubbo's consumers cast the payload to.
const PAYLOAD_CLASS: &str = "org.apache.dubbo.registry.zookeeper.ZookeeperInstance";
const ENDPOINTS: &str = "dubbo.endpoints";
const REVISION: &str = "dubbo.metadata.revision";
const STORAGE: &str = "dubbo.metadata.storage-type";
/// When the process started, in milliseconds since 1970.
const TIMESTAMP: &str = "timestamp";
const SERVICE_PARAMETERS: &str = "dubbo.metadata-service.url-params";
/// The revision of an instance that exports nothing: consumers pass over it.
pub(crate) const NO_REVISION: &str = "0";

/// An instance node of Dubbo's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instance {
    pub(crate) application: String,
    pub(crate) host: String,
    /// The instance's own port: the preferred protocol's.
    pub(crate) port: u16,
    pub(crate) revision: String,
    /// The port for `dubbo://` where the endpoints name one.
    pub(crate) dubbo_port: Option<u16>,
    /// The tag of the instance as a whole, as gateways and dubbo-go write it.
    pub(crate) tag: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// Where an instance that keeps its metadata to itself is asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MetadataService {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) group: String,
    pub(crate) version: String,
}

impl Instance {
    /// Reads an instance node; `None` where it is none of Dubbo's, or exports nothing and is no gateway's.
    pub(crate) fn from_json(application: &str, text: &[u8]) -> Option<Self> {
        let json: Json = serde_json::from_slice(text).ok()?;
        let metadata = json.get("payload")?.get("metadata")?.as_object()?;
        let metadata: BTreeMap<String, String> =
            metadata.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
        let is_marked = metadata.get(MARK).is_some_and(|mark| !mark.is_empty());
        let exports = |text: &&String| !text.is_empty() && (*text != NO_REVISION || is_marked);
        let revision = metadata.get(REVISION).filter(exports)?.clone();
        let host = json.get("address").and_then(Json::as_str).filter(|host| !host.is_empty())?.to_owned();
        let port = json.get("port").and_then(Json::as_u64).and_then(|port| u16::try_from(port).ok())?;
        let dubbo_port = metadata.get(ENDPOINTS).and_then(|text| endpoint(text, "dubbo"));
        let tag = json.get("tag").and_then(Json::as_str).filter(|tag| !tag.is_empty()).map(str::to_owned);
        Some(Self { application: application.to_owned(), host, port, revision, dubbo_port, tag, metadata })
    }

    /// Whether it says where somebody stands, and nothing of what he exports.
    pub(crate) fn exports_nothing(&self) -> bool {
        self.revision == NO_REVISION
    }

    /// The gateway that wrote it.
    pub(crate) fn highway(&self) -> Option<&str> {
        self.metadata.get(MARK).map(String::as_str).filter(|mark| !mark.is_empty())
    }

    /// The start of the process that wrote it; 0 where it says none.
    pub(crate) fn epoch(&self) -> u64 {
        let said = self.metadata.get(EPOCH).or_else(|| self.metadata.get(TIMESTAMP));
        said.and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// Where to ask for the metadata: only of an instance with storage `local` that answers `dubbo://`.
    ///
    /// # Errors
    /// A sentence on why it cannot be asked.
    pub(crate) fn metadata_service(&self) -> Result<MetadataService, String> {
        if self.metadata.get(STORAGE).is_some_and(|storage| storage == "remote") {
            return Err("it says that the metadata is in the registry".into());
        }
        let text = self.metadata.get(SERVICE_PARAMETERS).map_or("{}", String::as_str);
        let parameters: Json = serde_json::from_str(text).unwrap_or_default();
        // Dubbo 3 writes the parameters themselves; 2.7 a map from protocol to parameters.
        let parameters = parameters.get("dubbo").filter(|inner| inner.is_object()).unwrap_or(&parameters);
        let said = |key: &str| parameters.get(key).and_then(Json::as_str).filter(|text| !text.is_empty());
        if let Some(other) = said("protocol").filter(|protocol| *protocol != "dubbo") {
            return Err(format!("its metadata service speaks {other}, wanted dubbo"));
        }
        Ok(MetadataService {
            host: self.host.clone(),
            port: said("port").and_then(|port| port.parse().ok()).or(self.dubbo_port).unwrap_or(self.port),
            group: said("group").unwrap_or(&self.application).to_owned(),
            version: said("version").unwrap_or("1.0.0").to_owned(),
        })
    }

    /// The providers behind the instance, of any protocol, given what its revision exports of what is wanted.
    pub(crate) fn providers(&self, info: &MetadataInfo, is_wanted: impl Fn(&str) -> bool) -> Vec<Registered> {
        let registered = |service: &ServiceInfo| Registered {
            protocol: service.protocol.clone(),
            provider: Arc::new(self.provider(service)),
        };
        let wanted = info.services.iter().filter(|service| is_wanted(&service.interface));
        wanted.filter(|service| !service.protocol.is_empty()).map(registered).collect()
    }

    fn provider(&self, service: &ServiceInfo) -> Provider {
        let mut parameters = service.parameters.clone();
        for (key, value) in
            self.metadata.iter().filter(|(key, _)| !key.starts_with("dubbo.metadata") && *key != ENDPOINTS)
        {
            parameters.entry(key.clone()).or_insert_with(|| value.clone());
        }
        let own = if service.protocol == "dubbo" { self.dubbo_port } else { None };
        let port = if service.port == 0 { own.unwrap_or(self.port) } else { service.port };
        Provider {
            key: ServiceKey::new(service.interface.as_str(), service.group.as_deref(), service.version.as_deref()),
            host: self.host.clone(),
            port,
            path: service.path.clone(),
            level: Level::Instance,
            application: Some(self.application.clone()),
            highway: self.highway().map(str::to_owned),
            parameters: Parameters(parameters),
        }
    }
}

/// The name of an instance node.
pub(crate) fn instance_id(host: &str, port: u16) -> String {
    format!("{host}:{port}")
}

/// The text of one of our instance nodes. dubbo-go knows the tag of an instance as a whole (as its own providers write it) and takes
/// those in the metadata of services for none; Java knows those, and passes over the other.
pub(crate) fn instance_json(
    application: &str,
    at: (&str, u16),
    tag: Option<&str>,
    revision: &str,
    gateway: &str,
    epoch: u64,
) -> String {
    let mut node = node_json(application, at, revision, epoch, &[(MARK, gateway), (EPOCH, &epoch.to_string())]);
    if let Some(tag) = tag {
        node["tag"] = tag.into();
    }
    node.to_string()
}

/// The text of the instance of a process that started at `epoch` and is no gateway, as Java writes it.
pub(crate) fn plain_instance_json(application: &str, at: (&str, u16), revision: &str, epoch: u64) -> String {
    let said = [("meta-v", "1.0.0"), (TIMESTAMP, &epoch.to_string())];
    node_json(application, at, revision, epoch, &said).to_string()
}

fn node_json(application: &str, at: (&str, u16), revision: &str, epoch: u64, said: &[(&str, &str)]) -> Json {
    let (host, port) = at;
    let id = instance_id(host, port);
    let endpoints = json!([{ "port": port, "protocol": "dubbo" }]).to_string();
    let mut metadata = json!({ REVISION: revision, STORAGE: "remote", ENDPOINTS: endpoints });
    for (key, value) in said {
        metadata[key] = Json::from(*value);
    }
    json!({
        "name": application,
        "id": id,
        "address": host,
        "port": port,
        "sslPort": null,
        "payload": { "@class": PAYLOAD_CLASS, "id": id, "name": application, "metadata": metadata },
        "registrationTimeUTC": epoch,
        "serviceType": "DYNAMIC",
        "uriSpec": null,
    })
}

/// The port of `protocol` in `[{"port":20880,"protocol":"dubbo"}]`.
fn endpoint(text: &str, protocol: &str) -> Option<u16> {
    let endpoints: Json = serde_json::from_str(text).ok()?;
    let found = endpoints.as_array()?.iter().find(|endpoint| endpoint["protocol"] == protocol)?;
    found["port"].as_u64().and_then(|port| u16::try_from(port).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As 3.3.6 writes it (dubbo-live 6.3).
    const REMOTE: &str = r#"{"name":"local-app","id":"10.77.0.1:21552","address":"10.77.0.1","port":21552,"sslPort":null,
        "payload":{"@class":"org.apache.dubbo.registry.zookeeper.ZookeeperInstance","id":"10.77.0.1:21552","name":"local-app",
        "metadata":{"dubbo.endpoints":"[{\"port\":21552,\"protocol\":\"dubbo\"}]","dubbo.metadata.revision":
        "552ccf5d6c9f773c9f634be74a12bfb7","dubbo.metadata.storage-type":"remote","meta-v":"1.0.0","timestamp":
        "1795253830272"}},"registrationTimeUTC":1795253831213,"serviceType":"DYNAMIC","uriSpec":null}"#;

    /// As 3.3 writes it with its default storage (dubbo-wire 4.8).
    const LOCAL: &str = r#"{"name":"app","id":"10.0.0.7:20880","address":"10.0.0.7","port":20880,"sslPort":null,
        "payload":{"@class":"org.apache.dubbo.registry.zookeeper.ZookeeperInstance","id":"10.0.0.7:20880","name":"app",
        "metadata":{"dubbo.endpoints":"[{\"port\":20880,\"protocol\":\"dubbo\"}]","dubbo.metadata-service.url-params":
        "{\"version\":\"1.0.0\",\"dubbo\":\"2.0.2\",\"side\":\"provider\",\"port\":\"20881\",\"protocol\":\"dubbo\"}",
        "dubbo.metadata.revision":"abc","dubbo.metadata.storage-type":"local","timestamp":"1"}},
        "registrationTimeUTC":1,"serviceType":"DYNAMIC","uriSpec":null}"#;

    fn info(service: ServiceInfo) -> MetadataInfo {
        MetadataInfo { services: vec![service] }
    }

    #[test]
    fn an_instance_with_its_metadata_in_the_registry_is_read() {
        let instance = Instance::from_json("local-app", REMOTE.as_bytes()).unwrap();
        assert_eq!((instance.host.as_str(), instance.port), ("10.77.0.1", 21552));
        assert_eq!(instance.revision, "552ccf5d6c9f773c9f634be74a12bfb7");
        assert_eq!(instance.highway(), None);
        assert!(instance.metadata_service().unwrap_err().contains("in the registry"));
    }

    #[test]
    fn an_instance_that_keeps_its_metadata_says_where_to_ask() {
        let instance = Instance::from_json("app", LOCAL.as_bytes()).unwrap();
        let service = instance.metadata_service().unwrap();
        assert_eq!((service.port, service.group.as_str(), service.version.as_str()), (20881, "app", "1.0.0"));
        let triple = LOCAL.replace(r#"\"protocol\":\"dubbo\"}""#, r#"\"protocol\":\"tri\"}""#);
        let instance = Instance::from_json("app", triple.as_bytes()).unwrap();
        assert!(instance.metadata_service().unwrap_err().contains("speaks tri"));
    }

    #[test]
    fn a_service_has_the_port_it_says_or_the_endpoints_or_the_instances() {
        let instance = Instance::from_json("app", LOCAL.as_bytes()).unwrap();
        let service = ServiceInfo { interface: "a.B".into(), protocol: "dubbo".into(), ..ServiceInfo::default() };
        assert_eq!(instance.providers(&info(service.clone()), |_| true)[0].provider.port, 20880);
        assert_eq!(
            instance.providers(&info(ServiceInfo { port: 99, ..service.clone() }), |_| true)[0].provider.port,
            99
        );
        let triple_first = LOCAL.replace(r#""[{\"port\":20880"#, r#""[{\"port\":20890"#);
        let instance = Instance::from_json("app", triple_first.as_bytes()).unwrap();
        assert_eq!(instance.providers(&info(service), |_| true)[0].provider.port, 20890);
    }

    #[test]
    fn what_the_instance_says_fills_what_the_service_does_not() {
        let instance = Instance::from_json("local-app", REMOTE.as_bytes()).unwrap();
        let service = ServiceInfo {
            interface: "a.B".into(),
            protocol: "dubbo".into(),
            parameters: [("meta-v".to_owned(), "own".to_owned())].into(),
            ..ServiceInfo::default()
        };
        let provider = &instance.providers(&info(service), |_| true)[0].provider;
        assert_eq!(provider.timestamp(), Some(1795253830272));
        assert_eq!(provider.parameters.get("meta-v"), Some("own"));
        assert_eq!(provider.parameters.get("dubbo.metadata.revision"), None);
    }

    #[test]
    fn a_service_of_another_protocol_is_nobody_to_call() {
        let instance = Instance::from_json("local-app", REMOTE.as_bytes()).unwrap();
        let service = ServiceInfo { interface: "a.B".into(), protocol: "tri".into(), ..ServiceInfo::default() };
        assert!(instance.providers(&info(service.clone()), |interface| interface != "a.B").is_empty());
        let found = instance.providers(&info(service), |_| true);
        assert_eq!((found[0].protocol.as_str(), found[0].dubbo()), ("tri", None));
    }

    #[test]
    fn instances_of_others_or_without_services_are_none() {
        let spring = r#"{"name":"s","id":"1","address":"h","port":1,"payload":{"@class":"x","metadata":{}}}"#;
        for text in ["", "{}", "10.0.0.1", spring, &REMOTE.replace("552ccf5d6c9f773c9f634be74a12bfb7", "0")] {
            assert_eq!(Instance::from_json("s", text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn our_own_instance_has_all_that_consumers_check() {
        let text = instance_json("highway-b-1", ("10.0.0.9", 20990), None, "r1", "gw-1", 1700000000000);
        let json: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(json.get("tag"), None);
        assert_eq!(json["payload"]["@class"], PAYLOAD_CLASS);
        assert_eq!(json["id"], "10.0.0.9:20990");
        assert_eq!(json["payload"]["metadata"]["dubbo.endpoints"], r#"[{"port":20990,"protocol":"dubbo"}]"#);
        assert_eq!(json["payload"]["metadata"]["dubbo.metadata.storage-type"], "remote");
        let instance = Instance::from_json("highway-b-1", text.as_bytes()).unwrap();
        assert_eq!((instance.highway(), instance.epoch()), (Some("gw-1"), 1700000000000));
        assert_eq!(instance.revision, "r1");
        let tagged = instance_json("highway-b-1", ("10.0.0.9", 20991), Some("b"), "r1", "gw-1", 1700000000000);
        assert_eq!(Instance::from_json("highway-b-1", tagged.as_bytes()).unwrap().tag.as_deref(), Some("b"));
    }
}
