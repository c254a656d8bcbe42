//! The status page.

use std::path::PathBuf;

use clap::Args;

use crate::secret::own::{LISTEN_TLS_KEY, LISTEN_TOKEN};
use crate::settings::listen::ListenFlags;
use crate::settings::parse::{At, address};

/// Address and access control of the status page.
#[derive(Debug, Args)]
#[command(next_help_heading = "Status page, /status, /metrics, /livez, /readyz")]
pub(crate) struct ListenArgs {
    /// Address to listen on for the status page, or `none`; a non-loopback address needs a
    /// certificate and a token
    #[arg(long, value_name = "ADDRESS", env = "INTEGRATIOND_LISTEN",
          default_value = "127.0.0.1:9464", value_parser = address)]
    pub listen: At,
    #[arg(long, value_name = "FILE", help = LISTEN_TOKEN.help("File with the token that clients \
        must send; the token also lets them trigger runs"))]
    pub listen_token_file: Option<PathBuf>,
    /// PEM file with the certificate and its chain; read again on SIGHUP
    #[arg(long, value_name = "FILE", env = "INTEGRATIOND_LISTEN_TLS_CERT")]
    pub listen_tls_cert: Option<PathBuf>,
    /// PEM file with the private key of the certificate
    #[arg(long, value_name = "FILE", env = LISTEN_TLS_KEY.file_variable())]
    pub listen_tls_key: Option<PathBuf>,
    /// Host name by which clients reach the page, in addition to `localhost` and IP addresses; may
    /// be repeated
    #[arg(
        long,
        value_name = "NAME",
        env = "INTEGRATIOND_ALLOW_HOST",
        value_delimiter = ','
    )]
    pub allow_host: Vec<String>,
}

impl From<ListenArgs> for ListenFlags {
    fn from(args: ListenArgs) -> Self {
        let ListenArgs {
            listen,
            listen_token_file,
            listen_tls_cert,
            listen_tls_key,
            allow_host,
        } = args;
        Self {
            address: listen.address(),
            token_file: listen_token_file,
            certificate: listen_tls_cert,
            key: listen_tls_key,
            hosts: allow_host,
        }
    }
}
