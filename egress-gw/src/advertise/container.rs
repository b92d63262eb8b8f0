//! Whether this process sits in a container that has a network of its own.
//!
//! ```text
//!   a container?        /.dockerenv (Docker), /run/.containerenv (Podman), a service account or KUBERNETES_SERVICE_HOST (Kubernetes)
//!   its own network?    not if one of the interfaces in /sys/class/net is a real one (it has a `device`), or a bridge: containers in the
//!                       machine's network see those, and one to which a real card was given has an address that others reach
//! ```
//!
//! Where /sys does not tell, a container is taken to have a network of its own: to say an address costs a line, a wrong one every call.

use std::path::Path;

/// Whose addresses a process sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// The machine's.
    OfTheMachine,
    /// A container's own, behind the machine's.
    OfAContainer,
}

impl Network {
    /// What files below `root` (`/`) and the environment say.
    #[must_use]
    pub fn seen(root: &Path) -> Self {
        let in_kubernetes = std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
        if (in_kubernetes || is_marked(root)) && !sees_the_machines(root) {
            Self::OfAContainer
        } else {
            Self::OfTheMachine
        }
    }
}

fn is_marked(root: &Path) -> bool {
    const MARKS: [&str; 3] = [".dockerenv", "run/.containerenv", "run/secrets/kubernetes.io"];
    MARKS.iter().any(|mark| root.join(mark).exists())
}

fn sees_the_machines(root: &Path) -> bool {
    let Ok(interfaces) = std::fs::read_dir(root.join("sys/class/net")) else { return false };
    interfaces.flatten().any(|interface| {
        let of = interface.path();
        of.join("device").exists() || of.join("bridge").exists()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            std::fs::create_dir_all(root.path().join(file)).unwrap();
        }
        root
    }

    fn seen(files: &[&str]) -> Network {
        Network::seen(root(files).path())
    }

    #[test]
    fn a_container_with_nothing_but_a_pair_of_ends_has_its_own_network() {
        assert_eq!(seen(&[".dockerenv", "sys/class/net/lo", "sys/class/net/eth0"]), Network::OfAContainer);
        assert_eq!(seen(&["run/.containerenv", "sys/class/net/tap0"]), Network::OfAContainer);
        assert_eq!(seen(&[".dockerenv"]), Network::OfAContainer, "nothing is known of its interfaces");
    }

    #[test]
    fn a_container_in_the_machines_network_sees_its_card_or_its_bridge() {
        assert_eq!(seen(&[".dockerenv", "sys/class/net/ens3/device"]), Network::OfTheMachine);
        assert_eq!(seen(&[".dockerenv", "sys/class/net/docker0/bridge"]), Network::OfTheMachine);
    }

    #[test]
    fn outside_of_containers_a_namespace_is_a_machine() {
        assert_eq!(seen(&["sys/class/net/lo", "sys/class/net/eth0"]), Network::OfTheMachine);
    }
}
