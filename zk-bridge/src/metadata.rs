//! What an instance exports: Dubbo 3's `MetadataInfo`, from a metadata node (JSON) or from a provider's reply (Hessian).
//!
//! Fields are read by name, the order is the other side's. It never fails on a field it does not know; a service
//! without a name is left out. It writes the same shape for our own virtual providers, with keys in a fixed order so
//! that equal content is equal text.
//! Source: `MetadataInfo` of apache/dubbo, and nodes and replies of released versions.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};
use wire::dubbo::hessian2::{Document, Value};

/// One service of an instance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ServiceInfo {
    pub(crate) interface: String,
    pub(crate) group: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) protocol: String,
    /// 0 where none is said: the instance's own.
    pub(crate) port: u16,
    pub(crate) path: String,
    pub(crate) parameters: BTreeMap<String, String>,
}

/// Everything that instances of one application and revision export.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MetadataInfo {
    pub(crate) services: Vec<ServiceInfo>,
}

impl MetadataInfo {
    /// Reads a metadata node.
    ///
    /// # Errors
    /// A sentence on what is wrong with the text.
    pub(crate) fn from_json(text: &[u8]) -> Result<Self, String> {
        let json: Json = serde_json::from_slice(text).map_err(|error| format!("the metadata is no JSON: {error}"))?;
        let Some(services) = json.get("services").and_then(Json::as_object) else {
            return Err("the metadata has no object \"services\"".into());
        };
        let services = services.values().filter_map(ServiceInfo::from_json).collect();
        Ok(Self { services })
    }

    /// Reads the object that `getMetadataInfo` returns.
    ///
    /// # Errors
    /// A sentence on what is wrong with the object.
    pub(crate) fn from_hessian(bytes: &[u8]) -> Result<Self, String> {
        let document = Document::read(bytes).map_err(|error| format!("the metadata cannot be read: {error}"))?;
        let Some(services) = document.field(document.root(), "services") else {
            let class = document.class(document.root()).unwrap_or("a plain value");
            return Err(format!("found {class}, wanted an object with a field \"services\""));
        };
        let services = document.entries(services).iter();
        Ok(Self { services: services.filter_map(|(_, info)| ServiceInfo::from_hessian(&document, info)).collect() })
    }

    /// The text of a metadata node.
    pub(crate) fn to_json(&self, application: &str, revision: &str) -> String {
        json!({ "app": application, "revision": revision, "services": self.services_json() }).to_string()
    }

    /// The services alone: what a revision is a digest of.
    pub(crate) fn services_json(&self) -> Json {
        let entries = self.services.iter().map(|service| (service.entry_name(), service.to_json()));
        Json::Object(entries.collect::<Map<_, _>>())
    }
}

impl ServiceInfo {
    fn from_json(json: &Json) -> Option<Self> {
        let text = |name: &str| json.get(name).and_then(plain_text).filter(|text| !text.is_empty());
        let interface = text("name")?;
        let parameters = json.get("params").and_then(Json::as_object);
        let parameters =
            parameters.into_iter().flatten().filter_map(|(key, value)| Some((key.clone(), plain_text(value)?)));
        Some(Self {
            group: text("group"),
            version: text("version"),
            protocol: text("protocol").unwrap_or_default(),
            port: text("port").and_then(|port| port.parse().ok()).unwrap_or(0),
            path: text("path").unwrap_or_else(|| interface.clone()),
            parameters: parameters.collect(),
            interface,
        })
    }

    fn from_hessian(document: &Document<'_>, info: &Value<'_>) -> Option<Self> {
        let value = |name: &str| document.field(info, name);
        let text = |name: &str| value(name).and_then(Value::as_text).filter(|text| !text.is_empty()).map(str::to_owned);
        let interface = text("name")?;
        let port = match value("port") {
            Some(Value::Int(port)) => u16::try_from(*port).unwrap_or(0),
            Some(Value::Long(port)) => u16::try_from(*port).unwrap_or(0),
            _ => 0,
        };
        let entries = value("params").map(|params| document.entries(params)).unwrap_or_default();
        let pairs = entries.iter().filter_map(|(key, value)| Some((key.as_text()?, value.as_text()?)));
        Some(Self {
            group: text("group"),
            version: text("version"),
            protocol: text("protocol").unwrap_or_default(),
            port,
            path: text("path").unwrap_or_else(|| interface.clone()),
            parameters: pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            interface,
        })
    }

    /// `group/interface:version:protocol`.
    fn entry_name(&self) -> String {
        let group = self.group.as_ref().map(|group| format!("{group}/")).unwrap_or_default();
        let version = self.version.as_ref().map(|version| format!(":{version}")).unwrap_or_default();
        format!("{group}{}{version}:{}", self.interface, self.protocol)
    }

    fn to_json(&self) -> Json {
        let mut json = json!({
            "name": self.interface,
            "protocol": self.protocol,
            "port": self.port,
            "path": self.path,
            "params": self.parameters,
        });
        for (name, value) in [("group", &self.group), ("version", &self.version)] {
            if let Some(value) = value {
                json[name] = Json::from(value.as_str());
            }
        }
        json
    }
}

/// A text, or a number or boolean as text.
fn plain_text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(value) => Some(value.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A 3.3.6 provider's node, shortened (dubbo-live 6.3).
    const REAL: &str = r#"{"app":"local-app","revision":"552ccf5d6c9f773c9f634be74a12bfb7","services":{
        "Binstance/interop.api.Interop:dubbo":{"group":"Binstance","name":"interop.api.Interop","params":{"side":"provider",
        "release":"3.3.6","methods":"add,echo","deprecated":"false","dubbo":"2.0.2","interface":"interop.api.Interop",
        "prefer.serialization":"hessian2,fastjson2","group":"Binstance"},"path":"interop.api.Interop","port":21552,
        "protocol":"dubbo"}}}"#;

    #[test]
    fn a_real_metadata_node_is_read() {
        let info = MetadataInfo::from_json(REAL.as_bytes()).unwrap();
        let [service] = &info.services[..] else { panic!("{info:?}") };
        assert_eq!(service.interface, "interop.api.Interop");
        assert_eq!(service.group.as_deref(), Some("Binstance"));
        assert_eq!(service.version, None);
        assert_eq!((service.port, service.protocol.as_str()), (21552, "dubbo"));
        assert_eq!(service.parameters["methods"], "add,echo");
    }

    #[test]
    fn what_is_written_is_read_back() {
        let info = MetadataInfo::from_json(REAL.as_bytes()).unwrap();
        let text = info.to_json("local-app", "r1");
        assert_eq!(MetadataInfo::from_json(text.as_bytes()).unwrap(), info);
        assert!(text.contains(r#""Binstance/interop.api.Interop:dubbo""#), "{text}");
        assert!(text.contains(r#""revision":"r1""#), "{text}");
    }

    #[test]
    fn damaged_metadata_is_told_not_taken_for_no_services() {
        assert!(MetadataInfo::from_json(b"").unwrap_err().contains("no JSON"));
        assert!(MetadataInfo::from_json(b"{}").unwrap_err().contains("services"));
        assert!(MetadataInfo::from_json(b"[1]").unwrap_err().contains("services"));
    }

    #[test]
    fn a_reply_of_a_real_shape_is_read() {
        // MetadataInfo { services: typed map { "demo.Greeter:dubbo": ServiceInfo {..} }, revision, app }
        let mut bytes = Vec::new();
        let text = |out: &mut Vec<u8>, text: &str| wire::dubbo::hessian2::writer::put_text(out, text);
        bytes.push(b'C');
        text(&mut bytes, "org.apache.dubbo.metadata.MetadataInfo");
        bytes.push(0x93);
        for field in ["services", "revision", "app"] {
            text(&mut bytes, field);
        }
        bytes.push(0x60);
        bytes.push(b'M');
        text(&mut bytes, "java.util.concurrent.ConcurrentHashMap");
        text(&mut bytes, "demo.Greeter:dubbo");
        bytes.push(b'C');
        text(&mut bytes, "org.apache.dubbo.metadata.MetadataInfo$ServiceInfo");
        bytes.push(0x98);
        for field in ["params", "path", "port", "protocol", "version", "group", "name", "consumerParams"] {
            text(&mut bytes, field);
        }
        bytes.push(0x61);
        wire::dubbo::hessian2::writer::put_text_map(&mut bytes, [("side", "provider"), ("methods", "hello")]);
        text(&mut bytes, "demo.Greeter");
        wire::dubbo::hessian2::writer::put_int(&mut bytes, 20880);
        text(&mut bytes, "dubbo");
        bytes.extend([b'N', b'N']);
        text(&mut bytes, "demo.Greeter");
        bytes.extend([b'N', b'Z']);
        text(&mut bytes, "rev");
        text(&mut bytes, "app");
        let info = MetadataInfo::from_hessian(&bytes).unwrap();
        let [service] = &info.services[..] else { panic!("{info:?}") };
        assert_eq!((service.interface.as_str(), service.port), ("demo.Greeter", 20880));
        assert_eq!((service.group.as_deref(), service.version.as_deref()), (None, None));
        assert_eq!(service.parameters["methods"], "hello");
        assert!(MetadataInfo::from_hessian(b"\x91").unwrap_err().contains("plain value"));
    }
}
