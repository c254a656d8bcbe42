//! The status page.

use std::path::PathBuf;
use std::sync::Arc;

use super::Served;
use crate::daemon::http::{Gate, Hosts, HttpError, Listener, ListenerLimits, Site, Tls};
use crate::daemon::{StatusPublisher, Trigger};
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::secret::own::LISTEN_TOKEN;
use crate::session::tenant::{credential, read_secret};
use crate::settings::listen::{Listen, ListenError, ListenFlags, listen};
use crate::text::chain;

/// A status page that is bound, and not yet served.
pub(super) struct BoundPage {
    listener: Listener,
    site: Site,
    pub(super) tls: Option<Tls>,
}

/// Binds the address, if there is one.
pub(super) async fn bind(
    flags: &ListenFlags,
    publisher: &StatusPublisher,
    trigger: &Trigger,
) -> Result<Option<BoundPage>, CommandFailure> {
    let env = |name: &str| std::env::var_os(name);
    let Some(settings) = listen(flags, &env, &credential)? else {
        return Ok(None);
    };
    let (tls, gate) = read(&settings)?;
    let listener = Listener::bind(settings.address, tls.clone(), ListenerLimits::default()).await?;
    let hosts = Hosts::new(&settings.hosts);
    let site = Site::new(publisher, trigger.clone(), gate, hosts, listener.scheme());
    Ok(Some(BoundPage {
        listener,
        site,
        tls,
    }))
}

/// Checks the settings, as far as the files are here: the token may be handed over to the
/// service alone.
pub(super) fn check(flags: &ListenFlags) -> Result<(), CommandFailure> {
    let env = |name: &str| std::env::var_os(name);
    let settings = match listen(flags, &env, &credential) {
        Err(ListenError::NoToken(_)) => {
            let handed_over = |name: &str| Some(PathBuf::from(name));
            let settings = listen(flags, &env, &handed_over)?;
            settings.map(|settings| Listen {
                token: None,
                ..settings
            })
        }
        found => found?,
    };
    settings.as_ref().map(read).transpose().map(drop)
}

/// Reads the files that the settings name.
fn read(settings: &Listen) -> Result<(Option<Tls>, Gate), CommandFailure> {
    let tls = settings.tls.as_ref();
    let tls = tls
        .map(|(certificate, key)| Tls::read(certificate, key))
        .transpose()?;
    let token = settings.token.clone();
    let token = token.map(|source| read_secret(&LISTEN_TOKEN, source));
    let token = token.transpose()?;
    let gate = Gate::new(token, tls.is_some())?;
    Ok((tls, gate))
}

impl BoundPage {
    pub(super) fn serve(self) -> Served {
        let Self { listener, site, .. } = self;
        let address = listener.address();
        tracing::info!(
            "serving the status page at {}://{address}/",
            listener.scheme()
        );
        Served::begin(|stop| listener.serve(Arc::new(site), stop))
    }
}

impl From<ListenError> for CommandFailure {
    fn from(error: ListenError) -> Self {
        Self::new(Exit::InvalidSettings, chain(&error), error.help())
    }
}

impl From<HttpError> for CommandFailure {
    fn from(error: HttpError) -> Self {
        let exit = if error.may_pass() {
            Exit::Failed
        } else {
            Exit::InvalidSettings
        };
        Self::new(exit, chain(&error), error.help())
    }
}
