//! TLS as libpq's modes have it: `require` encrypts to whoever answers, `verify-ca` wants a trusted authority,
//! `verify-full` the host's name too. A name counts only as a subject alternative name, not as a common name.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::SourceError;
use super::settings::{ConnectionSettings, SslMode};

/// The TLS side of a connection; a `plain` one, which needs none, asks no authority either.
pub(super) fn connector(
    settings: &ConnectionSettings,
    plain: bool,
) -> Result<MakeRustlsConnect, SourceError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let trust = match settings.ssl_mode {
        _ if plain => Trust::Anyone,
        SslMode::VerifyFull => Trust::AuthorityAndName(roots(settings)?),
        SslMode::VerifyCa => Trust::Authority(roots(settings)?),
        // As libpq: whoever names an authority wants it asked.
        SslMode::Require if settings.ssl_root_cert.is_some() => Trust::Authority(roots(settings)?),
        _ => Trust::Anyone,
    };
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(settings, error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier { trust, provider }))
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn roots(settings: &ConnectionSettings) -> Result<RootCertStore, SourceError> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = &settings.ssl_root_cert {
        let unusable = |problem: String| failed(settings, format!("{}: {problem}", path.display()));
        let certificates =
            CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.to_string()))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
            roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(unusable("there is no certificate in it".to_owned()));
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(failed(settings, "this machine trusts no authority".to_owned()));
        }
    }
    Ok(roots)
}

fn failed(settings: &ConnectionSettings, problem: String) -> SourceError {
    SourceError::Tls {
        server: settings.to_string(),
        problem,
        hint: "name a file of PEM certificates with sslrootcert or PGSSLROOTCERT",
    }
}

#[derive(Debug)]
enum Trust {
    Anyone,
    Authority(RootCertStore),
    AuthorityAndName(RootCertStore),
}

#[derive(Debug)]
struct Verifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let (Trust::Authority(roots) | Trust::AuthorityAndName(roots)) = &self.trust else {
            return Ok(ServerCertVerified::assertion());
        };
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&certificate, roots, intermediates, now, algorithms)?;
        if matches!(self.trust, Trust::AuthorityAndName(_)) {
            verify_server_name(&certificate, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
