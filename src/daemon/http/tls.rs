//! TLS for what listens elsewhere than on loopback.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::HttpError;

/// A certificate and its key, which can be read again. Clones share them.
#[derive(Debug, Clone)]
pub struct Tls(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    certificate: PathBuf,
    key: PathBuf,
    config: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads both files.
    ///
    /// # Errors
    /// One of them cannot be used, or they do not go together.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, HttpError> {
        let config = config(certificate, key)?;
        Ok(Self(Arc::new(Inner {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            config: RwLock::new(config),
        })))
    }

    /// Reads both files again, for new connections. What was there stays where they
    /// cannot be used.
    ///
    /// # Errors
    /// As for [`Self::read`].
    pub fn read_again(&self) -> Result<(), HttpError> {
        let config = config(&self.0.certificate, &self.0.key)?;
        let mut current = self
            .0
            .config
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *current = config;
        Ok(())
    }

    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let config = {
            let current = self.0.config.read();
            Arc::clone(&current.unwrap_or_else(PoisonError::into_inner))
        };
        TlsAcceptor::from(config).accept(stream).await
    }
}

fn config(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, HttpError> {
    let unread = |path: &Path| {
        let path = path.to_owned();
        move |source| HttpError::ReadTls { path, source }
    };
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(unread(certificate))?;
    if chain.is_empty() {
        let path = certificate.to_owned();
        return Err(HttpError::NoCertificate { path });
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(unread(key))?;
    let provider = Arc::new(ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(HttpError::BadTls)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
