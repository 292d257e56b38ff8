//! For tests: requests to a simulated machine, and running until something is so.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::cmp::Reverse;
use std::time::Duration;

use crate::event::canon::Properties;
use crate::event::id::EventId;
use crate::machine::effect::{Answer, Refused};
use crate::machine::input::{Input, RequestId};
use crate::sim::host::Node;
use crate::sim::links::Host;
use crate::sim::{Sim, wall};
use crate::time::Time;

impl Sim {
    /// Creates events with these texts at a host; the answer comes with time, see [`Sim::ask`].
    pub fn create(&mut self, host: Host, texts: &[&str]) {
        let properties = texts
            .iter()
            .map(|text| Properties::from_text(text))
            .collect();
        let create = Input::Create {
            request: RequestId(0),
            wall: wall(self.now),
            properties,
        };
        self.request(host, create);
    }

    /// Gives a request, whose number does not matter. Returns the number under which its answer will be.
    pub fn request(&mut self, host: Host, mut input: Input) -> RequestId {
        self.hosts[host].requests += 1;
        let number = RequestId(self.hosts[host].requests);
        if let Input::Create { request, .. }
        | Input::Invite { request, .. }
        | Input::Admit { request, .. } = &mut input
        {
            *request = number;
            if self.hosts[host].is_up() {
                self.hosts[host].open.insert(number);
            }
        }
        self.give(host, input);
        number
    }

    /// Creates one event and runs until it is durable.
    ///
    /// # Panics
    /// When it is refused.
    pub fn created(&mut self, host: Host, text: &str) -> EventId {
        let properties = vec![Properties::from_text(text)];
        let create = Input::Create {
            request: RequestId(0),
            wall: wall(self.now),
            properties,
        };
        match self.ask(host, create) {
            Ok(Answer::Created(ids)) => ids[0],
            other => panic!("host {host} creates: {other:?}"),
        }
    }

    /// Gives a request (its number does not matter) and runs until it is answered.
    ///
    /// # Errors
    /// The machine's refusal.
    ///
    /// # Panics
    /// When no answer comes within a virtual minute.
    pub fn ask(&mut self, host: Host, input: Input) -> Result<Answer, Refused> {
        let number = self.request(host, input);
        let limit = self.now + Duration::from_secs(60);
        loop {
            if let Some(answer) = self.hosts[host].answers.remove(&number) {
                return answer;
            }
            let goes_on = self.now <= limit && self.step();
            assert!(goes_on, "an answer comes: {:?}", self.broken);
        }
    }

    /// Runs until `until`.
    pub fn run_until(&mut self, until: Time) {
        while self
            .queue
            .peek()
            .is_some_and(|Reverse(entry)| entry.at <= until)
        {
            if !self.step() {
                return; // something is broken
            }
        }
        self.now = self.now.max(until);
    }

    /// Runs for a while.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_until(self.now + duration);
    }

    /// Runs until all hosts hold the same set; None: they do not within `at_most`. Returns how long it took.
    pub fn run_until_equal(&mut self, at_most: Duration) -> Option<Duration> {
        self.run_until_equal_of(&(0..self.hosts.len()).collect::<Vec<_>>(), at_most)
    }

    /// The same for some of the hosts.
    pub fn run_until_equal_of(&mut self, hosts: &[Host], at_most: Duration) -> Option<Duration> {
        let (begin, limit) = (self.now, self.now + at_most);
        loop {
            if self.is_equal_of(hosts) {
                return Some(self.now.since(begin));
            }
            let next = self.queue.peek().map(|Reverse(entry)| entry.at)?;
            if next > limit || !self.step() {
                return None;
            }
        }
    }

    /// Returns whether all hosts hold the same set, durably.
    pub fn is_equal(&self) -> bool {
        self.is_equal_of(&(0..self.hosts.len()).collect::<Vec<_>>())
    }

    fn is_equal_of(&self, hosts: &[Host]) -> bool {
        let first = self.hosts[hosts[0]].machine.dag().digest();
        let is_equal =
            |host: &Node| host.is_up() && host.is_durable() && host.machine.dag().digest() == first;
        hosts.iter().all(|host| is_equal(&self.hosts[*host]))
    }
}
