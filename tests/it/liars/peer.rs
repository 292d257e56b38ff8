//! A hostile peer: a QUIC connection with a genuine key, and whatever bytes it likes.
//!
//! It has no machine, no store and no queue behind it: nothing is said that a lie does not say.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fedag::event::id::EventId;
use fedag::event::key::{Key, MachineId};
use fedag::limits::FRAME_BYTES_MAX;
use fedag::wire::greeting::{Blob, Greeting, Welcome};
use fedag::wire::{Message, codec};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, ConnectionError, Endpoint, RecvStream, SendStream, VarInt};
use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::{default_provider, sign::any_eddsa_type};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::support::PATIENCE;

/// What stands before the 32 bytes of a public key (RFC 8410, section 4), and of a seed (section 7).
const SPKI: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];
const PKCS8: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// The runtime of all liars.
pub(super) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap()
    })
}

/// A connection that was let in as a member's.
pub(super) struct Peer {
    pub(super) connection: Connection,
    pub(super) send: SendStream,
    pub(super) receive: RecvStream,
    _endpoint: Endpoint,
}

impl Peer {
    /// Connects and greets as a member; the listener knows the key. None: it is refused.
    pub(super) fn greet(key: &Key, root: EventId, door: (MachineId, SocketAddr)) -> Option<Self> {
        let greeting = Greeting::Member {
            root,
            start: 7,
            credential: Vec::new(),
        };
        let mut opened = Opened::to(key, door).ok()?;
        let welcome = opened.ask(&codec::encode_plain(&greeting)).ok()?;
        assert!(matches!(welcome, Welcome::Member { .. }));
        Some(Self {
            connection: opened.connection,
            send: opened.send,
            receive: opened.receive,
            _endpoint: opened.endpoint,
        })
    }

    /// Writes bytes on the control stream; false: it is closed.
    pub(super) fn write(&mut self, bytes: &[u8]) -> bool {
        runtime().block_on(self.send.write_all(bytes)).is_ok()
    }

    /// Writes a frame with these bytes in it.
    pub(super) fn frame(&mut self, body: &[u8]) -> bool {
        self.write(&framed(body))
    }

    pub(super) fn say(&mut self, message: &Message) -> bool {
        self.frame(&codec::encode(message))
    }

    /// Reads control frames until one is what is looked for.
    pub(super) fn hear(&mut self, is_it: impl Fn(&Message) -> bool) -> Message {
        self.hear_within(PATIENCE, is_it)
    }

    /// As `hear`, for what may take long.
    pub(super) fn hear_within(
        &mut self,
        patience: Duration,
        is_it: impl Fn(&Message) -> bool,
    ) -> Message {
        let rules = super::RULES;
        runtime().block_on(async {
            let next = async {
                loop {
                    let frame = read_frame(&mut self.receive).await.expect("a frame comes");
                    let message = codec::decode(&frame).and_then(|frame| frame.check(&rules));
                    let message = message.expect("honest machines send what is valid");
                    if is_it(&message) {
                        return message;
                    }
                }
            };
            timeout(patience, next).await.expect("it comes in time")
        })
    }

    /// Opens a bulk stream and writes frames on it; false: it is stopped or closed. The stream stays open.
    pub(super) fn bulk(&mut self, bytes: &[u8]) -> Option<SendStream> {
        runtime().block_on(async {
            let mut stream = self.connection.open_uni().await.ok()?;
            stream.write_all(bytes).await.ok()?;
            Some(stream)
        })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.connection.close_reason().is_some()
    }

    /// Waits for the end of the connection; its code.
    pub(super) fn closed(&self) -> u64 {
        let end = async { timeout(PATIENCE, self.connection.closed()).await };
        let end = runtime().block_on(end).expect("it is closed");
        code(&end).unwrap_or_else(|| panic!("closed without a code: {end}"))
    }
}

/// A connection that has its control stream, and has said nothing on it.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) send: SendStream,
    pub(super) receive: RecvStream,
    endpoint: Endpoint,
}

impl Opened {
    /// Fails when nobody lets it connect, which may be so for a while.
    pub(super) fn to(
        key: &Key,
        (machine, address): (MachineId, SocketAddr),
    ) -> Result<Self, ConnectionError> {
        let config = client(key);
        runtime().block_on(async {
            let endpoint = Endpoint::client(([127, 0, 0, 1], 0).into()).unwrap();
            let connection = endpoint
                .connect_with(config, address, &name(machine))
                .unwrap()
                .await?;
            let (send, receive) = connection.open_bi().await?;
            Ok(Self {
                connection,
                send,
                receive,
                endpoint,
            })
        })
    }

    /// Sends the first frame and waits for the answer, or the code that the connection is closed with.
    pub(super) fn ask(&mut self, greeting: &[u8]) -> Result<Welcome, u64> {
        runtime().block_on(async {
            // It may be closed before all is written.
            drop(self.send.write_all(&framed(greeting)).await);
            let answer = timeout(PATIENCE, read_frame(&mut self.receive)).await;
            let Some(frame) = answer.expect("an answer or an end comes in time") else {
                let end = self.connection.closed().await;
                return Err(code(&end).unwrap_or_else(|| panic!("closed without a code: {end}")));
            };
            Ok(codec::decode_plain(&frame).expect("an answer decodes"))
        })
    }

    /// The bytes that only both ends know.
    pub(super) fn exporter(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.connection
            .export_keying_material(&mut bytes, b"EXPORTER-fedag-join-v1", b"")
            .unwrap();
        bytes
    }
}

/// The length in front.
pub(super) fn framed(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap();
    [&length.to_be_bytes(), body].concat()
}

/// A credential's links.
pub(super) fn blobs(events: &[Vec<u8>]) -> Vec<Blob> {
    events.iter().cloned().map(Blob).collect()
}

async fn read_frame(stream: &mut RecvStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).await.ok()?;
    let length = u32::from_be_bytes(length) as usize;
    assert!(length <= FRAME_BYTES_MAX, "honest machines keep the bound");
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(body)
}

pub(super) fn code(end: &ConnectionError) -> Option<u64> {
    if let ConnectionError::ApplicationClosed(close) = end {
        Some(VarInt::into_inner(close.error_code))
    } else {
        None
    }
}

pub(super) fn name(machine: MachineId) -> String {
    data_encoding::BASE32_DNSSEC.encode(&machine.0) + ".fedag.invalid"
}

/// How to dial with a key; whoever answers is believed.
pub(super) fn client(key: &Key) -> ClientConfig {
    let provider = Arc::new(default_provider());
    let der = [PKCS8.as_slice(), key.seed().as_slice()].concat();
    let signing = any_eddsa_type(&PrivatePkcs8KeyDer::from(der)).unwrap();
    let spki = [SPKI.as_slice(), &key.machine().0].concat();
    let own = Own(Arc::new(CertifiedKey::new(
        vec![CertificateDer::from(spki)],
        signing,
    )));
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_client_cert_resolver(Arc::new(own));
    tls.alpn_protocols = vec![b"fedag/2".to_vec()];
    tls.enable_sni = false;
    ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()))
}

#[derive(Debug)]
struct Own(Arc<CertifiedKey>);

impl ResolvesClientCert for Own {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }

    fn only_raw_public_keys(&self) -> bool {
        true
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        unreachable!("TLS 1.3 alone is offered")
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}
