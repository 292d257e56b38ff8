//! How a simulated machine comes into the network: by an invite, as a real one does.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::event::id::EventId;
use crate::event::index::Index;
use crate::event::key::Key;
use crate::machine::effect::{Answer, Refused};
use crate::machine::input::{Input, JoinRequest, RequestId};
use crate::sim::links::Host;
use crate::sim::{Sim, address, wall};
use crate::wire::codec;
use crate::wire::greeting::join_message;

impl Sim {
    /// Admits a new machine by an invite of host `via`, whom it then dials. Takes virtual time. Returns its number.
    ///
    /// # Panics
    /// When `via` refuses.
    pub fn join(&mut self, via: Host) -> Host {
        let host = self.admit(via);
        self.introduce(host, via);
        host
    }

    /// Admits a new machine, which knows nobody's address yet.
    ///
    /// # Panics
    /// When `via` refuses.
    pub fn admit(&mut self, via: Host) -> Host {
        match self.try_admit(via) {
            Ok(host) => host,
            Err(refused) => panic!("host {via} admits: {refused}"),
        }
    }

    /// As [`Sim::admit`].
    ///
    /// # Errors
    /// The refusal of `via`.
    ///
    /// # Panics
    /// When it answers something else than was asked.
    pub fn try_admit(&mut self, via: Host) -> Result<Host, Refused> {
        let host = self.hosts.len();
        let (key, secret) = (self.key(host), self.key(1_000_000 + host));
        let invite = self.invitation(&secret);
        let Answer::Invited(invite) = self.ask(via, invite)? else {
            panic!("an invite is answered")
        };
        let admit = self.admission(&key, &secret, invite);
        self.ask(via, admit)?;
        Ok(self.come_in(key))
    }

    /// The request for an invite by `secret`, good for one machine.
    pub(super) fn invitation(&self, secret: &Key) -> Input {
        Input::Invite {
            request: RequestId(0),
            wall: wall(self.now),
            key: secret.machine(),
            expires_ms: wall(self.now).ms() + 3_600_000,
            uses: 1,
        }
    }

    /// What the machine of `key` shows to be let in.
    pub(super) fn admission(&self, key: &Key, secret: &Key, invite: EventId) -> Input {
        let root = self.hosts[0].log[0].row.id;
        let exporter = [7; 32];
        let signature = secret.sign(&join_message(&exporter, root, key.machine()));
        let join = JoinRequest {
            invite,
            joiner: key.machine(),
            name: format!("m{}", self.hosts.len()),
            exporter,
            signature,
        };
        Input::Admit {
            request: RequestId(0),
            wall: wall(self.now),
            join,
        }
    }

    /// An admitted machine starts, holding R alone.
    pub(super) fn come_in(&mut self, key: Key) -> Host {
        let root = self.hosts[0].log[0].event.clone();
        let index = Index::of_root(root.clone(), codec::event_length(&root));
        self.add_host(key, index);
        self.hosts.len() - 1
    }

    /// Tells `host` the address of `other`; it dials.
    pub fn introduce(&mut self, host: Host, other: Host) {
        let peer = self.machine(other).machine();
        self.give(
            host,
            Input::Reachable {
                peer,
                addresses: vec![address(other)],
                keep: true,
            },
        );
    }
}
