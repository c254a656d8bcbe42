//! The integration tests, in one binary: one link instead of one for each theme.

#[cfg(test)]
mod architecture;
