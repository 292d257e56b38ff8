//! Local requests: events, invites, admissions.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::dag::Inserted;
use crate::event::canon::Properties;
use crate::event::control::{Admit, Control, Invite, is_name};
use crate::event::id::EventId;
use crate::event::wall::WallTime;
use crate::event::{Draft, Event, sign_run};
use crate::limits::{CREDENTIAL_LINKS_MAX, EVENT_OVERHEAD_BYTES, RUN_EVENTS_MAX, SEQ_MAX};
use crate::machine::effect::{Answer, Effect, Effects, Refused};
use crate::machine::flow::{Does, DoesSet, On, Place, Step};
use crate::machine::input::{JoinRequest, RequestId};
use crate::machine::live::{Came, Newly};
use crate::machine::{Machine, Phase};
use crate::mutant::Mutant;
use crate::wire::codec;
use crate::wire::greeting::join_message;

impl Machine {
    /// Events of the local user: one run when all leaves fit its first parents, else signed one by one.
    pub(super) fn on_create(
        &mut self,
        request: RequestId,
        wall: WallTime,
        properties: Vec<Properties>,
        out: &mut Effects,
    ) {
        if let Err(refused) = self.may_create(&properties) {
            return self.refuse(request, On::Create, refused, out);
        }
        let phase = self.phase();
        let mut newly = Newly::default();
        let ids = if self.dag.leaves().len() <= self.dag.rules().parents_max as usize {
            let items = properties
                .into_iter()
                .map(|properties| (wall, properties))
                .collect();
            let seq = self.next_seq();
            let run = sign_run(
                self.dag.parents_for(self.own, seq),
                seq,
                items,
                &self.config.key,
            );
            run.into_iter()
                .map(|event| self.hold_own(&event, &mut newly, out))
                .collect()
        } else {
            let one = |properties| {
                let event = self
                    .draft(wall, Control::None, properties)
                    .sign(&self.config.key);
                self.hold_own(&event, &mut newly, out)
            };
            properties.into_iter().map(one).collect()
        };
        self.relay(&newly, out);
        Self::answer(request, On::Create, phase, Answer::Created(ids), out);
    }

    pub(super) fn on_invite(
        &mut self,
        request: RequestId,
        wall: WallTime,
        invite: Invite,
        out: &mut Effects,
    ) {
        let event = self
            .may_create(&[Properties::none()])
            .and_then(|()| self.control_event(wall, Control::Invite(invite)));
        let event = match event {
            Ok(event) => event,
            Err(refused) => return self.refuse(request, On::Invite, refused, out),
        };
        let phase = self.phase();
        let id = self.create_control(&event, out);
        Self::answer(request, On::Invite, phase, Answer::Invited(id), out);
    }

    /// A newcomer: admitted when its ticket is good. Who is a member already gets its credential again.
    pub(super) fn on_admit(
        &mut self,
        request: RequestId,
        wall: WallTime,
        join: &JoinRequest,
        out: &mut Effects,
    ) {
        if let Err(refused) = self.may_admit(wall, join) {
            return self.refuse(request, On::Admit, refused, out);
        }
        let phase = self.phase();
        let is_new = !self.dag.is_member(join.joiner);
        if is_new {
            let admit = Admit {
                key: join.joiner,
                name: join.name.clone(),
                invite: join.invite,
            };
            match self.control_event(wall, Control::Admit(admit)) {
                Ok(event) => self.create_control(&event, out),
                Err(refused) => return self.refuse(request, On::Admit, refused, out),
            };
        }
        let credential = self
            .dag
            .credential(join.joiner)
            .expect("it is a member now");
        let answer = Answer::Admitted(credential);
        if is_new {
            Self::answer(request, On::Admit, phase, answer, out);
        } else {
            out.durable(Effect::Answer {
                request,
                answer: Ok(answer),
            });
            Self::note_request(On::Admit, phase, &[Does::Answer], out);
        }
    }

    fn may_create(&self, properties: &[Properties]) -> Result<(), Refused> {
        if self.phase() == Phase::Joining {
            return Err(Refused::StillJoining);
        }
        if properties.is_empty() || properties.len() > RUN_EVENTS_MAX {
            return Err(Refused::Batch {
                max: RUN_EVENTS_MAX,
            });
        }
        let last_seq = self.next_seq().saturating_add(properties.len() as u64 - 1);
        if last_seq > SEQ_MAX {
            return Err(Refused::SeqUsedUp);
        }
        let rules = self.dag.rules();
        let parents = self.dag.leaves().len().min(rules.parents_max as usize);
        let max = rules.event_bytes_max as usize;
        for (index, properties) in properties.iter().enumerate() {
            let bytes = properties.as_bytes().len() + parents * 16 + EVENT_OVERHEAD_BYTES;
            if bytes > max {
                return Err(Refused::TooLarge { index, bytes, max });
            }
        }
        Ok(())
    }

    fn may_admit(&self, wall: WallTime, join: &JoinRequest) -> Result<(), Refused> {
        self.may_create(&[Properties::none()])?;
        let open = self.dag.invite(join.invite).ok_or(Refused::InviteUnknown)?;
        let message = join_message(&join.exporter, self.dag.root(), join.joiner);
        if !open.invite.key.verifies(&message, &join.signature) {
            return Err(Refused::InviteSignature);
        }
        if self.dag.is_member(join.joiner) {
            return Ok(());
        }
        let chain = self.dag.credential(self.own).map_or(0, |chain| chain.len());
        if chain >= CREDENTIAL_LINKS_MAX {
            return Err(Refused::ChainTooLong {
                max: CREDENTIAL_LINKS_MAX,
            });
        }
        if wall.ms() > open.invite.expires_ms {
            return Err(Refused::InviteExpired);
        }
        if open.invite.uses > 0 && open.used_by.len() as u64 >= open.invite.uses {
            return Err(Refused::InviteUsedUp);
        }
        if !is_name(&join.name) || !join.joiner.is_usable() {
            return Err(Refused::Form);
        }
        Ok(())
    }

    /// An event with a control part, signed and not yet held. Its size shows only now: with as many parents as R allows it may be
    /// larger than R allows.
    fn control_event(&self, wall: WallTime, control: Control) -> Result<Event, Refused> {
        let draft = self.draft(wall, control, Properties::none());
        let event = draft.sign(&self.config.key);
        let bytes = codec::event_length(&event) as usize;
        let max = self.dag.rules().event_bytes_max as usize;
        if bytes > max {
            return Err(Refused::TooLarge {
                index: 0,
                bytes,
                max,
            });
        }
        Ok(event)
    }

    fn create_control(&mut self, event: &Event, out: &mut Effects) -> EventId {
        let mut newly = Newly::default();
        let id = self.hold_own(event, &mut newly, out);
        self.relay(&newly, out);
        id
    }

    fn draft(&self, wall: WallTime, control: Control, properties: Properties) -> Draft {
        let seq = self.next_seq();
        Draft {
            parents: self.dag.parents_for(self.own, seq),
            seq,
            wall,
            control,
            properties,
        }
    }

    /// The counter of the next own event.
    fn next_seq(&self) -> u64 {
        let held = self.dag.last_of(self.own).map_or(0, |at| self.dag.seq(at));
        held.max(self.config.seq_after).saturating_add(1)
    }

    fn hold_own(&mut self, event: &Event, newly: &mut Newly, out: &mut Effects) -> EventId {
        let length = codec::event_length(event);
        assert!(
            length <= self.dag.rules().event_bytes_max,
            "own events are checked for their size before"
        );
        match self.dag.insert(event, length) {
            Inserted::New(append) => {
                self.hold(
                    &append,
                    self.own,
                    Came::Created,
                    (Place::Unknown, On::Created),
                    newly,
                    out,
                );
            }
            other @ (Inserted::Held(_)
            | Inserted::Twin(_)
            | Inserted::Missing(_)
            | Inserted::Unvouched
            | Inserted::ForeignRoot) => {
                unreachable!("an own event is new and its parents are held: {other:?}")
            }
        }
        event.id()
    }

    fn answer(request: RequestId, on: On, phase: Phase, answer: Answer, out: &mut Effects) {
        let answer = Ok(answer);
        out.when_durable(
            Mutant::AnswerBeforeDurable,
            Effect::Answer { request, answer },
        );
        Self::note_request(on, phase, &[Does::Append, Does::Answer], out);
    }

    fn refuse(&self, request: RequestId, on: On, refused: Refused, out: &mut Effects) {
        out.now(Effect::Answer {
            request,
            answer: Err(refused),
        });
        Self::note_request(on, self.phase(), &[Does::Answer], out);
    }

    fn note_request(on: On, phase: Phase, does: &[Does], out: &mut Effects) {
        let place = phase.place();
        out.walk(Step {
            from: place,
            on,
            to: place,
            does: DoesSet::of(does),
        });
    }
}
