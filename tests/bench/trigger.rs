//! Triggers of every kind.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;

use fastrand::Rng;

use crate::common::{Integrationd, Running};
use crate::forge;
use crate::web::{Served, TOKEN};

/// Maximum number of clients that still wait for the result.
const LISTENERS: usize = 8;

/// Pulls triggers, and counts them.
#[derive(Default)]
pub(crate) struct Triggers {
    pub(crate) counts: BTreeMap<&'static str, usize>,
    /// Clients at the socket, who listen and do not read.
    listening: Vec<UnixStream>,
    /// `hook run`s under way.
    asking: Vec<Running>,
}

/// Endpoints of a daemon.
pub(crate) struct Doors<'a> {
    pub(crate) served: &'a Served,
    pub(crate) webhook: SocketAddr,
    pub(crate) socket: &'a Path,
}

impl Triggers {
    /// One of them.
    pub(crate) fn pull(&mut self, doors: &Doors<'_>, rng: &mut Rng) {
        let kind = match rng.u8(..25) {
            0 => {
                self.ask(doors.socket);
                "hook run"
            }
            1..=6 => {
                self.connect(doors.socket, rng);
                "socket"
            }
            7..=12 => {
                let answer = forge::github(doors.webhook, "push", forge::PUSH);
                assert_eq!(answer.code, 202, "{}", answer.body);
                "webhook"
            }
            13..=18 => {
                doors.served.daemon.signal("HUP");
                "SIGHUP"
            }
            _ => {
                let token = format!("Bearer {TOKEN}");
                let headers = [("authorization", token.as_str())];
                let answer = doors.served.ask("POST", "/sync", &headers, "");
                assert_eq!(answer.code, 303, "{}", answer.body);
                "POST /sync"
            }
        };
        *self.counts.entry(kind).or_default() += 1;
    }

    fn connect(&mut self, socket: &Path, rng: &mut Rng) {
        let stream = UnixStream::connect(socket).unwrap();
        if self.listening.len() == LISTENERS {
            self.listening.swap_remove(rng.usize(..LISTENERS));
        }
        self.listening.push(stream);
    }

    fn ask(&mut self, socket: &Path) {
        self.asking.retain_mut(|one| !one.has_ended());
        let run = Integrationd::new(["hook", "run", "--timeout=2s", "--socket"]);
        self.asking.push(run.arg(socket).start());
    }
}
