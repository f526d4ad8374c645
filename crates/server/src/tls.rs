//! TLS: the certificate that is served, and who may be tunnelled to.

pub mod authority;
pub mod command;
mod name;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use webpki::EndEntityCert;

pub use self::name::{Name, NoName};
use crate::config::Config;
use crate::shutdown::Shutdown;

/// Directory of the files of `confab tls init` in the data directory.
pub const DIRECTORY: &str = "tls";

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The end of the server's own certificate is told of this long before.
const WARN_BEFORE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The certificate and key that are served. Whoever replaces their files needs no restart.
pub(crate) struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    served: RwLock<Arc<Served>>,
}

struct Served {
    certificate: Vec<u8>,
    key: Vec<u8>,
    leaf: CertificateDer<'static>,
    acceptor: TlsAcceptor,
}

impl Tls {
    /// The configured files, or those of `confab tls init` in the data directory. None when TLS is not set up.
    pub(crate) fn open(config: &Config, data_dir: &Path) -> anyhow::Result<Option<Arc<Self>>> {
        let (certificate, key) = match (&config.tls.certificate, &config.tls.key) {
            (Some(certificate), Some(key)) => (certificate.clone(), key.clone()),
            _ => {
                let directory = data_dir.join(DIRECTORY);
                let certificate = directory.join(authority::CERTIFICATE);
                if !certificate.exists() {
                    if config.tls.listen.is_some() {
                        bail!(
                            "tls.listen is set, but there is no certificate in {}; run `confab tls init`, or set \
                             tls.certificate and tls.key",
                            directory.display()
                        );
                    }
                    return Ok(None);
                }
                (certificate, directory.join(authority::KEY))
            }
        };
        let served = Served::load(read(&certificate)?, read(&key)?)
            .with_context(|| format!("cannot use {} and {}", certificate.display(), key.display()))?;
        let tls = Self {
            certificate,
            key,
            served: RwLock::new(Arc::new(served)),
        };
        tls.warn_of_the_end();
        Ok(Some(Arc::new(tls)))
    }

    /// The authority that made the certificate, when it is one of `confab tls init`.
    pub(crate) fn authority(&self) -> Option<PathBuf> {
        Some(self.certificate.with_file_name(authority::AUTHORITY)).filter(|path| path.exists())
    }

    /// Shakes hands with a client. The caller sets the time that this may take.
    pub(crate) async fn accept<I>(&self, io: I) -> io::Result<TlsStream<I>>
    where
        I: AsyncRead + AsyncWrite + Unpin,
    {
        let acceptor = self.served().acceptor.clone();
        acceptor.accept(io).await
    }

    /// Whether the certificate is good for this host: an IP address is without brackets.
    pub(crate) fn serves(&self, host: &str) -> bool {
        let served = self.served();
        ServerName::try_from(host).is_ok_and(|name| {
            EndEntityCert::try_from(&served.leaf)
                .is_ok_and(|leaf| leaf.verify_is_valid_for_subject_name(&name).is_ok())
        })
    }

    /// Takes changed files up until the shutdown begins. What cannot be used is told, and what was served stays.
    pub(crate) async fn follow_files(self: Arc<Self>, shutdown: Shutdown) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        let mut draining = std::pin::pin!(shutdown.draining());
        let mut told = None;
        loop {
            tokio::select! {
                () = &mut draining => return,
                _ = ticks.tick() => {}
            }
            let tls = Arc::clone(&self);
            let looked = tokio::task::spawn_blocking(move || tls.take_up()).await;
            let problem = match looked {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(format!("{error:#}")),
                Err(error) => Some(error.to_string()),
            };
            if let Some(problem) = problem.as_ref().filter(|_| problem != told) {
                tracing::warn!(
                    problem,
                    "the new certificate cannot be used; the old one is served on"
                );
            }
            told = problem;
        }
    }

    /// Compares contents, not times: certificate and key are replaced one after the other, within one tick of a clock.
    fn take_up(&self) -> anyhow::Result<()> {
        let (certificate, key) = (read(&self.certificate)?, read(&self.key)?);
        let now = self.served();
        if now.certificate == certificate && now.key == key {
            return Ok(());
        }
        let served = Served::load(certificate, key)?;
        *self.served.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(served);
        tracing::info!(certificate = %self.certificate.display(), "the certificate was read again");
        self.warn_of_the_end();
        Ok(())
    }

    fn warn_of_the_end(&self) {
        let directory = self.certificate.parent().unwrap_or(Path::new("."));
        if authority::ends_within(directory, &self.served().leaf, WARN_BEFORE) {
            tracing::warn!(
                certificate = %self.certificate.display(),
                "the certificate ends within 30 days, or has ended: run `confab tls init`"
            );
        }
    }

    fn served(&self) -> Arc<Served> {
        Arc::clone(&self.served.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Served {
    fn load(certificate: Vec<u8>, key: Vec<u8>) -> anyhow::Result<Self> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&certificate)
            .collect::<Result<_, _>>()
            .context("the certificate is not in PEM")?;
        let leaf = chain
            .first()
            .context("the file of the certificate holds none")?
            .clone();
        let private = PrivateKeyDer::from_pem_slice(&key).context("the key is not in PEM")?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, private)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Clients come back all at once after a restart of the network: a resumed session costs no signature.
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        Ok(Self {
            certificate,
            key,
            leaf,
            acceptor: TlsAcceptor::from(Arc::new(config)),
        })
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
