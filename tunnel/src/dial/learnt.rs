//! What connections that were lost say of the way to an address, whatever carried them, and that it is written down. It moves no link.

use std::rc::Rc;

use super::Inner;
use crate::Transport;
use crate::link::Loss;
use crate::path::Remembered;

impl Inner {
    /// Connections of an address that were lost since the last time, by what they were.
    pub(super) fn lost_since(&self, index: usize) -> Vec<(Transport, Loss)> {
        let links = self.links.borrow();
        let of = links.iter().filter(|dialled| dialled.address == index);
        of.filter_map(|dialled| Some((dialled.via.get(), dialled.link.take_loss()?))).collect()
    }

    /// Whether connections that were lost say how long this path lets one be silent.
    pub(super) fn learn_silence(self: &Rc<Self>, index: usize, lost: &[(Transport, Loss)]) {
        let mut idle = self.addresses[index].idle.borrow_mut();
        // Requests of `post` come and go by themselves. What is lost at once was lost to one event, however many links it was.
        let lost = lost.iter().filter(|(transport, _)| *transport != Transport::Post).map(|(_, loss)| loss);
        if let Some(loss) = lost.max_by_key(|loss| loss.silence)
            && idle.lost(loss.silence, loss.outlived)
        {
            let (url, silence) = (&self.config.hubs[index].url, idle.limit());
            tracing::warn!(url, ?silence, ping = ?idle.ping(self.config.ping), "connections to the hub are cut after a silence; the link says something more often from now on");
            self.remember(index, Remembered { transport: None, silence });
            let links = self.links.borrow();
            links
                .iter()
                .filter(|dialled| dialled.address == index)
                .for_each(|dialled| dialled.link.speak_each(idle.ping(self.config.ping)));
        }
    }

    /// Writes down what was learnt of the way to an address.
    pub(super) fn remember(self: &Rc<Self>, index: usize, known: Remembered) {
        let inner = self.clone();
        self.shard.run(async move {
            inner.memory.keep(&inner.config.hubs[index], known, inner.shard.index()).await;
        });
    }
}
