//! One kind of box: its name, what runs in its place, and what a gateway is told that goes through it.

use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use anyhow::Result;

use super::papers::Papers;
use super::running::Parts;
use super::{apache, device, envoy, haproxy, mitm, nginx, rude, squid, varnish};
use crate::net::Place;
use crate::program::Program;

/// The name under which gateways know the hub, whoever answers to it.
pub(super) const HUB: &str = "hub.example.com";

/// A kind of box.
#[derive(Debug)]
pub struct Kind {
    /// As the lab and the tables call it.
    pub name: &'static str,
    /// What it does to a link, in a sentence for people.
    pub about: &'static str,
    /// How a gateway gets through it.
    pub(super) entrance: Entrance,
    /// What has to be known of it to judge what it does.
    pub nature: Nature,
    /// What runs in its place, in the order of the start; writes the files.
    pub(super) parts: fn(&Spot) -> Result<Parts>,
}

/// What a box does by itself that others are only made to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// There is no box.
    Nothing,
    /// Nothing of that kind.
    Usual,
    /// Connections through it come to an end, whatever they carry.
    EndsConnections,
    /// It is thin.
    Thin,
}

/// How a gateway gets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entrance {
    /// The box answers to the hub's name.
    Plain,
    /// So it does, under TLS.
    Tls,
    /// So it does, and takes no bodies of bytes but files of forms.
    Forms,
    /// The box is asked for the hub by CONNECT, and TLS is ended behind it.
    Proxy,
}

/// Where a box stands.
#[derive(Debug, Clone)]
pub struct Spot {
    /// Its machine.
    pub place: Place,
    /// Its files; anybody may read and write there, since many a box gives up its rights.
    pub folder: PathBuf,
    /// Whom it leads to.
    pub hub: SocketAddrV4,
    /// What shows those that end TLS.
    pub papers: Papers,
}

/// What a gateway is told, to go through a box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// `url` of its section `[[hub]]`.
    pub url: String,
    /// The other lines of that section.
    pub more: String,
    /// The name in the URL, and its address as the gateway has to find it.
    pub name: (&'static str, Ipv4Addr),
    /// A file beside its configuration, which its owner alone may read.
    pub secret: Option<(&'static str, &'static str)>,
}

/// The port on which boxes listen that need no particular one.
const PORT: u16 = 8080;
/// Where CONNECT leads.
pub(super) const TLS_PORT: u16 = 443;
/// Where the proxy is asked.
pub(super) const PROXY_PORT: u16 = 3128;

impl Spot {
    /// Where gateways find the box.
    #[must_use]
    pub fn listen(&self) -> SocketAddrV4 {
        SocketAddrV4::new(self.place.address(), PORT)
    }
}

/// No box at all: what the others are compared with.
pub static NONE: Kind = Kind {
    name: "none",
    about: "Nothing stands in between.",
    entrance: Entrance::Plain,
    nature: Nature::Nothing,
    parts: |_| Ok(Vec::new()),
};

impl Kind {
    /// All of them.
    pub const ALL: [&'static Kind; 18] = [
        &NONE,
        &nginx::DEFAULT,
        &nginx::UPGRADE,
        &nginx::H2,
        &nginx::H2C,
        &haproxy::IDLE5,
        &haproxy::H2,
        &envoy::H2,
        &envoy::TIMEOUT15,
        &nginx::WAF,
        &nginx::WAF_FORMS,
        &squid::PORT_443,
        &mitm::BUFFER,
        &apache::HTTP,
        &varnish::PIPE,
        &device::NAT10,
        &rude::FIN,
        &device::THIN30,
    ];

    /// The one of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<&'static Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name == name)
    }

    /// What a gateway is told.
    #[must_use]
    pub fn way(&self, spot: &Spot) -> Way {
        let (scheme, port, more) = match self.entrance {
            _ if self.nature == Nature::Nothing => ("http", spot.hub.port(), String::new()),
            Entrance::Plain => ("http", PORT, String::new()),
            Entrance::Forms => ("http", PORT, "post.encoding = \"multipart\"\n".to_owned()),
            Entrance::Tls => ("https", PORT, spot.papers.trusted()),
            Entrance::Proxy => {
                let proxy = SocketAddrV4::new(spot.place.address(), PROXY_PORT);
                let asked =
                    format!("proxy = \"http://{proxy}\"\nproxy_credentials_file = {:?}\n", squid::CREDENTIALS.0);
                ("https", TLS_PORT, spot.papers.trusted() + &asked)
            }
        };
        let at = if self.nature == Nature::Nothing { *spot.hub.ip() } else { spot.place.address() };
        Way {
            url: format!("{scheme}://{HUB}:{port}"),
            more,
            name: (HUB, at),
            secret: (self.entrance == Entrance::Proxy).then_some(squid::CREDENTIALS),
        }
    }
}

impl Way {
    /// Leads a gateway that was told to go straight to the hub through the box, from its next start on.
    ///
    /// # Errors
    /// The disk says no.
    pub fn lead(&self, gateway: &Program, hub: SocketAddrV4) -> Result<()> {
        let text = fs::read_to_string(gateway.configuration())?;
        let direct = format!("url = \"http://{hub}\"\n");
        fs::write(gateway.configuration(), text.replace(&direct, &format!("url = \"{}\"\n{}", self.url, self.more)))?;
        gateway.resolve(self.name.0, self.name.1)?;
        if let Some((file, content)) = self.secret {
            gateway.write(file, content)?;
            fs::set_permissions(gateway.folder().join(file), fs::Permissions::from_mode(0o600))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_name_of_its_own_and_is_found_by_it() {
        for kind in Kind::ALL {
            assert!(std::ptr::eq(Kind::of(kind.name).unwrap(), kind), "{}", kind.name);
            assert!(kind.about.ends_with('.') && kind.about.len() > 20, "{}", kind.name);
        }
        assert!(Kind::of("nginx").is_none());
    }
}
