//! `integrationd` keeps the integrations of an Immuta tenant in sync with a
//! directory of YAML files.
//!
//! # The flow
//!
//! ```text
//! source ─► load ─► check ─► resolve ─► fetch ─► diff ─► plan ─► review ─► apply ─► verify
//! ```
//!
//! One value per arrow: [`source::Snapshot`], [`manifest::Manifest`],
//! [`secret::Secrets`], [`live::Live`], [`plan::Plan`], [`plan::Approved`],
//! [`apply::Outcome`]. Each stage takes the result of the stage before it and cannot be called without it. [`session`] is the one way in, for every command and for the
//! daemon; [`sync`] knows the order of the stages behind it; the command line prints a
//! [`report::Report`].
//!
//! # The layers
//!
//! Lowest first; a file names lower layers only, and a test holds that:
//!
//! | layer | modules |
//! | --- | --- |
//! | vocabulary | [`text`], [`reason`], [`diagnostic`], [`platform`], [`secret`] without its providers, [`value`], [`live`] |
//! | pure decisions | [`manifest`], [`plan`], [`export`] without what writes |
//! | edges | [`progress`], [`net`], then [`source`], the providers of [`secret`], [`immuta`] |
//! | orchestration | [`apply`], [`sync`], [`settings`], [`session`] |
//! | shells | [`report`], [`embedded`], [`daemon`], [`cli`] |
//!
//! The [`simulator`] is separate: it knows only the wire format.
//!
//! # Words
//!
//! * An *integration* connects a tenant to a *platform*.
//! * A *plan* has one *action* for each document: create, update, replace, unchanged,
//!   suspended, *withheld* by policy, or *blocked* with a reason and a remedy; and
//!   a delete for an integration that no document describes any longer.
//! * *Owned* is an integration that this tool created or *adopted*: only then is it
//!   ever deleted.
//! * A *change* is one attribute that will be different.
//! * *Unmanaged* is a live integration that no file describes.
//! * A *reference* names a secret; a *one-time* credential is used by an automatic setup and not stored.

pub mod apply;
mod cancellable;
pub mod cli;
mod client;
mod command_line;
mod console;
pub mod daemon;
pub mod diagnostic;
pub mod embedded;
pub mod export;
mod follow_up;
mod hook;
pub mod immuta;
pub mod ledger;
pub mod live;
pub mod manifest;
pub mod net;
mod parallel;
mod pause;
pub mod plan;
pub mod platform;
mod process;
pub mod profile;
pub mod progress;
pub mod reason;
mod regular;
pub mod report;
pub mod secret;
pub mod session;
pub mod settings;
pub mod simulator;
pub mod source;
pub mod sync;
pub mod text;
mod user;
pub mod value;
