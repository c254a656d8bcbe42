//! The socket at which systemd receives a service's state.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use tempfile::TempDir;

/// Hears what systemd would.
pub(crate) struct Systemd {
    place: TempDir,
    socket: UnixDatagram,
}

impl Systemd {
    pub(crate) fn new() -> Self {
        let place = TempDir::new().unwrap();
        let socket = UnixDatagram::bind(place.path().join("notify")).unwrap();
        let patience = Some(Duration::from_secs(20));
        socket.set_read_timeout(patience).unwrap();
        Self { place, socket }
    }

    /// For `NOTIFY_SOCKET`.
    pub(crate) fn socket(&self) -> String {
        self.place.path().join("notify").display().to_string()
    }

    /// Forgets everything that was said so far.
    pub(crate) fn forget(&self) {
        self.socket.set_nonblocking(true).unwrap();
        while self.socket.recv(&mut [0; 4096]).is_ok() {}
        self.socket.set_nonblocking(false).unwrap();
    }

    /// Waits until something is said in which this stands.
    #[track_caller]
    pub(crate) fn hears(&self, wanted: &str) -> String {
        let mut buffer = [0; 4096];
        loop {
            let heard = self.socket.recv(&mut buffer);
            let size = heard.unwrap_or_else(|error| panic!("{wanted}: {error}"));
            let text = String::from_utf8_lossy(&buffer[..size]).into_owned();
            if text.contains(wanted) {
                return text;
            }
        }
    }
}
