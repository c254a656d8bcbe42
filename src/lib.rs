//! `integrationd` keeps the integrations of an Immuta tenant equal to a
//! directory of YAML files.

pub mod apply;
pub mod cli;
pub mod diagnostic;
pub mod embedded;
pub mod immuta;
pub mod live;
pub mod manifest;
pub mod plan;
pub mod platform;
pub mod report;
pub mod secret;
pub mod settings;
pub mod simulator;
pub mod source;
pub mod sync;
pub mod text;
pub mod value;
