//! `integrationd` keeps the integrations of an Immuta tenant equal to a
//! directory of YAML files.

pub mod diagnostic;
pub mod immuta;
pub mod live;
pub mod manifest;
pub mod plan;
pub mod platform;
pub mod secret;
pub mod text;
pub mod value;
