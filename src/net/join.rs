//! The newcomer's side: knocking with a ticket.
//!
//! It has no network yet, so it uses a socket of its own, and believes nothing but the ticket: R must have the ticket's
//! digest, and the admissions must lead from R's author to our own key.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use quinn::{ClientConfig, Endpoint};
use tokio::time::timeout;

use crate::event::Event;
use crate::event::control::Control;
use crate::event::key::{Key, MachineId};
use crate::limits::{CLOSING, HANDSHAKE};
use crate::net::greet::{ask, leads_to};
use crate::net::sockets::Sockets;
use crate::net::{self, Admission, close, tls};
use crate::wire::codec;
use crate::wire::greeting::{Blob, Greeting, Welcome, join_message};
use crate::wire::ticket::Ticket;

/// For the answer to a greeting: the listener waits `HANDSHAKE` for its disk, and its refusal must still arrive.
const ANSWER: Duration = HANDSHAKE.saturating_add(Duration::from_secs(2));

/// Why a newcomer was not let in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Each address and what happened there.
    #[error("no machine of the ticket let this one in:{}", in_lines(tried))]
    NotLetIn {
        /// In the ticket's order.
        tried: Vec<(SocketAddr, String)>,
    },
    /// What the member sent is not what a member sends.
    #[error("the machine at {address} sent an answer that does not hold: {why}")]
    BadAnswer {
        /// Where.
        address: SocketAddr,
        /// In words.
        why: String,
    },
    /// The local socket.
    #[error(transparent)]
    Start(#[from] net::Error),
}

/// Who wants to be let in.
#[derive(Clone, Copy, Debug)]
pub struct Newcomer<'a> {
    /// Its key.
    pub key: &'a Key,
    /// The ticket that it shows.
    pub ticket: &'a Ticket,
    /// The name that it wants.
    pub name: &'a str,
}

impl Newcomer<'_> {
    /// As [`fn@crate::net::join`], over these sockets. Must be called in a tokio runtime.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn join(self, sockets: &Sockets) -> Result<Admission, Error> {
        let client = tls::client(self.key)?;
        let mut tried = Vec::new();
        for (machine, address) in &self.ticket.addresses {
            let door = Door {
                newcomer: self,
                sockets,
                client: &client,
                machine: *machine,
                address: *address,
            };
            match door.knock().await {
                Ok(admission) => return Ok(admission),
                Err(Shut::Refused(why)) => tried.push((*address, why)),
                Err(Shut::BadAnswer(why)) => {
                    return Err(Error::BadAnswer {
                        address: *address,
                        why,
                    });
                }
            }
        }
        Err(Error::NotLetIn { tried })
    }
}

fn in_lines(tried: &[(SocketAddr, String)]) -> String {
    let lines: Vec<_> = tried
        .iter()
        .map(|(address, why)| format!("\n  {address}: {why}"))
        .collect();
    lines.concat()
}

/// One address of a ticket.
struct Door<'a> {
    newcomer: Newcomer<'a>,
    sockets: &'a Sockets,
    client: &'a ClientConfig,
    machine: MachineId,
    address: SocketAddr,
}

/// Why a door stays shut, in words.
enum Shut {
    Refused(String),
    BadAnswer(String),
}

impl Door<'_> {
    async fn knock(&self) -> Result<Admission, Shut> {
        let refused = |why: String| Shut::Refused(why);
        let any: IpAddr = if self.address.is_ipv4() {
            Ipv4Addr::UNSPECIFIED.into()
        } else {
            Ipv6Addr::UNSPECIFIED.into()
        };
        let endpoint = self
            .sockets
            .endpoint((any, 0).into(), None)
            .map_err(|e| refused(format!("this machine has no socket for it: {e}")))?;
        let welcome = self.ask(&endpoint).await;
        endpoint.close(close::DONE, b"");
        // The other side learns that the answer has arrived; if not, it finds out by itself.
        timeout(CLOSING, endpoint.wait_idle()).await.ok();
        let Welcome::Joined { root, credential } = welcome.map_err(refused)? else {
            return Err(Shut::BadAnswer("it is no answer to a newcomer".to_owned()));
        };
        self.check(root, credential)
            .map_err(|why| Shut::BadAnswer(why.to_owned()))
    }

    async fn ask(&self, endpoint: &Endpoint) -> Result<Welcome, String> {
        let name = tls::server_name(self.machine);
        let connecting = endpoint
            .connect_with(self.client.clone(), self.address, &name)
            .map_err(|error| close::undialled(&error))?;
        let connection = timeout(HANDSHAKE, connecting)
            .await
            .map_err(|_| format!("no answer within {} s", HANDSHAKE.as_secs()))?
            .map_err(|error| close::words(&error))?;
        let exporter = tls::exporter(&connection).ok_or("the TLS library gives no exporter")?;
        let root = self.newcomer.ticket.root.id();
        let signature = self.newcomer.ticket.secret.sign(&join_message(
            &exporter,
            root,
            self.newcomer.key.machine(),
        ));
        let greeting = Greeting::Joiner {
            root,
            invite: self.newcomer.ticket.invite,
            name: self.newcomer.name.to_owned(),
            signature: Blob(signature.0.to_vec()),
        };
        let asked = timeout(ANSWER, ask(&connection, &greeting)).await;
        let asked =
            asked.map_err(|_| format!("no answer to the ticket within {} s", ANSWER.as_secs()))?;
        asked
            .map(|(welcome, _, _)| welcome)
            .map_err(|unanswered| unanswered.why)
    }

    /// Believes nothing but the ticket.
    fn check(&self, root: Blob, credential: Vec<Blob>) -> Result<Admission, &'static str> {
        let raw = codec::decode_event(&root.0).map_err(|_| "its root does not decode")?;
        let event = Event::check_root(raw, root.0.len()).map_err(|_| "its root is not valid")?;
        if event.digest() != self.newcomer.ticket.root {
            return Err("its root is not the one of the ticket");
        }
        let Control::Root(control) = event.control() else {
            return Err("its root is not valid");
        };
        // Of who made R itself there is none, and none leads to nobody else.
        let own = self.newcomer.key.machine();
        if !leads_to(&credential, event.raw().machine, own, control.rules) {
            return Err("its admissions do not lead from the root to this machine");
        }
        Ok(Admission {
            root: root.0,
            credential: credential.into_iter().map(|link| link.0).collect(),
        })
    }
}
