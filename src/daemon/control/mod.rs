//! Requests of clients on this machine at the control socket.
//!
//! It is not the socket for triggers: there, a connection alone starts a run, also at a daemon
//! of an earlier version. Users whom `--socket-user` permits to trigger runs have no access here.

pub mod request;
pub mod socket;
