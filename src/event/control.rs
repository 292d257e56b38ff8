//! What an event's control part means to the network: R, an invite, an admission.
//!
//! Invariant: a function of the bytes alone, the same on every machine. An unknown or ill-formed member
//! means nothing, so that no upgrade splits a network.
//!
//! The rule: in an event without parents only the member `root` is looked at. In any other event `admit`
//! and `invite` are, each by itself: it is well-formed iff its value is an object of exactly the members
//! below, each in its one form. If exactly one of the two is well-formed, that is the meaning, whatever
//! else stands beside; if none is, or both are, the control part means nothing. Every other member, `root`
//! in an event with parents included, is held and means nothing.
//!
//! ```text
//! root:   version (1), network (name), name (name), event_bytes_max, parents_max (integers within limits.rs)
//! admit:  key (usable key), name (name), invite (uuid)
//! invite: key (usable key), expires (time, as fedag.time), uses (integer 0..=2^53-1)
//! ```
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::event::canon::{Value, read, write_value};
use crate::event::id::EventId;
use crate::event::key::MachineId;
use crate::event::wall::WallTime;
use crate::limits::{
    EVENT_BYTES_MAX, EVENT_BYTES_MIN, JSON_DEPTH_MAX, PARENTS_MAX, PARENTS_MIN, SEQ_MAX,
    TIME_MS_MAX,
};

/// The members of `fedag` that are not part of the control part.
pub(crate) const RESERVED: [&str; 5] = ["machine", "next", "seq", "sig", "time"];

/// The meaning of a control part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// None, or one that means nothing to this program.
    None,
    /// R: `{"root":{…}}`, only in an event without parents.
    Root(Root),
    /// `{"invite":{…}}`.
    Invite(Invite),
    /// `{"admit":{…}}`.
    Admit(Admit),
}

/// What R says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// The network's name, 1-64 bytes without control characters.
    pub network: String,
    /// The first machine's name, as in an admission.
    pub name: String,
    /// What every machine must agree on.
    pub rules: Rules,
}

/// The rules of one network, which stand in its R.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Bytes of an event on the wire, `limits::EVENT_BYTES_MIN`..=`EVENT_BYTES_MAX`.
    pub event_bytes_max: u32,
    /// Parents of an event, `limits::PARENTS_MIN`..=`PARENTS_MAX`.
    pub parents_max: u32,
}

/// Opens the network for holders of a secret key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// The public half of the ticket's secret; never of small order.
    pub key: MachineId,
    /// Milliseconds since 1970; checked by the admitting machine alone.
    pub expires_ms: u64,
    /// How many machines it lets in; 0: no limit.
    pub uses: u64,
}

/// Makes a key a member, everywhere, for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admit {
    /// The new member; never of small order.
    pub key: MachineId,
    /// Its name, 1-64 bytes without control characters.
    pub name: String,
    /// The invite that was shown; a claim, no dependency.
    pub invite: EventId,
}

/// Returns whether `name` is 1-64 bytes without control characters.
pub fn is_name(name: &str) -> bool {
    (1..=crate::limits::NAME_BYTES_MAX).contains(&name.len()) && !name.chars().any(char::is_control)
}

impl Control {
    /// Reads the control part of an event; `is_root`: it has no parents. Bytes that are no JSON mean nothing.
    pub fn parse(bytes: &[u8], is_root: bool) -> Self {
        if bytes.is_empty() {
            return Self::None;
        }
        let Ok(Value::Object(control)) = read(bytes, JSON_DEPTH_MAX) else {
            return Self::None;
        };
        let member = |name: &str| {
            control
                .iter()
                .find(|(other, _)| other == name)
                .map(|(_, value)| value)
        };
        if is_root {
            return member("root")
                .and_then(parse_root)
                .map_or(Self::None, Self::Root);
        }
        match (
            member("admit").and_then(parse_admit),
            member("invite").and_then(parse_invite),
        ) {
            (Some(admit), None) => Self::Admit(admit),
            (None, Some(invite)) => Self::Invite(invite),
            (Some(_), Some(_)) | (None, None) => Self::None,
        }
    }

    /// Its canonical bytes; none for [`Control::None`].
    ///
    /// An expiry after the year 9999 is written as its last millisecond, `uses` above 2^53-1 as that.
    #[expect(
        clippy::missing_panics_doc,
        reason = "the expiry is brought within its bound"
    )]
    pub fn to_bytes(&self) -> Vec<u8> {
        let integer = |number: u32| Value::Number(f64::from(number));
        let (name, members) = match self {
            Self::None => return Vec::new(),
            Self::Root(root) => (
                "root",
                vec![
                    ("event_bytes_max", integer(root.rules.event_bytes_max)),
                    ("name", Value::Text(root.name.clone())),
                    ("network", Value::Text(root.network.clone())),
                    ("parents_max", integer(root.rules.parents_max)),
                    ("version", integer(VERSION)),
                ],
            ),
            Self::Invite(invite) => {
                let expires = WallTime::from_ms(invite.expires_ms.min(TIME_MS_MAX))
                    .expect("it is at most the bound");
                #[expect(clippy::cast_precision_loss, reason = "exact: at most 2^53-1")]
                let uses = Value::Number(invite.uses.min(SEQ_MAX) as f64);
                let key = Value::Text(invite.key.to_string());
                (
                    "invite",
                    vec![
                        ("expires", Value::Text(expires.to_string())),
                        ("key", key),
                        ("uses", uses),
                    ],
                )
            }
            Self::Admit(admit) => (
                "admit",
                vec![
                    ("invite", Value::Text(admit.invite.to_string())),
                    ("key", Value::Text(admit.key.to_string())),
                    ("name", Value::Text(admit.name.clone())),
                ],
            ),
        };
        let members = members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let mut bytes = Vec::new();
        write_value(
            &Value::Object(vec![(name.to_owned(), Value::Object(members))]),
            &mut bytes,
        );
        bytes
    }
}

/// The version of R that this program makes and knows.
const VERSION: u32 = 1;

/// The values of an object of exactly the members `names`, which ascend; in their order.
fn exactly<'a, const N: usize>(value: &'a Value, names: [&str; N]) -> Option<[&'a Value; N]> {
    let Value::Object(members) = value else {
        return None;
    };
    if !members.iter().map(|(name, _)| name.as_str()).eq(names) {
        return None;
    }
    members
        .iter()
        .map(|(_, value)| value)
        .collect::<Vec<_>>()
        .try_into()
        .ok()
}

fn parse_root(value: &Value) -> Option<Root> {
    let [event_bytes_max, name, network, parents_max, version] = exactly(
        value,
        [
            "event_bytes_max",
            "name",
            "network",
            "parents_max",
            "version",
        ],
    )?;
    let within = |value: &Value, min: u32, max: u32| {
        let number = u32::try_from(value.as_integer()?).ok()?;
        (min..=max).contains(&number).then_some(number)
    };
    within(version, VERSION, VERSION)?;
    let rules = Rules {
        event_bytes_max: within(event_bytes_max, EVENT_BYTES_MIN, EVENT_BYTES_MAX)?,
        parents_max: within(parents_max, PARENTS_MIN, PARENTS_MAX)?,
    };
    Some(Root {
        network: parse_name(network)?,
        name: parse_name(name)?,
        rules,
    })
}

fn parse_admit(value: &Value) -> Option<Admit> {
    let [invite, key, name] = exactly(value, ["invite", "key", "name"])?;
    Some(Admit {
        key: parse_key(key)?,
        name: parse_name(name)?,
        invite: EventId::parse(invite.as_text()?)?,
    })
}

fn parse_invite(value: &Value) -> Option<Invite> {
    let [expires, key, uses] = exactly(value, ["expires", "key", "uses"])?;
    let expires_ms = WallTime::parse(expires.as_text()?)?.ms();
    Some(Invite {
        key: parse_key(key)?,
        expires_ms,
        uses: uses.as_integer()?,
    })
}

fn parse_key(value: &Value) -> Option<MachineId> {
    MachineId::parse(value.as_text()?).filter(MachineId::is_usable)
}

fn parse_name(value: &Value) -> Option<String> {
    value
        .as_text()
        .filter(|name| is_name(name))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests;
