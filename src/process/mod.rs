//! This process: what it may use, what is kept from others, and the signals that end it.

pub(crate) mod hygiene;
pub(crate) mod limits;
pub(crate) mod signal;
