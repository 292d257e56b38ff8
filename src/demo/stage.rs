//! The shell of the demo: does what [`Act`]s say, through clients of the nodes, and keeps the [`Scene`].
//!
//! ```text
//! Script, keys --Act--> Stage --control protocol--> nodes
//!      ^                  |
//!      +----- Scene <-----+ statuses, answers, wires
//! ```
//!
//! Invariants:
//! - an event counts as acknowledged, and no longer as being written, only together with a status of its machine that has it;
//! - the events that a running machine says it holds never become fewer.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use crate::control::client::Client;
use crate::control::view::{Status, Window, WindowRequest};
use crate::control::{AddOutcome, Reply, Request};
use crate::demo::lab::{Lab, Running};
use crate::demo::scene::{Act, Machine, Scene, Wire};
use crate::demo::{Error, Loss};
use crate::limits::{DEMO_ASKS, DEMO_WIRES_EVERY};

/// The machines, and what is known of them.
#[derive(Debug)]
pub struct Stage {
    lab: Lab,
    seats: [Seat; Machine::ALL.len()],
    scene: Scene,
    /// Uuid of each event that a machine acknowledged, and which one did.
    acknowledged: BTreeMap<String, Machine>,
    asks: JoinSet<Done>,
    tell: mpsc::Sender<Told>,
    told: mpsc::Receiver<Told>,
    begun: Instant,
    /// Of watches.
    numbers: u64,
}

/// What happened.
#[derive(Debug)]
pub enum Happened {
    /// The scene may have changed.
    Scene,
    /// Rows that were asked for; None: the machine did not answer.
    Window(Machine, Option<Box<Window>>),
    /// Something was not done, and why.
    Refused(String),
}

/// Whether a machine runs.
#[derive(Debug)]
enum Seat {
    Up {
        running: Running,
        /// The number of the watch, and the task.
        watch: (u64, AbortHandle),
    },
    Stopping {
        /// It is to be started again then.
        again: bool,
    },
    Starting,
    Down,
}

/// What a watched node says.
#[derive(Debug)]
struct Told {
    machine: Machine,
    watch: u64,
    /// None: it is gone.
    status: Option<Box<Status>>,
}

/// What came of an ask.
enum Done {
    Added(Machine, Result<(String, Option<Box<Status>>), String>),
    Window(Machine, Option<Box<Window>>),
    Stopped(Machine),
    Started(Machine, Result<Running, Error>),
    Connected,
}

impl Stage {
    /// Makes the network of three machines. Must be called in a tokio runtime.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn open(seed: Option<u64>) -> Result<Self, Error> {
        let (lab, running) = Box::pin(Lab::open(seed)).await?;
        let (tell, told) = mpsc::channel(DEMO_ASKS);
        let mut stage = Self {
            lab,
            seats: [Seat::Down, Seat::Down, Seat::Down],
            scene: Scene::default(),
            acknowledged: BTreeMap::new(),
            asks: JoinSet::new(),
            tell,
            told,
            begun: Instant::now(),
            numbers: 0,
        };
        for (machine, running) in Machine::ALL.into_iter().zip(running) {
            stage.seat(machine, running);
        }
        Ok(stage)
    }

    /// What is known of the machines and wires.
    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// The machines' places.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// Milliseconds since the beginning.
    pub fn now_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Events that were acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }

    /// Does something, or begins to. What it leads to comes with [`Stage::happened`].
    pub fn act(&mut self, act: Act) {
        match act {
            Act::Write(machine, text) => self.write(machine, text),
            Act::Cut(machine) => {
                for wire in Wire::of(machine) {
                    self.lab.wires.set_cut(wire, true);
                }
            }
            Act::Heal => self.heal(),
            Act::Slow(machine, is_slow) => {
                for wire in Wire::of(machine) {
                    self.lab.wires.set_slow(wire, is_slow);
                }
            }
            Act::Kill(machine) => self.kill(machine),
            Act::Start(machine) => self.start(machine),
        }
        self.look();
    }

    /// Asks a machine for rows; at the bound of asks, or when it does not run, it answers nothing at once.
    pub fn ask_window(&mut self, machine: Machine, request: WindowRequest) {
        let client = self.client(machine).filter(|_| self.asks.len() < DEMO_ASKS);
        self.asks.spawn(async move {
            let answer = match client {
                Some(client) => client.ask(Request::Window(request)).await.ok(),
                None => None,
            };
            let Some(Reply::Window(window)) = answer else {
                return Done::Window(machine, None);
            };
            Done::Window(machine, Some(window))
        });
    }

    /// Waits until something happens, or until `wakeup_ms` of [`Stage::now_ms`].
    ///
    /// # Errors
    /// [`Error::Ended`] when a node ended by itself; [`Error::Node`] when one does not start.
    pub async fn happened(&mut self, wakeup_ms: Option<u64>) -> Result<Happened, Error> {
        let wires_at = Instant::now() + DEMO_WIRES_EVERY;
        let wake = wakeup_ms.map_or(wires_at, |ms| {
            wires_at.min(self.begun + Duration::from_millis(ms))
        });
        let happened = tokio::select! {
            Some(told) = self.told.recv() => self.on_told(told),
            Some(done) = self.asks.join_next(), if !self.asks.is_empty() => match done {
                Ok(done) => self.on_done(done),
                Err(error) => Err(Error::Broken(error.to_string())),
            },
            () = tokio::time::sleep_until(wake) => Ok(Happened::Scene),
        };
        self.look();
        happened
    }

    /// Waits until all machines that are being stopped or started are so.
    ///
    /// # Errors
    /// As [`Stage::happened`].
    pub async fn settled(&mut self) -> Result<(), Error> {
        while self.scene.changing.contains(&true) {
            self.happened(None).await?;
        }
        Ok(())
    }

    /// Loses all that a machine holds, as when its disk is replaced: it begins again with R, its key and its admission.
    ///
    /// # Errors
    /// As [`Stage::happened`]; [`Error::Node`].
    #[cfg(feature = "mutants")]
    pub async fn lose(&mut self, machine: Machine) -> Result<(), Error> {
        self.act(Act::Kill(machine));
        self.settled().await?;
        self.lab.place(machine).empty()?;
        self.act(Act::Start(machine));
        self.settled().await
    }

    /// Asks each machine for each acknowledged event, and lets it recompute all that it holds.
    ///
    /// # Errors
    /// [`Error::Client`] when one cannot answer.
    pub async fn examine(&self) -> Result<Vec<Loss>, Error> {
        let mut losses = Vec::new();
        let mut digests = Vec::new();
        for machine in Machine::ALL {
            let Some(client) = self.client(machine) else {
                losses.push(Loss::NotRunning(machine));
                continue;
            };
            for (uuid, author) in &self.acknowledged {
                let name = uuid.clone();
                if client.ask(Request::Show { name }).await.is_err() {
                    losses.push(Loss::Event {
                        uuid: uuid.clone(),
                        author: *author,
                        machine,
                    });
                }
            }
            let mut replies = client.stream(Request::Verify {});
            while let Some(reply) = replies.next().await {
                if let Reply::Verified(report) = reply? {
                    losses.extend(
                        report
                            .wrong
                            .into_iter()
                            .map(|why| Loss::Wrong(machine, why)),
                    );
                    digests.push(report.digest);
                }
            }
        }
        if digests.windows(2).any(|pair| pair[0] != pair[1]) {
            losses.push(Loss::Digests);
        }
        Ok(losses)
    }

    /// Ends all nodes in good order and removes their stores.
    pub async fn close(mut self) {
        for seat in &mut self.seats {
            if let Seat::Up { running, watch } = std::mem::replace(seat, Seat::Down) {
                watch.1.abort();
                drop(running.client);
                self.asks.spawn(async move {
                    running.node.stop().await;
                    Done::Connected
                });
            }
        }
        while self.asks.join_next().await.is_some() {}
    }

    fn client(&self, machine: Machine) -> Option<Client> {
        match &self.seats[machine.index()] {
            Seat::Up { running, .. } => Some(running.client.clone()),
            Seat::Stopping { .. } | Seat::Starting | Seat::Down => None,
        }
    }

    /// Takes in what the wires and seats are.
    fn look(&mut self) {
        self.scene.wires = self.lab.wires.states();
        for (seat, changing) in self.seats.iter().zip(&mut self.scene.changing) {
            *changing = matches!(seat, Seat::Stopping { .. } | Seat::Starting);
        }
    }

    /// A node runs: it is watched from now on.
    fn seat(&mut self, machine: Machine, running: Running) {
        self.numbers += 1;
        let (watch, tell) = (self.numbers, self.tell.clone());
        let mut replies = running.client.stream(Request::Watch {});
        let task = tokio::spawn(async move {
            loop {
                let status = match replies.next().await {
                    Some(Ok(Reply::Status(status))) => Some(status),
                    Some(Ok(_)) => continue,
                    Some(Err(_)) | None => None,
                };
                let is_gone = status.is_none();
                let told = Told {
                    machine,
                    watch,
                    status,
                };
                if tell.send(told).await.is_err() || is_gone {
                    return;
                }
            }
        });
        self.seats[machine.index()] = Seat::Up {
            running,
            watch: (watch, task.abort_handle()),
        };
    }

    fn write(&mut self, machine: Machine, text: String) {
        self.scene.writing += 1;
        let client = self.client(machine).filter(|_| self.asks.len() < DEMO_ASKS);
        self.asks.spawn(async move {
            let outcome = match client {
                Some(client) => add(&client, &text).await,
                None => Err("it does not run".to_owned()),
            };
            Done::Added(machine, outcome)
        });
    }

    fn heal(&mut self) {
        for wire in Wire::ALL {
            self.lab.wires.set_cut(wire, false);
        }
        for machine in Machine::ALL {
            let Some(client) = self.client(machine) else {
                continue;
            };
            for other in Machine::ALL.into_iter().filter(|other| *other != machine) {
                let client = client.clone();
                let request = Request::Connect {
                    machine: other.name().to_owned(),
                    address: self.lab.place(other).address(),
                };
                self.asks.spawn(async move {
                    client.ask(request).await.ok(); // it dials by itself, too, only later
                    Done::Connected
                });
            }
        }
    }

    fn kill(&mut self, machine: Machine) {
        let seat = &mut self.seats[machine.index()];
        if !matches!(seat, Seat::Up { .. }) {
            return;
        }
        let Seat::Up { running, watch } = std::mem::replace(seat, Seat::Stopping { again: false })
        else {
            return;
        };
        self.lab.wires.set_dark(machine, true);
        watch.1.abort();
        self.scene.machines[machine.index()] = None;
        self.asks.spawn(async move {
            drop(running.client);
            running.node.stop().await;
            Done::Stopped(machine)
        });
    }

    fn start(&mut self, machine: Machine) {
        match &mut self.seats[machine.index()] {
            Seat::Stopping { again } => *again = true,
            Seat::Up { .. } | Seat::Starting => {}
            seat @ Seat::Down => {
                *seat = Seat::Starting;
                let place = self.lab.place(machine).clone();
                self.asks.spawn(async move {
                    let started = Box::pin(place.start()).await;
                    Done::Started(machine, started)
                });
            }
        }
    }

    fn on_told(&mut self, told: Told) -> Result<Happened, Error> {
        let Told {
            machine,
            watch: number,
            status,
        } = told;
        match &self.seats[machine.index()] {
            Seat::Up { watch, .. } if watch.0 == number => {}
            Seat::Up { .. } | Seat::Stopping { .. } | Seat::Starting | Seat::Down => {
                return Ok(Happened::Scene); // of a node before this one
            }
        }
        match status {
            Some(status) => self.see(machine, status),
            None => return Err(Error::Ended(machine)),
        }
        Ok(Happened::Scene)
    }

    fn see(&mut self, machine: Machine, status: Box<Status>) {
        let known = &mut self.scene.machines[machine.index()];
        let is_older = known
            .as_ref()
            .is_some_and(|known| known.events > status.events);
        if !is_older {
            *known = Some(status);
        }
    }

    fn on_done(&mut self, done: Done) -> Result<Happened, Error> {
        match done {
            Done::Added(machine, outcome) => {
                self.scene.writing -= 1;
                match outcome {
                    Ok((uuid, status)) => {
                        self.acknowledged.insert(uuid, machine);
                        if let Some(status) = status.filter(|_| self.client(machine).is_some()) {
                            self.see(machine, status);
                        }
                    }
                    Err(why) => {
                        let name = machine.name();
                        return Ok(Happened::Refused(format!("{name} wrote nothing: {why}")));
                    }
                }
            }
            Done::Window(machine, window) => return Ok(Happened::Window(machine, window)),
            Done::Stopped(machine) => {
                let seat = &mut self.seats[machine.index()];
                let again = matches!(seat, Seat::Stopping { again: true });
                *seat = Seat::Down;
                if again {
                    self.start(machine);
                }
            }
            Done::Started(machine, started) => self.seat(machine, started?),
            Done::Connected => {}
        }
        Ok(Happened::Scene)
    }
}

/// Adds an event; its uuid, and a status that has it unless the node is gone meanwhile.
async fn add(client: &Client, text: &str) -> Result<(String, Option<Box<Status>>), String> {
    let json = serde_json::json!({ "text": text }).to_string();
    let event = RawValue::from_string(json).map_err(|error| error.to_string())?;
    let events = vec![event];
    let added = client.ask(Request::Add { events }).await;
    let added = added.map_err(|error| error.to_string())?;
    let outcome = if let Reply::Added(mut outcomes) = added {
        outcomes.pop()
    } else {
        None
    };
    let uuid = match outcome {
        Some(AddOutcome::Added { uuid, .. }) => uuid,
        Some(AddOutcome::Refused(why)) => return Err(why),
        None => return Err("the node did not say what became of it".to_owned()),
    };
    let status = match client.ask(Request::Status {}).await {
        Ok(Reply::Status(status)) => Some(status),
        Ok(_) | Err(_) => None,
    };
    Ok((uuid, status))
}
