//! A located mistake in a user's file.

/// Stub.
#[derive(Debug, Clone)]
pub struct Diagnostic;
