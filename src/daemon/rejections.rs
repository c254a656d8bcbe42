//! Requests that were rejected: each is counted, and a few of every peer are logged.
//!
//! Anyone can send them to a port that is meant for the internet, so that a line for each would
//! let anyone fill the journal.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::http::Network;
use super::metrics::Metrics;

/// Period over which the lines of a peer are counted together.
const WINDOW: Duration = Duration::from_secs(60);

/// Lines that a peer gets in a window: enough to see each attempt while setting up a
/// forge.
const LINES: u32 = 10;

/// Peers that are counted separately. With [`LINES`] this bounds the journal to some
/// twenty lines a second, regardless of the number of addresses.
const MOST_PEERS: usize = 100;

/// The reason for a rejection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookRejection {
    /// A request with a token that is not ours.
    WrongToken,
    /// A form with a token that is not ours.
    FailedLogin,
    /// A webhook without the right signature.
    UnsignedWebhook,
    /// A signed webhook that names no reference.
    UnreadableWebhook,
}

impl WebhookRejection {
    pub(super) const ALL: [Self; 4] = [
        Self::WrongToken,
        Self::FailedLogin,
        Self::UnsignedWebhook,
        Self::UnreadableWebhook,
    ];

    /// The word for it in metrics.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::WrongToken => "wrong_token",
            Self::FailedLogin => "failed_login",
            Self::UnsignedWebhook => "unsigned_webhook",
            Self::UnreadableWebhook => "unreadable_webhook",
        }
    }

    /// Logs nothing of the content: anyone can send it.
    fn log(self, peer: Option<IpAddr>) {
        match self {
            Self::WrongToken => tracing::warn!(?peer, "rejected a request with a wrong token"),
            Self::FailedLogin => tracing::warn!(?peer, "rejected a login with a wrong token"),
            Self::UnsignedWebhook => tracing::warn!(
                ?peer,
                "rejected a webhook with an invalid \
                signature"
            ),
            Self::UnreadableWebhook => tracing::warn!(
                ?peer,
                "rejected a webhook that names no git \
                reference"
            ),
        }
    }
}

/// Counts rejections, and logs them at a bounded rate. Clones share both.
#[derive(Debug, Clone, Default)]
pub struct Rejections {
    metrics: Metrics,
    peers: Arc<Mutex<Peers>>,
}

impl Rejections {
    /// Counts with these metrics.
    #[must_use]
    pub fn new(metrics: Metrics) -> Self {
        Self {
            metrics,
            peers: Arc::default(),
        }
    }

    /// A request of this peer was rejected.
    pub(super) fn add(&self, rejection: WebhookRejection, peer: Option<IpAddr>) {
        self.metrics.rejected(rejection);
        let (network, entry) = self.peers().add(peer.map(Network::of), Instant::now());
        match entry {
            Entry::Line => rejection.log(peer),
            Entry::Counted => {}
            Entry::FirstCounted { end } => {
                let rejections = self.clone();
                tokio::spawn(async move {
                    sleep_until(end).await;
                    rejections.sum_up(network, peer);
                });
            }
        }
    }

    /// Logs the number of rejections that had no line of their own.
    fn sum_up(&self, network: Option<Network>, peer: Option<IpAddr>) {
        let more = self.peers().end(network);
        let peer = network.and(peer);
        tracing::warn!(?peer, "rejected {more} more requests within a minute");
    }

    fn peers(&self) -> MutexGuard<'_, Peers> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Handling of a rejection in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    /// It has a line of its own.
    Line,
    /// It is counted for a line at the end of the window, as the first one.
    FirstCounted {
        /// The end of the window.
        end: Instant,
    },
    /// It is counted, too.
    Counted,
}

/// The rejections of the last minute by peer. All whose address is not known, or for
/// which there is no room, are one peer, `None`.
#[derive(Debug, Default)]
struct Peers(HashMap<Option<Network>, Window>);

#[derive(Debug, Clone, Copy)]
struct Window {
    since: Instant,
    lines: u32,
    /// Those without a line.
    counted: u64,
}

impl Peers {
    /// Counts one; as whose, and what becomes of it.
    fn add(&mut self, network: Option<Network>, now: Instant) -> (Option<Network>, Entry) {
        // A window with something counted ends when that is logged.
        self.0
            .retain(|_, window| window.counted > 0 || now < window.since + WINDOW);
        let has_room = self.0.len() < MOST_PEERS || self.0.contains_key(&network);
        let network = network.filter(|_| has_room);
        let window = self.0.entry(network).or_insert(Window {
            since: now,
            lines: 0,
            counted: 0,
        });
        let entry = if window.lines < LINES {
            window.lines += 1;
            Entry::Line
        } else {
            window.counted += 1;
            if window.counted == 1 {
                let end = window.since + WINDOW;
                Entry::FirstCounted { end }
            } else {
                Entry::Counted
            }
        };
        (network, entry)
    }

    /// Ends the window of a peer; how many had no line.
    fn end(&mut self, network: Option<Network>) -> u64 {
        self.0.remove(&network).map_or(0, |window| window.counted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(number: u32) -> Option<Network> {
        Some(Network::of(IpAddr::from(number.to_be_bytes())))
    }

    #[test]
    fn each_peer_has_a_few_lines_a_minute() {
        let (mut peers, begun) = (Peers::default(), Instant::now());
        let second = Duration::from_secs(1);
        let mut entries = Vec::new();
        for nth in 0..30 {
            entries.push(peers.add(network(1), begun + nth * second).1);
        }
        assert_eq!(entries[..10], [Entry::Line; 10]);
        let end = begun + WINDOW;
        assert_eq!(entries[10], Entry::FirstCounted { end });
        assert_eq!(entries[11..], [Entry::Counted; 19]);
        // Another one is not concerned.
        assert_eq!(peers.add(network(2), begun).1, Entry::Line);
        assert_eq!(peers.end(network(1)), 20);
        assert_eq!(peers.add(network(1), end).1, Entry::Line);
    }

    #[test]
    fn many_peers_share_the_lines_of_one() {
        let (mut peers, now) = (Peers::default(), Instant::now());
        let mut lines = 0;
        for number in 0..10_000 {
            let (_, entry) = peers.add(network(number), now);
            lines += usize::from(entry == Entry::Line);
        }
        assert_eq!(lines, MOST_PEERS + 10);
        assert_eq!(peers.0.len(), MOST_PEERS + 1);
        assert_eq!(peers.end(None), 10_000 - lines as u64);
        // A minute later there is room again.
        let (network, entry) = peers.add(network(20_000), now + WINDOW);
        assert_eq!((network.is_some(), entry), (true, Entry::Line));
        assert_eq!(peers.0.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn rejections_are_counted_and_the_window_ends_by_itself() {
        let metrics = Metrics::default();
        let rejections = Rejections::new(metrics.clone());
        for _ in 0..37 {
            rejections.add(WebhookRejection::UnsignedWebhook, None);
        }
        let series = "integrationd_rejected_requests_total{reason=\"unsigned_webhook\"} 37\n";
        assert!(metrics.text().contains(series), "{}", metrics.text());
        assert_eq!(rejections.peers().0.len(), 1);
        tokio::time::sleep(2 * WINDOW).await;
        assert!(rejections.peers().0.is_empty());
    }
}
