//! What follows from effects, and how happenings and requests become inputs.

use std::sync::Arc;

use tokio::sync::oneshot;
use tracing::{debug, info, warn};

use crate::event::Event;
use crate::event::id::EventId;
use crate::event::index::Arrival;
use crate::event::key::MachineId;
use crate::limits::JOINS_MAX;
use crate::machine::effect::{Answer, Effect, Notice, Refused, When, Why};
use crate::machine::input::{Input, JoinRequest, Link, RequestId};
use crate::net::stream::Part;
use crate::net::traffic::Traffic;
use crate::net::{Admission, Happening, JoinAsked, Refusal};
use crate::node::ask::LocalRequest;
use crate::node::commit::Deed;
use crate::node::driver::Driver;
use crate::node::stream::StoreSource;
use crate::wire::{Message, codec};

/// Who waits for the answer to a request.
#[derive(Debug)]
pub(crate) enum Waiter {
    Create(oneshot::Sender<Result<Vec<Event>, Refused>>),
    Invite(oneshot::Sender<Result<EventId, Refused>>),
    Join(oneshot::Sender<Result<Admission, Refusal>>),
}

impl Waiter {
    /// Tells it no. One that is gone does not mind.
    pub(crate) fn refuse(self, why: Refused) {
        let _gone = match self {
            Self::Create(answer) => answer.send(Err(why)).is_err(),
            Self::Invite(answer) => answer.send(Err(why)).is_err(),
            Self::Join(answer) => answer.send(Err(refusal(&why))).is_err(),
        };
    }
}

/// What a newcomer is told.
fn refusal(why: &Refused) -> Refusal {
    match why {
        Refused::InviteUnknown => Refusal::InviteUnknown,
        Refused::InviteExpired => Refusal::InviteExpired,
        Refused::InviteUsedUp => Refusal::InviteUsedUp,
        Refused::InviteSignature => Refusal::InviteSignature,
        Refused::Form => Refusal::Form,
        Refused::StillJoining
        | Refused::TooLarge { .. }
        | Refused::Batch { .. }
        | Refused::SeqUsedUp
        | Refused::ChainTooLong { .. }
        | Refused::Store { .. } => Refusal::NotNow,
    }
}

impl Driver {
    /// An effect of the machine: performed now, or kept until it may be.
    pub(crate) fn take(&mut self, when: When, effect: Effect) {
        if let Effect::Append(append) = effect {
            return self.ledger.append(append);
        }
        let created = if let Effect::Answer {
            answer: Ok(Answer::Created(ids)),
            ..
        } = &effect
        {
            self.created(ids)
        } else {
            Vec::new()
        };
        let deed = Deed { effect, created };
        let deed = match when {
            When::Now => Some(deed),
            When::Durable => self.ledger.hold(deed),
        };
        if let Some(deed) = deed {
            self.perform(deed);
        }
    }

    /// The events that were just made: they are not durable yet.
    fn created(&self, ids: &[EventId]) -> Vec<Event> {
        let Some(machine) = &self.machine else {
            return Vec::new();
        };
        let event = |id: &EventId| self.ledger.unstored(machine.dag().find(*id)?).cloned();
        ids.iter().filter_map(event).collect()
    }

    /// Does what an effect says. All that takes long is done elsewhere.
    pub(crate) fn perform(&mut self, deed: Deed) {
        match deed.effect {
            Effect::Append(_) => unreachable!("appends go to the ledger"),
            Effect::Send { peer, message } => {
                if let Some(net) = &self.net {
                    net.send(peer, &message);
                }
            }
            Effect::Give {
                peer,
                events,
                not_held,
            } => self.give(peer, &events, not_held),
            Effect::Stream {
                peer,
                session,
                part: number,
                events,
                end,
            } => {
                let Some(net) = &self.net else { return };
                let source = StoreSource::new(Arc::clone(&self.shared.store), events);
                let part = Part {
                    number,
                    source: Box::new(source),
                    end: end.map(Message::End),
                };
                net.stream(peer, session, part);
            }
            Effect::StopStream { peer, session } => {
                if let Some(net) = &self.net {
                    net.stop_stream(peer, session);
                }
            }
            Effect::Dial { peer, addresses } => {
                if let Some(net) = &self.net {
                    net.dial(peer, addresses);
                }
            }
            Effect::Hangup { peer, why } => {
                if let Some(net) = &self.net {
                    let refusal = match why {
                        Why::Fault(_) => Refusal::Fault,
                        Why::Enough => Refusal::Full,
                    };
                    net.hangup(peer, refusal);
                }
            }
            Effect::Answer { request, answer } => self.on_answer(request, answer, deed.created),
            Effect::Remember(known) => self.on_remember(known),
            Effect::Notify(notice) => self.on_notice(&notice),
        }
    }

    fn on_answer(
        &mut self,
        request: RequestId,
        answer: Result<Answer, Refused>,
        created: Vec<Event>,
    ) {
        let Some(waiter) = self.waiters.remove(&request) else {
            return;
        };
        if matches!(waiter, Waiter::Join(_)) {
            self.joins = self.joins.saturating_sub(1);
        }
        let answer = match answer {
            Ok(answer) => answer,
            Err(why) => return waiter.refuse(why),
        };
        match (waiter, answer) {
            (Waiter::Create(to), Answer::Created(_)) => drop(to.send(Ok(created))),
            (Waiter::Invite(to), Answer::Invited(invite)) => drop(to.send(Ok(invite))),
            (Waiter::Join(to), Answer::Admitted(chain)) => self.admit(to, chain),
            (waiter, answer) => unreachable!("the machine answered {waiter:?} with {answer:?}"),
        }
    }

    /// Reads the newcomer's credential and hands it over.
    fn admit(&self, to: oneshot::Sender<Result<Admission, Refusal>>, chain: Vec<Arrival>) {
        let shared = Arc::clone(&self.shared);
        self.shared.workers.spawn(move || {
            let read: Result<Vec<_>, _> =
                chain.into_iter().map(|at| shared.store.read(at)).collect();
            let answer = match read {
                Ok(credential) => Ok(Admission {
                    root: codec::encode_event(&shared.root),
                    credential,
                }),
                Err(error) => {
                    warn!(%error, "a newcomer's credential cannot be read");
                    Err(Refusal::NotNow)
                }
            };
            drop(to.send(answer));
        });
    }

    fn on_notice(&mut self, notice: &Notice) {
        self.changes += 1;
        match notice {
            Notice::Held { up_to, .. } => self.recent.note(up_to.0, self.shared.clock.now()),
            Notice::Peers => {}
            Notice::Twins { peer } => {
                self.links.twins = true;
                warn!(
                    ?peer,
                    "TWINS: two events have one uuid; this machine and the peer do not hold the same set"
                );
            }
            Notice::Fault { peer, fault } => warn!(?peer, %fault, "a peer broke the rules"),
        }
    }

    /// A local request becomes an input.
    pub(crate) fn on_request(&mut self, request: LocalRequest) {
        let wall = self.shared.clock.wall();
        let (waiter, input) = match request {
            LocalRequest::Create { properties, answer } => {
                let request = self.number();
                (
                    Waiter::Create(answer),
                    Input::Create {
                        request,
                        wall,
                        properties,
                    },
                )
            }
            LocalRequest::Invite {
                key,
                expires_ms,
                uses,
                answer,
            } => {
                let request = self.number();
                (
                    Waiter::Invite(answer),
                    Input::Invite {
                        request,
                        wall,
                        key,
                        expires_ms,
                        uses,
                    },
                )
            }
            LocalRequest::Reachable {
                peer,
                addresses,
                answer,
            } => {
                self.on_told(peer, addresses);
                if answer.send(()).is_err() {
                    debug!("a client did not wait for its answer");
                }
                return;
            }
        };
        self.begin_request(waiter, input);
    }

    fn number(&mut self) -> RequestId {
        self.next_request += 1;
        RequestId(self.next_request)
    }

    /// Keeps who waits, and hands the input to the machine; while the store fails, refuses.
    fn begin_request(&mut self, waiter: Waiter, input: Input) {
        if let Some(why) = self.outage() {
            return waiter.refuse(why);
        }
        self.waiters.insert(RequestId(self.next_request), waiter);
        self.handle(input);
    }

    /// Something happened on the network. While the store fails, everybody is hung up on.
    pub(crate) fn on_happening(&mut self, happening: Happening) {
        let now = self.shared.clock.now();
        let input = match happening {
            Happening::Connected {
                peer,
                number,
                rtt,
                address,
                dialled,
            } => {
                if self.outage().is_some() {
                    return self.hangup(peer);
                }
                info!(?peer, %address, "connected");
                self.links.on_connected(peer);
                if let Some(net) = &self.net {
                    net.begin(peer, number);
                }
                Input::Connected {
                    peer,
                    link: Link {
                        rtt,
                        address,
                        dialled,
                    },
                }
            }
            Happening::DialFailed { peer, why } => {
                debug!(?peer, why, "dial failed");
                self.links.on_failed(peer, why);
                Input::DialFailed { peer }
            }
            Happening::Crowded => Input::Crowded,
            Happening::Disconnected {
                peer,
                why,
                is_leave,
            } => {
                info!(?peer, why, "disconnected");
                self.ledger.forget(peer);
                if !self.links.on_disconnected(now, peer, why) {
                    return;
                }
                if is_leave {
                    self.handle(Input::Left { peer });
                }
                Input::Disconnected { peer }
            }
            Happening::JoinAsked(asked) => return self.on_join(*asked),
            Happening::Received { peer, message } => {
                self.links.received_bytes += message.event_bytes();
                if let Message::Given { events, .. } = &message {
                    self.repair(events);
                }
                Input::Received { peer, message }
            }
            Happening::Faulted { peer, fault } => Input::Faulted { peer, fault },
            Happening::Measured { peer, rtt } => Input::Measured { peer, rtt },
            Happening::Traffic { peer, traffic } => return self.on_traffic(peer, traffic),
            Happening::Overflowed { peer } => Input::Overflowed { peer },
            Happening::Drained { peer } => Input::Drained { peer },
            Happening::Streamed { peer, session } => Input::Streamed { peer, session },
            Happening::StreamFailed { peer, session } => Input::StreamFailed { peer, session },
        };
        if !of_peer(&input).is_some_and(|peer| self.links.is_closing(peer)) {
            self.changes += u64::from(!matches!(input, Input::Received { .. }));
            self.handle(input);
        }
    }

    fn on_traffic(&mut self, peer: MachineId, traffic: Traffic) {
        self.links.on_traffic(peer, traffic);
        self.changes += 1;
    }

    fn on_join(&mut self, asked: JoinAsked) {
        if self.joins >= JOINS_MAX {
            return; // Dropped: the newcomer is told to try elsewhere.
        }
        let JoinAsked {
            invite,
            joiner,
            name,
            exporter,
            signature,
            answer,
        } = asked;
        let join = JoinRequest {
            invite,
            joiner,
            name,
            exporter,
            signature,
        };
        let request = self.number();
        self.joins += usize::from(self.outage().is_none());
        self.begin_request(
            Waiter::Join(answer),
            Input::Admit {
                request,
                wall: self.shared.clock.wall(),
                join,
            },
        );
    }
}

/// The connection that an input of the network is about; a dial is about none.
fn of_peer(input: &Input) -> Option<MachineId> {
    match input {
        Input::Received { peer, .. }
        | Input::Faulted { peer, .. }
        | Input::Measured { peer, .. }
        | Input::Overflowed { peer }
        | Input::Drained { peer }
        | Input::Streamed { peer, .. }
        | Input::StreamFailed { peer, .. }
        | Input::Left { peer } => Some(*peer),
        Input::Connected { .. }
        | Input::DialFailed { .. }
        | Input::Crowded
        | Input::Disconnected { .. }
        | Input::Create { .. }
        | Input::Invite { .. }
        | Input::Admit { .. }
        | Input::Reachable { .. }
        | Input::Stored { .. }
        | Input::Damaged { .. }
        | Input::Repaired { .. }
        | Input::Wakeup => None,
    }
}
