//! Tickets: an invite is an event, its secret is kept here and in the data directory, its addresses are gathered anew each
//! time.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::warn;

use crate::control::{Failure, Reply};
use crate::event::key::{Key, MachineId};
use crate::event::wall::WallTime;
use crate::limits::{INVITES_KEPT_MAX, TICKET_ADDRESSES_MAX, TICKET_PEERS_MAX, TIME_MS_MAX};
use crate::node::ask::{Desk, LocalRequest, Seen};
use crate::node::failure::{failed, failed_because, refused, stopping};
use crate::node::home::Home;
use crate::node::home::book::OwnInvite;
use crate::node::view::is_connected;
use crate::wire::ticket::Ticket;

/// The secrets of own tickets.
///
/// Invariant: what is here is in the data directory too, if there is one.
#[derive(Debug)]
pub(crate) struct Invites {
    home: Option<Home>,
    kept: Mutex<Vec<OwnInvite>>,
}

impl Invites {
    /// Those of the data directory; without one they are in memory alone.
    pub(crate) fn open(
        home: Option<Home>,
        now: WallTime,
    ) -> Result<Self, crate::node::home::Error> {
        let kept = match &home {
            Some(home) => home.invites(now)?,
            None => Vec::new(),
        };
        Ok(Self {
            home,
            kept: Mutex::new(kept),
        })
    }

    fn kept(&self) -> MutexGuard<'_, Vec<OwnInvite>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that have not expired, the one that lasts longest first.
    fn good(&self, now: WallTime) -> Vec<OwnInvite> {
        let mut kept = self.kept();
        kept.retain(|invite| invite.expires > now);
        let mut good = kept.clone();
        good.sort_by_key(|invite| std::cmp::Reverse(invite.expires));
        good
    }

    /// Returns whether another secret can be kept.
    fn has_room(&self, now: WallTime) -> bool {
        self.good(now).len() < INVITES_KEPT_MAX
    }

    /// Keeps a secret. Blocks.
    fn keep(&self, invite: OwnInvite, now: WallTime) -> Result<(), crate::node::home::Error> {
        let mut kept = self.kept();
        if let Some(home) = &self.home {
            home.add_invite(invite.clone(), now)?;
        }
        kept.push(invite);
        Ok(())
    }
}

/// What a ticket is asked to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) expires_s: u64,
    pub(crate) uses: u64,
    pub(crate) reuse: bool,
}

/// Answers a request for a ticket.
pub(crate) async fn invite(desk: &Desk, terms: Terms) -> Result<Reply, Failure> {
    let now = desk.shared.clock.wall();
    let near = desk.ask(peers).await?;
    let (listening, addresses) = (
        desk.shared.listening.or(desk.shared.would_listen),
        desk.shared.addresses.clone(),
    );
    let own = desk.shared.key.machine();
    let own_addresses = desk
        .blocking(move |_| Ok(own_addresses(listening, &addresses)))
        .await?;
    let mut addresses: Vec<_> = own_addresses
        .into_iter()
        .map(|address| (own, address))
        .chain(near)
        .collect();
    addresses.truncate(TICKET_ADDRESSES_MAX);
    if addresses.is_empty() {
        return Err(failed_because(
            "no address is known at which this machine could be reached: give one with `fedag run --address IP:PORT`",
        ));
    }
    let earlier = if terms.reuse {
        still_good(desk, now).await?
    } else {
        None
    };
    let invite = match earlier {
        Some(invite) => invite,
        None => open(desk, terms, now).await?,
    };
    let told = addresses.iter().map(|(_, address)| *address).collect();
    let ticket = Ticket {
        root: desk.shared.root.digest(),
        invite: invite.invite,
        secret: invite.secret,
        expires_ms: invite.expires.ms(),
        addresses,
    };
    Ok(Reply::Ticket {
        text: ticket.to_string(),
        expires_ms: invite.expires.ms(),
        uses: invite.uses,
        addresses: told,
    })
}

/// A ticket made earlier that still lets somebody in, as far as is held here.
async fn still_good(desk: &Desk, now: WallTime) -> Result<Option<OwnInvite>, Failure> {
    let kept = desk.shared.invites.good(now);
    let is_good = |seen: &Seen<'_>, invite: &OwnInvite| {
        let used = seen
            .dag
            .invite(invite.invite)
            .map(|open| open.used_by.len() as u64);
        used.is_some_and(|used| invite.uses == 0 || used < invite.uses)
    };
    desk.ask(move |seen| kept.into_iter().find(|invite| is_good(seen, invite)))
        .await
}

/// Makes a new secret and the event that opens the network for it.
async fn open(desk: &Desk, terms: Terms, now: WallTime) -> Result<OwnInvite, Failure> {
    if !desk.shared.invites.has_room(now) {
        return Err(failed_because(format!(
            "{INVITES_KEPT_MAX} tickets are open: wait until one expires, or use one of them"
        )));
    }
    let expires_ms = now
        .ms()
        .saturating_add(terms.expires_s.saturating_mul(1000))
        .min(TIME_MS_MAX);
    let expires =
        WallTime::from_ms(expires_ms).expect("it is at most the last time that an event may have");
    let secret = Key::from_seed(desk.shared.random.seed());
    let (key, uses) = (secret.machine(), terms.uses);
    let answer = desk
        .request(|answer| LocalRequest::Invite {
            key,
            expires_ms,
            uses,
            answer,
        })
        .await?;
    let invite = answer
        .await
        .map_err(|_| stopping())?
        .map_err(|why| refused(&why))?;
    let own = OwnInvite {
        invite,
        secret,
        expires,
        uses,
    };
    let kept = own.clone();
    desk.blocking(move |shared| {
        shared
            .invites
            .keep(kept, now)
            .map_err(|error| failed(&error))
    })
    .await?;
    Ok(own)
}

/// Addresses of connected machines, for joiners that cannot reach this one.
fn peers(seen: &mut Seen<'_>) -> Vec<(MachineId, SocketAddr)> {
    let connected = seen.machine.peers().into_iter().filter(is_connected);
    connected
        .filter_map(|peer| Some((peer.machine, peer.address?)))
        .take(TICKET_PEERS_MAX)
        .collect()
}

/// Where this machine may be reached: the addresses that the user gave, then those of the interfaces. Blocks.
///
/// Loopback only when it listens there or has nothing else; never link-local ones, which mean nothing elsewhere.
pub(crate) fn own_addresses(
    listening: Option<SocketAddr>,
    given: &[SocketAddr],
) -> Vec<SocketAddr> {
    let mut all = given.to_vec();
    if let Some(listening) = listening {
        let interfaces = if listening.ip().is_unspecified() {
            if_addrs::get_if_addrs()
                .inspect_err(|error| warn!(%error, "the addresses of the interfaces are not known"))
                .unwrap_or_default()
                .into_iter()
                .map(|interface| interface.ip())
                .collect()
        } else {
            vec![listening.ip()]
        };
        all.extend(
            reachable(listening, interfaces)
                .into_iter()
                .map(|ip| SocketAddr::new(ip, listening.port())),
        );
    }
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|address| seen.insert(*address));
    all.truncate(TICKET_ADDRESSES_MAX);
    all
}

fn reachable(listening: SocketAddr, interfaces: Vec<IpAddr>) -> Vec<IpAddr> {
    let fits = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) => !ip.is_link_local() && !ip.is_unspecified(),
        IpAddr::V6(ip) => {
            listening.is_ipv6() && !ip.is_unicast_link_local() && !ip.is_unspecified()
        }
    };
    let (loopback, mut others): (Vec<_>, Vec<_>) = interfaces
        .into_iter()
        .filter(fits)
        .partition(IpAddr::is_loopback);
    others.sort_by_key(IpAddr::is_ipv6);
    if others.is_empty() { loopback } else { others }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(listening: &str, interfaces: &[&str]) -> Vec<String> {
        let interfaces = interfaces.iter().map(|ip| ip.parse().unwrap()).collect();
        reachable(listening.parse().unwrap(), interfaces)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn loopback_only_when_there_is_nothing_else() {
        assert_eq!(
            of(
                "0.0.0.0:1",
                &["127.0.0.1", "10.0.0.7", "::1", "2001:db8::1"]
            ),
            ["10.0.0.7"]
        );
        assert_eq!(
            of(
                "[::]:1",
                &["127.0.0.1", "2001:db8::1", "10.0.0.7", "fe80::1"]
            ),
            ["10.0.0.7", "2001:db8::1"]
        );
        assert_eq!(
            of("0.0.0.0:1", &["127.0.0.1", "169.254.3.4"]),
            ["127.0.0.1"]
        );
        assert_eq!(of("127.0.0.1:1", &["127.0.0.1"]), ["127.0.0.1"]);
    }

    #[test]
    fn given_addresses_come_first_and_once() {
        let given = [
            "192.0.2.1:9".parse().unwrap(),
            "127.0.0.1:5".parse().unwrap(),
        ];
        assert_eq!(
            own_addresses(Some("127.0.0.1:5".parse().unwrap()), &given),
            given
        );
    }
}
