//! Close codes, and the end of a connection in words.
//!
//! A QUIC application close code is all that is said to whom is not let in. The numbers are part of the protocol and never
//! reused; 0 is an end without a reason. Source: RFC 9000, section 20.2.

use quinn::{ConnectError, ConnectionError, TransportErrorCode, VarInt};

use crate::net::Refusal;

/// An end without a reason to be told: all is done.
pub(super) const DONE: VarInt = VarInt::from_u32(0);
/// A stream that is not going on; its session goes on in another one.
pub(super) const STREAM_STOPPED: VarInt = VarInt::from_u32(1);
/// TLS alert `access_denied`: here, that the other side's key is not the pinned one. From RFC 8446, section 6.
const ACCESS_DENIED: u8 = 49;
/// TLS alert `no_application_protocol`. From RFC 7301, section 3.2.
const NO_APPLICATION_PROTOCOL: u8 = 120;

/// Refusals by their codes, from 1.
const CODES: [Refusal; 16] = [
    Refusal::Stopping,
    Refusal::OtherNetwork,
    Refusal::NotAMember,
    Refusal::Banned,
    Refusal::Full,
    Refusal::Duplicate,
    Refusal::KeyInUse,
    Refusal::Fault,
    Refusal::TooSlow,
    Refusal::InviteUnknown,
    Refusal::InviteExpired,
    Refusal::InviteUsedUp,
    Refusal::InviteSignature,
    Refusal::Form,
    Refusal::NotNow,
    Refusal::Unread,
];

impl Refusal {
    /// Its close code: 1 stopping, 2 other network, 3 not a member, 4 banned, 5 full, 6 duplicate, 7 key in use, 8 fault,
    /// 9 too slow, 10 invite unknown, 11 expired, 12 used up, 13 signature, 14 form, 15 not now, 16 unread.
    ///
    /// # Panics
    /// Never: every refusal has one.
    pub fn code(self) -> u32 {
        let at = CODES
            .iter()
            .position(|refusal| *refusal == self)
            .expect("every refusal has a code");
        u32::try_from(at + 1).expect("there are few")
    }

    /// The refusal of a close code. None: no reason, or one of a later version.
    pub fn of_code(code: u64) -> Option<Self> {
        CODES
            .get(usize::try_from(code.checked_sub(1)?).ok()?)
            .copied()
    }

    /// Why this side closed, in words for this side.
    pub(super) fn said_here(self) -> &'static str {
        match self {
            Self::Stopping => "this machine is stopping",
            Self::OtherNetwork => "it belongs to another network",
            Self::NotAMember => "this machine does not know it as a member",
            Self::Banned => "it is banned here",
            Self::Full => "this machine has as many peers as it takes",
            Self::Duplicate => "another connection took its place",
            Self::KeyInUse => "two running machines use its key: was its data directory copied?",
            Self::Fault => "it broke the rules",
            Self::TooSlow => "it did not answer in time",
            Self::InviteUnknown => "its invite is not known here",
            Self::InviteExpired => "its ticket has expired",
            Self::InviteUsedUp => "its ticket is used up",
            Self::InviteSignature => "its ticket is not genuine",
            Self::Form => "its name is not allowed",
            Self::NotNow => "this machine cannot admit anybody just now",
            Self::Unread => "it does not read what it is sent",
        }
    }

    pub(super) fn close(self, connection: &quinn::Connection) {
        connection.close(VarInt::from_u32(self.code()), b"");
    }
}

/// The refusal that the other side closed with.
pub(super) fn refusal(error: &ConnectionError) -> Option<Refusal> {
    if let ConnectionError::ApplicationClosed(close) = error {
        Refusal::of_code(close.error_code.into_inner())
    } else {
        None
    }
}

/// The end of a connection in words.
pub(super) fn words(error: &ConnectionError) -> String {
    match error {
        ConnectionError::ApplicationClosed(close) => {
            match Refusal::of_code(close.error_code.into_inner()) {
                Some(refusal) => refusal.to_string(),
                None => "the machine there closed the connection".to_owned(),
            }
        }
        ConnectionError::TransportError(error)
            if error.code == TransportErrorCode::crypto(ACCESS_DENIED) =>
        {
            "another machine answers there: its key is not the expected one".to_owned()
        }
        ConnectionError::TransportError(error) => {
            format!("what answers there is no machine of this kind: {error}")
        }
        ConnectionError::ConnectionClosed(close)
            if close.error_code == TransportErrorCode::crypto(NO_APPLICATION_PROTOCOL) =>
        {
            "the machine there speaks another version of the protocol".to_owned()
        }
        ConnectionError::ConnectionClosed(close)
            if close.error_code == TransportErrorCode::CONNECTION_REFUSED =>
        {
            "the machine there takes no connections just now".to_owned()
        }
        ConnectionError::ConnectionClosed(close) => {
            // Not its own words: they are from whom nothing is known, and go to a terminal.
            format!(
                "the machine there ended the connection: {}",
                close.error_code
            )
        }
        ConnectionError::VersionMismatch => {
            "what answers there speaks another version of QUIC".to_owned()
        }
        ConnectionError::Reset => "the machine there was restarted".to_owned(),
        ConnectionError::TimedOut => "no answer".to_owned(),
        ConnectionError::LocallyClosed => "closed by this machine".to_owned(),
        ConnectionError::CidsExhausted => "too many connections".to_owned(),
    }
}

/// Why a dial cannot even begin, in words.
pub(super) fn undialled(error: &ConnectError) -> String {
    match error {
        ConnectError::InvalidRemoteAddress(_) => {
            "this address cannot be reached from where this machine listens".to_owned()
        }
        ConnectError::EndpointStopping => Refusal::Stopping.said_here().to_owned(),
        other @ (ConnectError::CidsExhausted
        | ConnectError::InvalidServerName(_)
        | ConnectError::NoDefaultClientConfig
        | ConnectError::UnsupportedVersion) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_stable_and_read_back() {
        let codes: Vec<_> = CODES.iter().map(|refusal| refusal.code()).collect();
        assert_eq!(codes, (1..=16).collect::<Vec<_>>());
        assert_eq!(Refusal::NotAMember.code(), 3);
        assert_eq!(Refusal::KeyInUse.code(), 7);
        assert_eq!(Refusal::NotNow.code(), 15);
        for refusal in CODES {
            assert_eq!(Refusal::of_code(refusal.code().into()), Some(refusal));
        }
        assert_eq!(Refusal::of_code(0), None);
        assert_eq!(Refusal::of_code(17), None);
    }

    #[test]
    fn words_of_a_stranger_do_not_reach_the_terminal() {
        let close = quinn::ConnectionClose {
            error_code: TransportErrorCode::INTERNAL_ERROR,
            frame_type: None,
            reason: b"\x1b[2Jall is well".as_slice().into(),
        };
        let told = words(&ConnectionError::ConnectionClosed(close));
        assert!(!told.contains("all is well"), "{told}");
        assert!(told.starts_with("the machine there ended the connection: "));
    }
}
