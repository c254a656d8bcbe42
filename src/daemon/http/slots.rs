//! Connection slots, and the choice of a connection to close if all are taken.
//!
//! The newest connection is always accepted: the network with the most slots loses its oldest.
//! So a client that occupies all of them, however slowly or silently, keeps no other client
//! out, and no probe from the same address either.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tokio::task::{AbortHandle, Id};
use tokio::time::Instant;

/// Minimum duration of a connection: time for a request, even in a crowd. It lets a thousand
/// clients that reconnect repeatedly in within a second, at little cost.
const MIN_HOLD: Duration = Duration::from_millis(50);

/// Group whose slots are counted together: an address, or for IPv6 the network of one customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::daemon) enum Network {
    Address(Ipv4Addr),
    /// A /64, by its first half.
    Prefix(u64),
}

impl Network {
    pub(in crate::daemon) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::Address(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments().map(u64::from);
                Self::Prefix(a << 48 | b << 32 | c << 16 | d)
            }
        }
    }
}

/// A place that is taken.
#[derive(Debug)]
pub(super) struct ConnectionSlot<H> {
    network: Network,
    since: Instant,
    /// Handle that ends the connection.
    handle: H,
}

/// All that are taken, by the task that holds the conversation.
#[derive(Debug)]
pub(super) struct ConnectionSlots<I = Id, H = AbortHandle> {
    limit: usize,
    slots: HashMap<I, ConnectionSlot<H>>,
}

impl<I: Copy + Eq + std::hash::Hash, H> ConnectionSlots<I, H> {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            slots: HashMap::new(),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.slots.len() >= self.limit
    }

    pub(super) fn acquire(&mut self, id: I, network: Network, since: Instant, handle: H) {
        let slot = ConnectionSlot {
            network,
            since,
            handle,
        };
        self.slots.insert(id, slot);
    }

    pub(super) fn release(&mut self, id: I) {
        self.slots.remove(&id);
    }

    /// Connection to close so that this network gets a slot, and the earliest time for it.
    pub(super) fn slot_to_evict(&self, comer: Network) -> Option<(&H, Instant)> {
        let mut counts = HashMap::from([(comer, 1_usize)]);
        for slot in self.slots.values() {
            *counts.entry(slot.network).or_default() += 1;
        }
        let most =
            |slot: &&ConnectionSlot<H>| counts.get(&slot.network).copied().unwrap_or_default();
        let first = self
            .slots
            .values()
            .min_by_key(|slot| (Reverse(most(slot)), slot.since))?;
        Some((&first.handle, first.since + MIN_HOLD))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> Network {
        Network::of(address.parse().unwrap())
    }

    /// Places that were taken one second after the other; who gives way.
    fn gives_way(taken: &[&str], comer: &str) -> Option<usize> {
        let begun = Instant::now();
        let mut slots = ConnectionSlots::new(taken.len());
        for (nth, address) in taken.iter().enumerate() {
            let since = begun + Duration::from_secs(nth as u64);
            slots.acquire(nth, network(address), since, nth);
        }
        slots.slot_to_evict(network(comer)).map(|(nth, _)| *nth)
    }

    #[test]
    fn client_with_the_most_slots_gives_up_its_oldest() {
        let (a, b, c) = ("10.0.0.1", "10.0.0.2", "10.0.0.3");
        assert_eq!(gives_way(&[b, a, a, a], c), Some(1));
        assert_eq!(gives_way(&[b, a, a, a], a), Some(1));
        // With the one that comes, both would have as many.
        assert_eq!(gives_way(&[a, b, b, a], b), Some(1));
        assert_eq!(gives_way(&[a, b, c], "10.0.0.4"), Some(0));
        assert_eq!(gives_way(&[], a), None);
    }

    #[test]
    fn a_place_is_had_for_a_moment_at_least() {
        let mut slots = ConnectionSlots::new(1);
        let since = Instant::now();
        slots.acquire(0, network("10.0.0.1"), since, ());
        assert!(slots.is_full());
        let (_, when) = slots.slot_to_evict(network("10.0.0.1")).unwrap();
        assert_eq!(when, since + MIN_HOLD);
        slots.release(0);
        assert!(!slots.is_full());
    }

    #[test]
    fn ipv6_counts_by_network_and_ipv4_by_address() {
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_ne!(network("10.0.0.1"), network("10.0.0.2"));
        assert_eq!(network("10.0.0.1"), network("::ffff:10.0.0.1"));
    }
}
