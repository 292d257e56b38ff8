//! What must hold in every state, and what must come up in some.

use stateright::Property;

use fedag::wire::Message;

use super::drain::Drained;
use super::host::{Host, OF_ONE};
use super::world::{Network, World};

/// All properties, by name.
pub(super) fn all() -> Vec<Property<Network>> {
    vec![
        Property::always(OF_ONE[0], Network::is_unbroken::<0>),
        Property::always(OF_ONE[1], Network::is_unbroken::<1>),
        Property::always(OF_ONE[2], Network::is_unbroken::<2>),
        Property::always(OF_ONE[3], Network::is_unbroken::<3>),
        Property::always(OF_ONE[4], Network::is_unbroken::<4>),
        Property::always(OF_ONE[5], Network::is_unbroken::<5>),
        Property::always(OF_ONE[6], Network::is_unbroken::<6>),
        Property::always(OF_ONE[7], Network::is_unbroken::<7>),
        Property::always(OF_ONE[8], |network: &Network, world: &World| {
            world.waits > 0 || network.is_unbroken::<8>(world)
        }),
        Property::always(
            "what others hold is on its author's disk",
            Network::is_backed,
        ),
        Property::always(
            "drained after a loss, all are equal",
            |network: &Network, world: &World| network.drained(world, true) != Drained::Apart,
        ),
        Property::always(
            "drained after a loss, all acknowledged is held",
            |network: &Network, world: &World| network.drained(world, true) != Drained::Lost,
        ),
        Property::always(
            "left alone, all become equal",
            |network: &Network, world: &World| {
                !network.is_quiet(world) || network.drained(world, false) == Drained::Equal
            },
        ),
        Property::sometimes(
            "an event has two parents",
            |network: &Network, world: &World| {
                network.any_host(world, |host| {
                    host.node.log.iter().any(|held| held.row.parents.len() > 1)
                })
            },
        ),
        Property::sometimes(
            "a restart lost an append",
            |network: &Network, world: &World| {
                let engine = network.engine();
                let numbered = world.hosts.iter().zip(&world.created);
                let mut hosts = numbered.map(|(state, created)| (engine.host(*state), *created));
                hosts.any(|(host, created)| host.own_events() < usize::from(created))
            },
        ),
        Property::sometimes(
            "converged while live",
            |network: &Network, world: &World| {
                let is_all = world.created.iter().sum::<u8>() == network.bounds.creates;
                let is_calm = world.restarts == 0 && world.cuts == 0;
                let engine = network.engine();
                let mut digests = world
                    .hosts
                    .iter()
                    .map(|state| engine.host(*state).dag().digest());
                let first = digests.next();
                is_all && is_calm && digests.all(|digest| Some(digest) == first)
            },
        ),
        Property::sometimes("a session streams", Network::streams),
        Property::sometimes("a session asks", Network::asks),
    ]
}

impl Network {
    /// Events of a session are on their way.
    fn streams(&self, world: &World) -> bool {
        let engine = self.engine();
        let is_bulk = |letter: &u32| matches!(engine.letter(*letter), Message::Bulk { .. });
        let bulk = world.lanes.iter().skip(1).step_by(3);
        bulk.flatten().any(is_bulk)
    }

    /// An offer is on its way.
    fn asks(&self, world: &World) -> bool {
        let engine = self.engine();
        let is_offer = |letter: &u32| matches!(engine.letter(*letter), Message::Offer(_));
        world.lanes.iter().flatten().any(is_offer)
    }

    /// Nothing happens any more but by a user, an accident, or with time.
    fn is_quiet(&self, world: &World) -> bool {
        self.by_itself(world).is_none()
    }

    /// Events that a host holds are on the disk of the machine that made them.
    fn is_backed(&self, world: &World) -> bool {
        let engine = &mut *self.engine();
        for (at, by) in self
            .machines()
            .flat_map(|at| self.machines().map(move |by| (at, by)))
        {
            let (at, by) = (world.hosts[usize::from(at)], world.hosts[usize::from(by)]);
            if at == by {
                continue;
            }
            let known = engine.pairs.get(&(at, by)).copied();
            let is_backed =
                known.unwrap_or_else(|| is_on_disk_of(engine.host(at), engine.host(by)));
            engine.pairs.insert((at, by), is_backed);
            if !is_backed {
                return false;
            }
        }
        true
    }

    fn any_host(&self, world: &World, is: impl Fn(&Host) -> bool) -> bool {
        let engine = self.engine();
        world.hosts.iter().any(|state| is(engine.host(*state)))
    }

    fn is_unbroken<const N: usize>(&self, world: &World) -> bool {
        !self.any_host(world, |host| host.broken.contains(OF_ONE[N]))
    }
}

/// What `host` holds of the events that `author` made is on the disk of `author`.
fn is_on_disk_of(host: &Host, author: &Host) -> bool {
    let key = author.node.machine.machine();
    let durable = &author.node.log[..author.node.durable()];
    let made = host
        .node
        .log
        .iter()
        .filter(|held| held.event.raw().machine == key);
    made.into_iter()
        .all(|held| durable.iter().any(|durable| durable.row.id == held.row.id))
}
