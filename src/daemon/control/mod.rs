//! Requests of clients on this machine at the control socket: the status, and commands that
//! write while the daemon holds the ledger.
//!
//! It is not the socket for triggers: there, a connection alone starts a run, also at a daemon
//! of an earlier version. Users whom `--socket-user` permits to trigger runs have no access here.
//!
//! A command is carried out by the worker between two runs, in the daemon's session: there is
//! never a second writer. What it prints is sent to the client piece by piece.

pub mod handed;
pub mod request;
pub mod screen;
pub mod socket;
