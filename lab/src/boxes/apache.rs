//! Apache as a reverse proxy, as Debian sets it: without a module for upgrades, and with a lowest speed for what requests bring.

use std::fs;

use super::kind::{Entrance, Kind, Nature};
use super::running::Program;
use crate::install::{Need, also};

/// mod_proxy_http alone.
pub(super) static HTTP: Kind = Kind {
    name: "apache-http",
    about: "Apache with mod_proxy_http alone: no upgrades, and slow request bodies are ended after 10 s.",
    entrance: Entrance::Plain,
    nature: Nature::Usual,
    parts: |spot| {
        let modules: String = ["mpm_event", "authz_core", "reqtimeout", "proxy", "proxy_http"]
            .iter()
            .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"))
            .collect();
        let (here, listen, hub) = (spot.folder.display(), spot.listen(), spot.hub);
        let text = format!(
            "ServerRoot {here}\nServerName hub.example.com\nPidFile {here}/apache.pid\nDefaultRuntimeDir {here}\n{modules}\
             Listen {listen}\nUser www-data\nGroup www-data\nErrorLog {here}/apache-errors.log\nLogLevel warn\n\
             Timeout 300\nKeepAlive On\nMaxKeepAliveRequests 100\nKeepAliveTimeout 5\n\
             RequestReadTimeout header=20-40,minrate=500\nRequestReadTimeout body=10,minrate=500\n\
             ProxyPass / http://{hub}/\nProxyPassReverse / http://{hub}/\n"
        );
        let file = spot.folder.join("apache.conf");
        fs::write(&file, text)?;
        let arguments = ["-DFOREGROUND", "-f", &file.display().to_string()];
        Ok(vec![Program::part(spot, also(Need::Apache)?, &arguments, spot.listen())])
    },
};
