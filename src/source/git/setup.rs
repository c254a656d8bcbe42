//! Process-wide setup: the transports of libgit2, and that it reads no configuration but that
//! of the repository at hand.

use std::sync::OnceLock;

use git2::transport::{SmartSubtransport, SmartSubtransportStream, Transport};
use git2::{ConfigLevel, Error, ErrorClass, ErrorCode, Remote};

use super::session;

/// The only scheme that our transport answers to, with nothing behind it: where to
/// go is the session's to know, so that libgit2 never sees a real address, and
/// neither its messages nor its files can hold one.
pub(super) const REMOTE: &str = "integrationd://session";

const SCHEME: &str = "integrationd";

/// Sets it up; the first caller does it, and the others wait.
pub(super) fn once() -> Result<(), Error> {
    static DONE: OnceLock<Result<(), (ErrorCode, ErrorClass, String)>> = OnceLock::new();
    let done = DONE.get_or_init(|| {
        let set = set_up();
        set.map_err(|error| (error.code(), error.class(), error.message().to_owned()))
    });
    done.clone()
        .map_err(|(code, class, message)| Error::new(code, class, message))
}

#[expect(
    unsafe_code,
    reason = "these options are process-wide and are set once, before any other use of libgit2"
)]
fn set_up() -> Result<(), Error> {
    // `url.insteadOf` and the like in other configurations of this machine.
    for level in [
        ConfigLevel::System,
        ConfigLevel::Global,
        ConfigLevel::XDG,
        ConfigLevel::ProgramData,
    ] {
        unsafe { git2::opts::set_search_path(level, "/dev/null")? };
    }
    unsafe {
        // Of that configuration it would need `safe.directory`. `owner` checks
        // every repository that is opened, in its place.
        git2::opts::set_verify_owner_validation(false)?;
        git2::transport::register(SCHEME, transport)
    }
}

fn transport(remote: &Remote<'_>) -> Result<Transport, Error> {
    let session = session::current().ok_or_else(|| Error::from_str("no session"))?;
    let is_stateless = session.route.is_stateless();
    Transport::smart(remote, is_stateless, Subtransport)
}

struct Subtransport;

impl SmartSubtransport for Subtransport {
    fn action(
        &self,
        _url: &str,
        action: git2::transport::Service,
    ) -> Result<Box<dyn SmartSubtransportStream>, Error> {
        let session = session::current().ok_or_else(|| Error::from_str("no session"))?;
        let opened = session.open(action);
        opened.map_err(|failure| session.keep(failure))
    }

    fn close(&self) -> Result<(), Error> {
        Ok(())
    }
}
