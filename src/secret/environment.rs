//! The environment variables, as the providers see them.

use std::ffi::OsString;

/// Reads an environment variable.
pub type ProviderEnvironment = Box<dyn Fn(&str) -> Option<OsString> + Send + Sync>;
