//! One batch of events, and what goes wrong meanwhile.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::time::Duration;

use rand::RngExt;

use crate::event::index::Arrival;
use crate::limits::RUN_EVENTS_MAX;
use crate::sim::Sim;
use crate::sim::counts::Rare;
use crate::sim::links::Host;
use crate::sim::storm::Storm;

/// Bandwidths of slow machines, bytes a second; guesses from a modem to a weak radio link.
const SLOW: [u64; 5] = [400, 2_000, 6_000, 20_000, 100_000];

impl Storm {
    /// One batch, and what happens beside it.
    pub(super) fn strike(&mut self) {
        self.strikes += 1;
        self.write();
        if self.plan.is_calm() {
            let wait = self.rng.random_range(0..100);
            self.sim.run_for(Duration::from_millis(wait));
            return self.read_answers();
        }
        if self.rng.random_bool(self.plan.crash) {
            self.fail();
        }
        if self.rng.random_bool(self.plan.cut) {
            self.cut();
        }
        if self.plan.loss > 0.0 && self.rng.random_bool(0.05) {
            self.slow();
        }
        if self.rng.random_bool(0.3) {
            self.heal_one();
        }
        self.join();
        let wait = match self.rng.random_range(0..100) {
            0..3 => self.rng.random_range(5_000..25_000),
            3..20 => self.rng.random_range(500..2_000),
            _ => self.rng.random_range(0..300),
        };
        self.sim.run_for(Duration::from_millis(wait));
        self.join();
        self.read_answers();
    }

    /// A user adds events.
    fn write(&mut self) {
        let writers = self.plan.writers.min(self.sim.hosts());
        let host = self.rng.random_range(0..writers);
        let (is_large, many) = if self.plan.is_calm() {
            (false, 1)
        } else {
            match self.rng.random_range(0..100) {
                0..5 => (true, 1),
                5..75 => (false, self.rng.random_range(1..4)),
                75..97 => (false, self.rng.random_range(4..40)),
                _ => (false, self.rng.random_range(200..RUN_EVENTS_MAX / 2)),
            }
        };
        let many = many.min(self.plan.events);
        let first = self.asked;
        self.asked += many;
        if !self.sim.host(host).is_up() {
            return;
        }
        let text = |number: usize, rng: &mut _| {
            if is_large {
                let times = rand::Rng::next_u32(rng) % 8_000 + 3_000;
                "large ".repeat(times as usize)
            } else {
                format!("event {number}")
            }
        };
        let texts: Vec<String> = (first..first + many)
            .map(|number| text(number, &mut self.rng))
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let dag = self.sim.machine(host).dag();
        let is_capped = dag.leaves().len() > dag.rules().parents_max as usize;
        self.sim
            .counts
            .note_if(Rare::LongBatch, is_capped && many > 1);
        self.sim.create(host, &texts);
    }

    /// A machine, or its disk, fails.
    fn fail(&mut self) {
        let host = self.any_host();
        match self.rng.random_range(0..8) {
            0..3 => {
                let down = self.rng.random_range(1..20_000);
                self.sim.power_cut(host, Duration::from_millis(down));
            }
            3 => {
                if self.sim.host(host).is_up() {
                    self.sim.crash(host);
                }
            }
            4..7 => self.sim.fail_commit(host),
            _ => self.damage(host),
        }
        // So that something is lost with it now and then.
        if self.rng.random_bool(0.5) && self.sim.host(host).is_up() {
            self.sim.create(host, &["perhaps never on the disk"]);
        }
    }

    /// Some events on a host's disk cannot be read any more; others hold them.
    fn damage(&mut self, host: Host) {
        let dag = self.sim.machine(host).dag();
        let mut damaged = Vec::new();
        for _ in 0..3 {
            let at = Arrival(self.rng.random_range(0..dag.len()));
            let is_good = |other: Host| {
                let node = self.sim.host(other);
                let found = node.machine.dag().find(dag.id(at));
                other != host
                    && node.is_durable()
                    && found.is_some_and(|at| !node.damaged.contains(&at))
            };
            if at.0 > 0
                && (0..self.sim.hosts())
                    .filter(|other| is_good(*other))
                    .count()
                    > 1
            {
                damaged.push(at);
            }
        }
        self.sim.hosts[host].damaged.extend(damaged);
    }

    /// Links fail.
    fn cut(&mut self) {
        let (a, b) = self.any_two();
        match self.rng.random_range(0..10) {
            0..4 => self.sim.block(a, b),
            4 => {
                self.sim.block(a, b);
                self.sim.block(b, a);
            }
            5 => self.sim.cut(a, b),
            6 => self.sim.close(a, b, false),
            7 => self.isolate(a),
            8 => self.divide(),
            _ => self.heal_all(),
        }
    }

    /// Nothing passes from one machine, or to it, or both.
    fn isolate(&mut self, host: Host) {
        let kind = self.rng.random_range(0..3);
        for other in (0..self.sim.hosts()).filter(|other| *other != host) {
            if kind != 0 {
                self.sim.block(host, other);
            }
            if kind != 1 {
                self.sim.block(other, host);
            }
        }
    }

    /// The network falls into parts.
    fn divide(&mut self) {
        let parts = self.rng.random_range(2..4);
        let hosts = self.sim.hosts();
        let part: Vec<u32> = (0..hosts)
            .map(|_| self.rng.random_range(0..parts))
            .collect();
        let is_told = self.rng.random_bool(0.5);
        for_each_pair(hosts, |a, b| {
            if part[a] == part[b] {
                return;
            }
            if is_told {
                self.sim.cut(a, b);
            } else {
                self.sim.block(a, b);
                self.sim.block(b, a);
            }
        });
    }

    /// All machines are alone, and all write: as many leaves as machines. Then the links are mended.
    pub(super) fn scatter(&mut self) {
        let hosts = self.sim.hosts();
        for_each_pair(hosts, |a, b| self.sim.cut(a, b));
        for host in 0..hosts {
            self.sim.create(host, &["alone"]);
        }
        self.sim.run_for(Duration::from_secs(1));
        self.heal_all();
        self.sim.run_for(Duration::from_secs(6));
    }

    fn heal_one(&mut self) {
        let cuts = self.sim.links.cuts();
        if !cuts.is_empty() {
            let (from, to) = cuts[self.rng.random_range(0..cuts.len())];
            self.sim.unblock(from, to);
        }
        if self.rng.random_bool(0.1) {
            self.heal_all();
        }
    }

    fn heal_all(&mut self) {
        heal_all(&mut self.sim);
    }

    /// A machine's links become slow, or are as fast as others again.
    fn slow(&mut self) {
        let host = self.any_host();
        let bandwidth = SLOW[self.rng.random_range(0..SLOW.len())];
        let is_slow = self.rng.random_bool(0.6);
        self.sim
            .links
            .set_bandwidth(host, is_slow.then_some(bandwidth));
    }

    fn any_host(&mut self) -> Host {
        self.rng.random_range(0..self.sim.hosts())
    }

    fn any_two(&mut self) -> (Host, Host) {
        let hosts = self.sim.hosts();
        let a = self.any_host();
        (a, (a + self.rng.random_range(1..hosts)) % hosts)
    }
}

fn heal_all(sim: &mut Sim) {
    for (from, to) in sim.links.cuts() {
        sim.unblock(from, to);
    }
}

fn for_each_pair(hosts: usize, mut each: impl FnMut(Host, Host)) {
    for a in 0..hosts {
        for b in 0..a {
            each(a, b);
        }
    }
}
