//! The environment variables, as the providers see them.

use std::ffi::OsString;

/// Looks up an environment variable.
pub type ProviderEnvironment = Box<dyn Fn(&str) -> Option<OsString> + Send + Sync>;
