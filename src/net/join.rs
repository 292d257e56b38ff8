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
use crate::net::{Admission, JoinError, close, tls};
use crate::wire::codec;
use crate::wire::greeting::{Blob, Greeting, Welcome, join_message};
use crate::wire::ticket::Ticket;

/// For the answer to a greeting: the listener waits `HANDSHAKE` for its disk, and its refusal must still arrive.
const ANSWER: Duration = HANDSHAKE.saturating_add(Duration::from_secs(2));

/// See [`crate::net::join`].
pub(super) async fn join(key: &Key, ticket: &Ticket, name: &str) -> Result<Admission, JoinError> {
    let client = tls::client(key)?;
    let mut tried = Vec::new();
    for (machine, address) in &ticket.addresses {
        let door = Door {
            key,
            ticket,
            name,
            client: &client,
            machine: *machine,
            address: *address,
        };
        match door.knock().await {
            Ok(admission) => return Ok(admission),
            Err(Shut::Refused(why)) => tried.push((*address, why)),
            Err(Shut::BadAnswer(why)) => {
                return Err(JoinError::BadAnswer {
                    address: *address,
                    why,
                });
            }
        }
    }
    Err(JoinError::NotLetIn { tried })
}

/// One address of a ticket.
struct Door<'a> {
    key: &'a Key,
    ticket: &'a Ticket,
    name: &'a str,
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
        let endpoint = Endpoint::client((any, 0).into())
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
        let root = self.ticket.root.id();
        let signature = self
            .ticket
            .secret
            .sign(&join_message(&exporter, root, self.key.machine()));
        let greeting = Greeting::Joiner {
            root,
            invite: self.ticket.invite,
            name: self.name.to_owned(),
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
        if event.digest() != self.ticket.root {
            return Err("its root is not the one of the ticket");
        }
        let Control::Root(control) = event.control() else {
            return Err("its root is not valid");
        };
        // Of who made R itself there is none, and none leads to nobody else.
        let own = self.key.machine();
        if !leads_to(&credential, event.raw().machine, own, control.rules) {
            return Err("its admissions do not lead from the root to this machine");
        }
        Ok(Admission {
            root: root.0,
            credential: credential.into_iter().map(|link| link.0).collect(),
        })
    }
}
