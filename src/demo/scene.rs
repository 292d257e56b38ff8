//! What there is to see: three machines, the wires between them, and what can be done to them. Pure data.

use crate::control::view::{Badge, Status};

/// One of the three machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Machine {
    /// Starts the network.
    Ana,
    /// Joins second.
    Bob,
    /// Joins last; it is the one that is cut off.
    Cy,
}

impl Machine {
    /// All of them, in the order of the panes.
    pub const ALL: [Self; 3] = [Self::Ana, Self::Bob, Self::Cy];

    /// Its place in [`Machine::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ana => "ana",
            Self::Bob => "bob",
            Self::Cy => "cy",
        }
    }
}

/// A wire between two machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wire {
    /// Between ana and bob.
    AnaBob,
    /// Between bob and cy.
    BobCy,
    /// Between ana and cy.
    AnaCy,
}

impl Wire {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::AnaBob, Self::BobCy, Self::AnaCy];

    /// Its place in [`Wire::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// The machines at its ends.
    pub fn ends(self) -> (Machine, Machine) {
        match self {
            Self::AnaBob => (Machine::Ana, Machine::Bob),
            Self::BobCy => (Machine::Bob, Machine::Cy),
            Self::AnaCy => (Machine::Ana, Machine::Cy),
        }
    }

    /// The wire between two machines; None: it is one machine.
    pub fn between(a: Machine, b: Machine) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|wire| wire.ends() == (a, b) || wire.ends() == (b, a))
    }

    /// The wires that end at a machine.
    pub fn of(machine: Machine) -> impl Iterator<Item = Self> {
        let ends_there = move |wire: &Self| wire.ends().0 == machine || wire.ends().1 == machine;
        Self::ALL.into_iter().filter(ends_there)
    }
}

/// The state of one wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WireState {
    /// Nothing passes.
    pub is_cut: bool,
    /// What passes is late.
    pub is_slow: bool,
    /// What passed and what did not, both ways together.
    pub traffic: Traffic,
}

/// What became of a wire's packets so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Packets that passed.
    pub packets: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Packets that were lost on a cut wire.
    pub lost: u64,
}

/// Something that is done to the machines or the wires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// A machine adds an event with this text.
    Write(Machine, String),
    /// All wires of a machine are cut.
    Cut(Machine),
    /// All wires are mended, and the machines are told where the others are, as `fedag connect` does.
    Heal,
    /// All wires of a machine become slow, or as fast as they were.
    Slow(Machine, bool),
    /// A machine's power goes out, without a word to anybody.
    Kill(Machine),
    /// It is started again, from its store.
    Start(Machine),
}

/// All that is known of the machines and the wires.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// What each machine says of itself; None: it does not run, or has said nothing yet.
    pub machines: [Option<Box<Status>>; Machine::ALL.len()],
    /// The wires, in the order of [`Wire::ALL`].
    pub wires: [WireState; Wire::ALL.len()],
    /// Events that were given to machines and not acknowledged yet.
    pub writing: usize,
    /// Machines that are being stopped or started.
    pub changing: [bool; Machine::ALL.len()],
}

impl Scene {
    /// What a machine says of itself.
    pub fn status(&self, machine: Machine) -> Option<&Status> {
        self.machines[machine.index()].as_deref()
    }

    /// The state of a wire.
    pub fn wire(&self, wire: Wire) -> WireState {
        self.wires[wire.index()]
    }

    /// Every wire of a machine is cut.
    pub fn is_cut(&self, machine: Machine) -> bool {
        Wire::of(machine).all(|wire| self.wire(wire).is_cut)
    }

    /// Exactly the wires of this machine are cut; None: no wire is.
    pub fn is_cut_only(&self, machine: Option<Machine>) -> bool {
        Wire::ALL.into_iter().all(|wire| {
            let is_meant = machine.is_some_and(|machine| Wire::of(machine).any(|of| of == wire));
            self.wire(wire).is_cut == is_meant
        })
    }

    /// Two machines run and hold the same events.
    pub fn are_equal(&self, a: Machine, b: Machine) -> bool {
        match (self.status(a), self.status(b)) {
            (Some(a), Some(b)) => a.digest == b.digest,
            (None, _) | (_, None) => false,
        }
    }

    /// All run, hold the same events, and each has heard so from every other.
    pub fn has_converged(&self) -> bool {
        let has = |machine| {
            self.status(machine)
                .is_some_and(|status| status.badge() == Badge::Converged)
                && self.are_equal(machine, Machine::Ana)
        };
        Machine::ALL.into_iter().all(has)
    }

    /// A machine runs and has found out that it reaches nobody.
    pub fn says_cut_off(&self, machine: Machine) -> bool {
        self.status(machine)
            .is_some_and(|status| status.badge() == Badge::CutOff)
    }

    /// A machine runs and has a connection with the other.
    pub fn is_connected(&self, machine: Machine, other: Machine) -> bool {
        self.status(machine).is_some_and(|status| {
            status
                .peers
                .iter()
                .any(|peer| peer.name.as_deref() == Some(other.name()) && peer.state.is_connected())
        })
    }

    /// The round trip between a wire's ends as one of them measured it last, in milliseconds.
    pub fn rtt_ms(&self, wire: Wire) -> Option<f64> {
        let (a, b) = wire.ends();
        let of = |machine, other: Machine| {
            let peers = &self.status(machine)?.peers;
            let peer = peers
                .iter()
                .find(|peer| peer.name.as_deref() == Some(other.name()))?;
            peer.rtt_ms.filter(|_| peer.state.is_connected())
        };
        of(a, b).or_else(|| of(b, a))
    }
}
