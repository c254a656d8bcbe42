//! Where the daemon serves its status, as the command line says it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::connect;
use super::failure::Failure;
use crate::apply::Stop;
use crate::daemon::http::{Gate, Hosts, HttpError, Limits, Listener, Site, Tls};
use crate::daemon::{Bell, Board};
use crate::report::exit::Exit;
use crate::settings::KeySource;
use crate::settings::listen::{Listen, ListenError, ListenFlags, listen};
use crate::text::chain;

/// Where the status is served, and to whom.
#[derive(Debug, Args)]
#[command(next_help_heading = "Status page, /status, /metrics, /livez, /readyz")]
pub(super) struct ListenArgs {
    /// Where to listen, or `none`; other than on loopback it takes a certificate and a token
    #[arg(long, value_name = "ADDRESS", env = "INTEGRATIOND_LISTEN", hide_env_values = true,
          default_value = "127.0.0.1:9464", value_parser = address)]
    pub listen: At,
    /// A file with the token that whoever asks must have; with one an operator can also ask for a
    /// run [env: INTEGRATIOND_LISTEN_TOKEN, INTEGRATIOND_LISTEN_TOKEN_FILE]
    #[arg(long, value_name = "FILE")]
    pub listen_token_file: Option<PathBuf>,
    /// A PEM file with the certificate, and those that signed it; read again on SIGHUP
    #[arg(
        long,
        value_name = "FILE",
        env = "INTEGRATIOND_LISTEN_TLS_CERT",
        hide_env_values = true
    )]
    pub listen_tls_cert: Option<PathBuf>,
    /// A PEM file with its key
    #[arg(
        long,
        value_name = "FILE",
        env = "INTEGRATIOND_LISTEN_TLS_KEY",
        hide_env_values = true
    )]
    pub listen_tls_key: Option<PathBuf>,
    /// A name under which it may be asked, besides `localhost` and addresses; may be repeated
    #[arg(
        long,
        value_name = "NAME",
        env = "INTEGRATIOND_ALLOW_HOST",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub allow_host: Vec<String>,
}

/// An address, or none.
#[derive(Debug, Clone, Copy)]
pub(super) enum At {
    Nowhere,
    Address(SocketAddr),
}

impl At {
    /// The address, if there is one.
    pub(super) fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Nowhere => None,
            Self::Address(address) => Some(address),
        }
    }
}

pub(super) fn address(text: &str) -> Result<At, String> {
    if text == "none" {
        return Ok(At::Nowhere);
    }
    let address = text.parse().map(At::Address);
    address.map_err(|_| "give an address with a port, such as 127.0.0.1:9464, or none".to_owned())
}

impl From<&ListenArgs> for ListenFlags {
    fn from(args: &ListenArgs) -> Self {
        let ListenArgs {
            listen,
            listen_token_file,
            listen_tls_cert,
            listen_tls_key,
            allow_host,
        } = args;
        Self {
            address: listen.address(),
            token_file: listen_token_file.clone(),
            certificate: listen_tls_cert.clone(),
            key: listen_tls_key.clone(),
            hosts: allow_host.clone(),
        }
    }
}

/// What is bound, and not yet served.
pub(super) struct Bound {
    listener: Listener,
    site: Site,
    pub tls: Option<Tls>,
}

/// Binds the address, if there is one.
pub(super) async fn bind(
    args: &ListenArgs,
    board: &Board,
    bell: &Bell,
) -> Result<Option<Bound>, Failure> {
    let env = |name: &str| std::env::var_os(name);
    let Some(settings) = listen(&ListenFlags::from(args), &env, &connect::credential)? else {
        return Ok(None);
    };
    let (tls, gate) = read(&settings)?;
    let listener = Listener::bind(settings.address, tls.clone(), Limits::default()).await?;
    let hosts = Hosts::new(&settings.hosts);
    let site = Site::new(board, bell.clone(), gate, hosts, listener.scheme());
    Ok(Some(Bound {
        listener,
        site,
        tls,
    }))
}

/// Whether it could be served, as far as the files are here: the token may be handed
/// over to the service alone.
pub(super) fn check(args: &ListenArgs) -> Result<(), Failure> {
    let env = |name: &str| std::env::var_os(name);
    let flags = ListenFlags::from(args);
    let settings = match listen(&flags, &env, &connect::credential) {
        Err(ListenError::NoToken(_)) => {
            let handed_over = |name: &str| Some(PathBuf::from(name));
            let settings = listen(&flags, &env, &handed_over)?;
            settings.map(|settings| Listen {
                token: None,
                ..settings
            })
        }
        found => found?,
    };
    settings.as_ref().map(read).transpose().map(drop)
}

/// What the files hold that are named.
fn read(settings: &Listen) -> Result<(Option<Tls>, Gate), Failure> {
    let tls = settings.tls.as_ref();
    let tls = tls
        .map(|(certificate, key)| Tls::read(certificate, key))
        .transpose()?;
    let token = settings.token.clone().map(read_token).transpose()?;
    let gate = Gate::new(token, tls.is_some())?;
    Ok((tls, gate))
}

fn read_token(source: KeySource) -> Result<crate::secret::Secret, Failure> {
    connect::read_secret(source).map_err(|(path, error): (PathBuf, io::Error)| {
        Failure::new(
            Exit::InvalidSettings,
            format_args!("the token cannot be read from {}: {error}", path.display()),
            "check the path and who may read it",
        )
    })
}

/// What is being served.
pub(super) struct Served {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Bound {
    /// Serves beside the worker, in a task of its own: it has to answer even while
    /// the worker hangs.
    pub(super) fn serve(self) -> Served {
        let Self { listener, site, .. } = self;
        let address = listener.address();
        tracing::info!("the status page is at {}://{address}/", listener.scheme());
        Served::begin(|stop| listener.serve(Arc::new(site), stop))
    }
}

impl Served {
    /// Begins what serves until its stop is pulled.
    pub(super) fn begin<F>(serve: impl FnOnce(Stop) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (sender, stop) = Stop::new();
        let task = tokio::spawn(serve(stop));
        Self { stop: sender, task }
    }

    /// Lets the answers under way end.
    pub(super) async fn end(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the listener has broken");
        }
    }
}

impl From<ListenError> for Failure {
    fn from(error: ListenError) -> Self {
        Self::new(Exit::InvalidSettings, chain(&error), error.help())
    }
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        let exit = if error.may_pass() {
            Exit::Failed
        } else {
            Exit::InvalidSettings
        };
        Self::new(exit, chain(&error), error.help())
    }
}
