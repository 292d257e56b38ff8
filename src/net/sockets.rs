//! Where packets go in and out: UDP of the operating system, or a network of somebody else's making.
//!
//! The one place that makes QUIC endpoints. A network in memory, with a runtime whose clock is not the real one, makes the
//! whole of `net` run in virtual time; see tests/it/virtual.rs.

use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use quinn::{AsyncUdpSocket, Endpoint, EndpointConfig, Runtime, ServerConfig, TokioRuntime};

/// Where packets go in and out. Copies are the same network.
#[derive(Clone, Debug, Default)]
pub enum Sockets {
    /// UDP of the operating system.
    #[default]
    Udp,
    /// Another network, as one of its hosts sees it.
    Other(Arc<dyn Host>),
}

/// A host of a network that is not the operating system's.
pub trait Host: Debug + Send + Sync {
    /// A socket at `address`; an unspecified IP is the host's own, port 0 any free one.
    ///
    /// # Errors
    /// As an operating system would.
    fn bind(&self, address: SocketAddr) -> io::Result<Arc<dyn AsyncUdpSocket>>;

    /// Timers, tasks and the clock of an endpoint.
    fn runtime(&self) -> Arc<dyn Runtime>;

    /// Seeds the randomness of an endpoint as far as QUIC lets one: what is secret is never made from it.
    fn seed(&self) -> [u8; 32];
}

impl Sockets {
    /// An endpoint at `address`; without `server` it only dials. Must be called in a tokio runtime.
    pub(super) fn endpoint(
        &self,
        address: SocketAddr,
        server: Option<ServerConfig>,
    ) -> io::Result<Endpoint> {
        let mut config = EndpointConfig::default();
        match self {
            Self::Udp if server.is_none() => Endpoint::client(address),
            Self::Udp => {
                let socket = std::net::UdpSocket::bind(address)?;
                Endpoint::new(config, server, socket, Arc::new(TokioRuntime))
            }
            Self::Other(host) => {
                config.rng_seed(Some(host.seed()));
                let socket = host.bind(address)?;
                Endpoint::new_with_abstract_socket(config, server, socket, host.runtime())
            }
        }
    }
}
