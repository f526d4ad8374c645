//! TLS to a server that is called by one of its addresses: its certificate must be for its name all the same.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

/// Looks at certificates as the machine does.
#[derive(Clone, Debug)]
pub(crate) struct Verifier {
    provider: Arc<CryptoProvider>,
    inner: Arc<dyn ServerCertVerifier>,
}

impl Verifier {
    /// With the root certificates of the machine.
    pub(crate) async fn of_platform() -> Result<Self, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let made = Arc::clone(&provider);
        let make = move || rustls_platform_verifier::Verifier::new(made);
        let inner = tokio::task::spawn_blocking(make).await;
        let inner = inner.map_err(|error| error.to_string())?;
        let inner = inner.map_err(|error| error.to_string())?;
        Ok(Self {
            provider,
            inner: Arc::new(inner),
        })
    }

    /// A client that takes certificates for this name, whatever address it calls.
    pub(crate) fn client_for(&self, host: &str) -> Result<ClientConfig, String> {
        let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let verifier = Arc::new(ForName {
            name,
            inner: Arc::clone(&self.inner),
        });
        // The check itself stays that of the inner one; only the name that it is told is another.
        Ok(builder
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth())
    }
}

#[derive(Debug)]
struct ForName {
    name: ServerName<'static>,
    inner: Arc<dyn ServerCertVerifier>,
}

impl ServerCertVerifier for ForName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _address: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.inner
            .verify_server_cert(end_entity, intermediates, &self.name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
