//! The integration tests, in one binary: one link instead of one for each theme.

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod common;
#[cfg(test)]
mod diagnostics;
#[cfg(test)]
mod planning;
#[cfg(test)]
mod sync;
#[cfg(test)]
mod systemd;
