//! TLS by rustls. The certificate is read anew when its file changes, without a restart.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// How often it is looked whether the files have changed.
const LOOK: Duration = Duration::from_secs(60);

/// A certificate with its key, in force until its files change.
#[derive(Clone)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    config: Arc<RwLock<Arc<ServerConfig>>>,
}

impl Tls {
    /// Reads a certificate chain and its key, both in PEM.
    ///
    /// # Errors
    /// Where a file cannot be read, or they do not belong together.
    pub fn read(certificate: &Path, key: &Path) -> io::Result<Tls> {
        let config = Arc::new(RwLock::new(Arc::new(config(certificate, key)?)));
        Ok(Tls { certificate: certificate.to_owned(), key: key.to_owned(), config })
    }

    /// Accepts connections with the certificate in force.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Reads the files again whenever they have changed. What cannot be read then leaves the certificate in force.
    pub async fn follow(self) {
        let mut seen = self.changed();
        loop {
            tokio::time::sleep(LOOK).await;
            let now = self.changed();
            if now != seen {
                match self.reload() {
                    Ok(()) => tracing::info!("the certificate was read anew"),
                    Err(error) => {
                        tracing::error!(cause = %error, "the new certificate cannot be used; the one before stays");
                    }
                }
                seen = now;
            }
        }
    }

    fn reload(&self) -> io::Result<()> {
        let new = Arc::new(config(&self.certificate, &self.key)?);
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    fn changed(&self) -> [Option<SystemTime>; 2] {
        [&self.certificate, &self.key].map(|file| std::fs::metadata(file).and_then(|file| file.modified()).ok())
    }
}

fn config(certificate: &Path, key: &Path) -> io::Result<ServerConfig> {
    let wrong = |file: &Path, error: &dyn std::fmt::Display| {
        io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", file.display()))
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(certificate, &error))?;
    if chain.is_empty() {
        return Err(wrong(certificate, &"it holds no certificate in PEM"));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, &error))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    let mut config =
        builder.with_no_client_auth().with_single_cert(chain, private).map_err(|error| wrong(certificate, &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
