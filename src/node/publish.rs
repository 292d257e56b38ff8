//! Tells the network who is a member, when that changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::watch;
use tracing::warn;

use crate::event::control::Control;
use crate::event::index::{Arrival, Index};
use crate::event::key::MachineId;
use crate::machine::Machine;
use crate::net::Known;
use crate::node::ask::Shared;

/// Publishes `net::Known`.
#[derive(Debug)]
pub(crate) struct Publisher {
    known: watch::Sender<Known>,
    /// Members at the last time.
    members: usize,
    /// Our own credential was read from the store, or is being read.
    has_credential: bool,
}

impl Publisher {
    /// Publishes what `known` has now, from the next change on.
    pub(crate) fn new(known: watch::Sender<Known>) -> Self {
        Self {
            known,
            members: 0,
            has_credential: false,
        }
    }

    /// Publishes the members if there are more than at the last time, and once our own credential when it is durable.
    ///
    /// Members are only ever added, so their number tells a change. Cost: O(members) at a change.
    pub(crate) fn publish(&mut self, shared: &Arc<Shared>, machine: &Machine, durable: u32) {
        let dag = machine.dag();
        if dag.members().len() != self.members {
            self.members = dag.members().len();
            let members: Arc<BTreeSet<_>> = Arc::new(dag.members().map(|(key, _)| key).collect());
            self.known.send_modify(|known| known.members = members);
        }
        if self.has_credential {
            return;
        }
        let Some(chain) = dag.credential(machine.machine()) else {
            return;
        };
        if chain.iter().all(|at| at.0 < durable) {
            self.has_credential = true;
            let (shared, known) = (Arc::clone(shared), self.known.clone());
            let workers = shared.workers;
            workers.spawn(move || {
                let read: Result<Vec<_>, _> =
                    chain.into_iter().map(|at| shared.store.read(at)).collect();
                match read {
                    Ok(credential) => {
                        known.send_modify(|known| known.credential = Arc::new(credential));
                    }
                    Err(error) => warn!(%error, "this machine's own credential cannot be read"),
                }
            });
        }
    }
}

/// The members that an index tells of.
pub(crate) fn members(index: &Index) -> BTreeSet<MachineId> {
    let admitted = |(at, control): &(Arrival, Vec<u8>)| match Control::parse(control, at.0 == 0) {
        Control::Admit(admit) => Some(admit.key),
        Control::None | Control::Root(_) | Control::Invite(_) => None,
    };
    let mut members: BTreeSet<_> = index.controls.iter().filter_map(admitted).collect();
    members.insert(index.root.raw().machine);
    members
}
