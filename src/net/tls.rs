//! TLS with machines' keys instead of certificates, and how QUIC is set up.
//!
//! Below the greeting: a connection that stands proves that the other side has the key that it shows, and that a dialled
//! machine is the one that was meant. Whether that key may talk is for `greet` to say.
//!
//! Invariants:
//! - both sides show a raw ed25519 public key of exactly 44 bytes; no certificates, no other kinds of keys;
//! - the dialler names the key that it expects, and that name is not on the wire;
//! - no resumption and no early data, so that each connection has its own exporter.
//!
//! Source: RFC 7250 (raw public keys), RFC 8410 (ed25519 in PKCS #8 and SPKI), RFC 9266 (exporter).

use std::sync::Arc;

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{ClientConfig, Connection, ServerConfig, TransportConfig, VarInt};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::{CryptoProvider, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{
    CertificateDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime,
};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error as TlsError,
    PeerIncompatible, SignatureScheme,
};
use zeroize::Zeroizing;

use crate::event::key::{Key, MachineId};
use crate::limits::{
    CONNECTION_WINDOW_BYTES, FIRST_RTT, HALF_OPEN_MAX, INBOUND_STREAMS_MAX, INCOMING_BYTES_MAX,
    SEND_WINDOW_BYTES, STRANGER_WINDOW_BYTES, STREAM_WINDOW_BYTES,
};
use crate::net::Error;
use crate::net::patience::Patience;

/// The protocol's name and version; TLS refuses a machine of another one.
pub(super) const ALPN: &[u8] = b"fedag/2";
/// What the exporter is asked for.
const EXPORTER: &[u8] = b"EXPORTER-fedag-join-v1";
/// What stands before the 32 bytes of a public key. From RFC 8410, section 4.
const SPKI_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];
/// What stands before the 32 bytes of a seed. From RFC 8410, section 7.
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];
/// Domain of the names that stand for keys; RFC 6761 keeps it from ever being a real one.
const DOMAIN: &str = ".fedag.invalid";

/// How to dial as the machine of `key`.
///
/// # Errors
/// `Error::Tls`.
pub(super) fn client(key: &Key) -> Result<ClientConfig, Error> {
    client_speaking(key, ALPN)
}

/// As [`client`], in another protocol.
pub(super) fn client_speaking(key: &Key, protocol: &[u8]) -> Result<ClientConfig, Error> {
    let (provider, own) = own(key)?;
    let mut tls = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| Error::Tls(e.into()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Keys(provider)))
        .with_client_cert_resolver(Arc::new(own));
    tls.alpn_protocols = vec![protocol.to_vec()];
    tls.resumption = Resumption::disabled();
    tls.enable_early_data = false;
    tls.enable_sni = false;
    let crypto = QuicClientConfig::try_from(tls).map_err(|e| Error::Tls(e.into()))?;
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(transport(0, Patience::default())));
    Ok(config)
}

/// How to be dialled as the machine of `key`.
///
/// # Errors
/// `Error::Tls`.
pub(super) fn server(key: &Key) -> Result<ServerConfig, Error> {
    let (provider, own) = own(key)?;
    let mut tls = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| Error::Tls(e.into()))?
        .with_client_cert_verifier(Arc::new(Keys(provider)))
        .with_cert_resolver(Arc::new(own));
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.send_tls13_tickets = 0;
    tls.max_early_data_size = 0;
    let crypto = QuicServerConfig::try_from(tls).map_err(|e| Error::Tls(e.into()))?;
    let mut config = ServerConfig::with_crypto(Arc::new(crypto));
    config.transport_config(Arc::new(transport(1, Patience::default())));
    config.max_incoming(HALF_OPEN_MAX);
    config
        .incoming_buffer_size(INCOMING_BYTES_MAX.0)
        .incoming_buffer_size_total(INCOMING_BYTES_MAX.1);
    Ok(config)
}

/// The name under which a machine is dialled: it pins the key.
pub(super) fn server_name(machine: MachineId) -> String {
    data_encoding::BASE32_DNSSEC.encode(&machine.0) + DOMAIN
}

/// Whose key the other side showed, and proved.
pub(super) fn machine_of(connection: &Connection) -> Option<MachineId> {
    let shown = connection
        .peer_identity()?
        .downcast::<Vec<CertificateDer<'static>>>()
        .ok()?;
    let [key] = shown.as_slice() else { return None };
    machine_of_spki(key).ok()
}

/// 32 bytes that only the two ends of this connection know.
pub(super) fn exporter(connection: &Connection) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    connection
        .export_keying_material(&mut bytes, EXPORTER, b"")
        .ok()?;
    Some(bytes)
}

/// Opens the windows of a connection that was let in.
pub(super) fn let_in(connection: &Connection) {
    connection.set_receive_window(VarInt::from_u32(CONNECTION_WINDOW_BYTES));
    connection.set_max_concurrent_uni_streams(VarInt::from_u32(INBOUND_STREAMS_MAX));
}

/// What a connection may do before it is let in; `bidi`: streams that the other side may open.
pub(super) fn transport(bidi: u32, patience: Patience) -> TransportConfig {
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(bidi))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW_BYTES))
        .receive_window(VarInt::from_u32(STRANGER_WINDOW_BYTES))
        .send_window(SEND_WINDOW_BYTES)
        // Datagrams are only probes, and thrown away.
        .datagram_receive_buffer_size(Some(1024))
        .initial_rtt(FIRST_RTT)
        .keep_alive_interval(Some(patience.keep_alive))
        .max_idle_timeout(Some(patience.idle.try_into().expect("it is below 2^62 ms")));
    transport
}

fn own(key: &Key) -> Result<(Arc<CryptoProvider>, Own), Error> {
    let mut der = Zeroizing::new(PKCS8_PREFIX.to_vec());
    der.extend_from_slice(key.seed().as_slice());
    let signing =
        rustls::crypto::ring::sign::any_eddsa_type(&PrivatePkcs8KeyDer::from(der.as_slice()))
            .map_err(|e| Error::Tls(e.into()))?;
    let spki = [SPKI_PREFIX.as_slice(), &key.machine().0].concat();
    let own = Own(Arc::new(CertifiedKey::new(
        vec![CertificateDer::from(spki)],
        signing,
    )));
    Ok((Arc::new(rustls::crypto::ring::default_provider()), own))
}

fn machine_of_spki(der: &[u8]) -> Result<MachineId, TlsError> {
    let bad = || TlsError::InvalidCertificate(CertificateError::BadEncoding);
    let bytes = der.strip_prefix(&SPKI_PREFIX).ok_or_else(bad)?;
    let machine = MachineId(bytes.try_into().map_err(|_| bad())?);
    if machine.is_usable() {
        Ok(machine)
    } else {
        Err(bad())
    }
}

fn machine_of_name(name: &ServerName<'_>) -> Option<MachineId> {
    let ServerName::DnsName(name) = name else {
        return None;
    };
    let label = name.as_ref().strip_suffix(DOMAIN)?;
    Some(MachineId(
        data_encoding::BASE32_DNSSEC
            .decode(label.as_bytes())
            .ok()?
            .try_into()
            .ok()?,
    ))
}

/// Shows our own key.
#[derive(Debug)]
struct Own(Arc<CertifiedKey>);

impl ResolvesClientCert for Own {
    fn resolve(
        &self,
        _issuers: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }

    fn only_raw_public_keys(&self) -> bool {
        true
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl ResolvesServerCert for Own {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }

    fn only_raw_public_keys(&self) -> bool {
        true
    }
}

/// Takes any usable key from a dialler, and from a dialled machine the one that was meant.
#[derive(Debug)]
struct Keys(Arc<CryptoProvider>);

impl Keys {
    fn machine(
        shown: &CertificateDer<'_>,
        further: &[CertificateDer<'_>],
    ) -> Result<MachineId, TlsError> {
        if !further.is_empty() {
            return Err(TlsError::InvalidCertificate(CertificateError::BadEncoding));
        }
        machine_of_spki(shown)
    }

    fn verify(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let key = SubjectPublicKeyInfoDer::from(shown.as_ref());
        verify_tls13_signature_with_raw_key(
            message,
            &key,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }
}

const TLS12: TlsError = TlsError::PeerIncompatible(PeerIncompatible::Tls12NotOffered);

impl ServerCertVerifier for Keys {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        further: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        if machine_of_name(name) == Some(Self::machine(shown, further)?) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(TlsError::InvalidCertificate(
                CertificateError::ApplicationVerificationFailure,
            ))
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _shown: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Err(TLS12)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.verify(message, shown, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

impl ClientCertVerifier for Keys {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        shown: &CertificateDer<'_>,
        further: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, TlsError> {
        Self::machine(shown, further).map(|_| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _shown: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Err(TLS12)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.verify(message, shown, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

/// Takes the expected key from a dialled machine, as [`client`] does.
#[cfg(test)]
pub(super) fn pinned_key() -> Arc<dyn ServerCertVerifier> {
    Arc::new(Keys(Arc::new(rustls::crypto::ring::default_provider())))
}

/// What shows `key`.
#[cfg(test)]
pub(super) fn certified(key: &Key) -> Arc<CertifiedKey> {
    own(key).expect("a key is a key").1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_one_key() {
        let machine = Key::from_seed([7; 32]).machine();
        let name = server_name(machine);
        let read = |name: &str| machine_of_name(&ServerName::try_from(name.to_owned()).unwrap());
        assert_eq!(read(&name), Some(machine));
        assert_eq!(read(&name.replace(".fedag.", ".other.")), None);
        assert_eq!(read(&name[1..]), None);
    }

    #[test]
    fn only_usable_ed25519_keys_of_44_bytes_pass() {
        let machine = Key::from_seed([7; 32]).machine();
        let spki = [SPKI_PREFIX.as_slice(), &machine.0].concat();
        assert_eq!(machine_of_spki(&spki).unwrap(), machine);
        assert!(machine_of_spki(&spki[..43]).is_err());
        assert!(machine_of_spki(&[spki.as_slice(), &[0]].concat()).is_err());
        assert!(machine_of_spki(&[&SPKI_PREFIX[..], &[0; 32]].concat()).is_err());
        let mut x25519 = spki;
        x25519[8] = 0x6e;
        assert!(machine_of_spki(&x25519).is_err());
    }
}
