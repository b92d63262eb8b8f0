//! A gateway with a real key and a real handshake that says on its link whatever a test wants. It keeps no rule of a link and never
//! becomes part of a program.

use std::future::poll_fn;
use std::io;

use shard::Shard;
use wire::tunnel::hello::{ClientHello, ClientPayload, VERSION};
use wire::tunnel::record::Decoded;
use wire::tunnel::{Record, RecordType};

use crate::DialConfig;
use crate::handshake::{Initiator, initiate};
use crate::seal::Seal;
use crate::transport::connect::{self, Made, Target};
use crate::transport::{Transport, read_more};

/// Its end of one connection.
pub struct Scripted {
    transport: Box<dyn Transport>,
    seal: Option<Seal>,
    /// Read and, where the link is sealed, not opened yet.
    read: Vec<u8>,
    /// Opened, and no whole record yet.
    plain: Vec<u8>,
}

/// A record as it came: type, exchange, payload.
pub type Said = (RecordType, u64, Vec<u8>);

impl Scripted {
    /// Makes a link as `config` says, with the first hub of it.
    ///
    /// # Errors
    /// Why there is none, as a gateway says it in its log.
    pub async fn link(shard: &Shard, config: &DialConfig) -> Result<Scripted, String> {
        Scripted::link_with(shard, config, 0).await
    }

    /// The same, of a release that knows these bits of [`wire::tunnel::hello::feature`].
    ///
    /// # Errors
    /// Why there is none, as a gateway says it in its log.
    pub async fn link_with(shard: &Shard, config: &DialConfig, features: u64) -> Result<Scripted, String> {
        let hub = config.hubs.first().ok_or("no hub to link to")?;
        let made = async {
            let target = Target::of(hub)?;
            connect::ws(shard, &target).await
        };
        let Made { mut transport, exporter, .. } = made.await.map_err(|error| error.to_string())?;
        let initiator = Initiator {
            key: &config.key,
            hub_keys: &hub.keys,
            hello: ClientHello {
                version_min: VERSION,
                version_max: VERSION,
                features,
                role: config.role,
                island: config.island.clone(),
                gateway: config.gateway.clone(),
                hub_key: String::new(),
            },
            payload: &|_| ClientPayload {
                seal: config.seal,
                exporter: exporter.clone(),
                start: config.start,
                exchanges: config.exchanges,
                resume: Vec::new(),
            },
        };
        let answered = initiate(&mut *transport, initiator).await.map_err(|error| error.to_string())?;
        let established = answered.confirm(None).await.map_err(|error| error.to_string())?;
        let mut scripted = Scripted { transport, seal: established.seal, read: established.rest, plain: Vec::new() };
        scripted.open().map_err(|error| error.to_string())?;
        Ok(scripted)
    }

    /// Sends these bytes as records, sealed where the link is, and waits until they are written.
    ///
    /// # Errors
    /// The hub has ended the connection.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.seal {
            None => self.transport.send(&[bytes]),
            Some(seal) => {
                let mut sealed = Vec::new();
                seal.seal(&[bytes], &mut sealed).map_err(io::Error::other)?;
                self.transport.send(&[&sealed]);
            }
        }
        poll_fn(|cx| self.transport.poll_flush(cx)).await
    }

    /// The next record of the hub.
    ///
    /// # Errors
    /// The hub has ended the connection.
    pub async fn next(&mut self) -> io::Result<Said> {
        loop {
            if let Decoded::Record(record, len) = Record::decode(&self.plain).map_err(io::Error::other)? {
                let said = (record.kind, record.exchange, record.payload.to_vec());
                self.plain.drain(..len);
                return Ok(said);
            }
            read_more(&mut *self.transport, &mut self.read).await?;
            self.open()?;
        }
    }

    fn open(&mut self) -> io::Result<()> {
        match &mut self.seal {
            None => self.plain.append(&mut self.read),
            Some(seal) => {
                let used = seal.open(&self.read, &mut self.plain).map_err(io::Error::other)?;
                self.read.drain(..used);
            }
        }
        Ok(())
    }
}
