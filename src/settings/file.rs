//! The settings file: a key for every setting, and its JSON Schema.
//!
//! It knows the settings as they are declared to it, not how the command line declares them.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};

use crate::diagnostic::Diagnostic;
use crate::immuta::TenantUrl;
use crate::manifest::{DeclaredSettings, RejectedValue, VARIABLES, flat};
use crate::source::git::GitUrl;
use crate::text::chain;

/// Default path. The file is optional.
pub const DEFAULT: &str = "/etc/integrationd/integrationd.yaml";

/// Names another one, as `--config` does.
pub const CONFIG_VARIABLE: &str = "INTEGRATIOND_CONFIG";

/// A setting that a file may have.
#[derive(Debug, Clone)]
pub struct DeclaredSetting {
    /// Its key.
    pub key: String,
    /// Its help text.
    pub help: Option<String>,
    /// The values that it takes.
    pub kind: SettingKind,
    /// True if it takes a list.
    pub takes_several: bool,
    /// The value without a setting.
    pub default: Option<String>,
}

/// Values of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingKind {
    /// `true` or `false`.
    Truth,
    /// Text, or `true` or `false`.
    TextOrTruth,
    /// Text or a number.
    Text,
    /// One of these words.
    Word(Vec<String>),
}

/// A settings file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsFileError {
    /// It cannot be read.
    #[error("cannot read the settings file {}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// There are mistakes in it.
    #[error("the settings file {} is invalid", .path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The mistakes.
        mistakes: Vec<Diagnostic>,
    },
    /// An argument and `--config` name different files.
    #[error(
        "two settings files are given: {} and, with `--config`, {}",
        .argument.display(), .config.display()
    )]
    Two {
        /// The argument.
        argument: PathBuf,
        /// The file of `--config`.
        config: PathBuf,
    },
}

impl SettingsFileError {
    /// The remedy.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => {
                "check the path and its permissions, or name a different file with `--config`"
            }
            Self::Invalid { .. } => {
                "run `integrationd settings schema` to print a JSON Schema for your editor"
            }
            Self::Two { .. } => "use only one of them",
        }
    }
}

/// Content of the file; nothing if no file is named and none exists. `accepts` says why a
/// setting cannot have its values.
///
/// # Errors
/// The file cannot be read, or there are mistakes in it.
pub fn read(
    named: Option<&Path>,
    keys: &[&str],
    accepts: impl Fn(&str, &[String]) -> Result<(), String>,
) -> Result<DeclaredSettings, SettingsFileError> {
    let path = named.unwrap_or(Path::new(DEFAULT));
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if named.is_none() && error.kind() == ErrorKind::NotFound => {
            return Ok(DeclaredSettings::default());
        }
        Err(source) => {
            let path = path.to_owned();
            return Err(SettingsFileError::Unreadable { path, source });
        }
    };
    let accept = |key: &str, values: &[String]| {
        if let Some(why) = values.iter().find_map(|value| secret_in(key, value)) {
            let is_secret = true;
            return Err(RejectedValue { why, is_secret });
        }
        let is_secret = false;
        accepts(key, values).map_err(|why| RejectedValue { why, is_secret })
    };
    let read = flat(&path.display().to_string(), &bytes, keys, &accept);
    read.map_err(|mistakes| SettingsFileError::Invalid {
        path: path.to_owned(),
        mistakes,
    })
}

/// The file that a command is asked to check: its argument, or that of `--config`, which
/// may come from the environment.
///
/// # Errors
/// Two different files are named.
pub fn file_to_check<'p>(
    argument: Option<&'p Path>,
    config: Option<&'p Path>,
) -> Result<&'p Path, SettingsFileError> {
    let (Some(argument), Some(config)) = (argument, config) else {
        return Ok(argument.or(config).unwrap_or(Path::new(DEFAULT)));
    };
    // The environment names the usual file, and an argument another one.
    let is_from_environment = std::env::var_os(CONFIG_VARIABLE).is_some_and(|path| path == config);
    if is_from_environment || argument == config {
        return Ok(argument);
    }
    Err(SettingsFileError::Two {
        argument: argument.to_owned(),
        config: config.to_owned(),
    })
}

/// Reason to hide a value: it is an address with a password, or a value that might contain one
/// and cannot be parsed.
fn secret_in(key: &str, value: &str) -> Option<String> {
    let unusable = match key {
        "git" => GitUrl::parse(value).err().map(|error| chain(&error)),
        "url" => TenantUrl::parse(value).err().map(|error| chain(&error)),
        _ => has_password(value).then(|| "it contains a password: remove the password".to_owned()),
    };
    unusable.map(|why| format!("`{key}` is invalid: {why}"))
}

/// True if the value contains `SCHEME://USER:PASSWORD@`.
fn has_password(value: &str) -> bool {
    let mut rests = value
        .match_indices("://")
        .map(|(at, mark)| &value[at + mark.len()..]);
    rests.any(|rest| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        user.is_some_and(|user| user.contains(':'))
    })
}

/// Each setting that a file declares, and its values.
#[must_use]
pub fn shown(declared: &DeclaredSettings) -> Vec<(&str, String)> {
    let settings = declared.flat.iter();
    let mut shown: Vec<(&str, String)> = settings
        .map(|(key, values)| (key.as_str(), values.join(", ")))
        .collect();
    let variables: Vec<String> = declared.variables.shown().collect();
    if !variables.is_empty() {
        shown.push((VARIABLES, variables.join(", ")));
    }
    shown
}

/// The JSON Schema of the file.
#[must_use]
pub fn schema(settings: &[DeclaredSetting]) -> Json {
    let mut properties: Map<String, Json> = settings
        .iter()
        .map(|setting| (setting.key.clone(), property(setting)))
        .collect();
    properties.insert(VARIABLES.to_owned(), variables());
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings of integrationd",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

/// The schema of the variables.
fn variables() -> Json {
    let scalar = json!({ "type": ["string", "number", "boolean"] });
    let value = json!({ "anyOf": [scalar, { "type": "array", "items": scalar }] });
    json!({
        "type": "object",
        "additionalProperties": value,
        "description": "Values of `${var:NAME}`; the values keep their types",
    })
}

fn property(setting: &DeclaredSetting) -> Json {
    let one = match &setting.kind {
        SettingKind::Truth => json!({ "type": "boolean" }),
        SettingKind::TextOrTruth => json!({ "type": ["string", "boolean"] }),
        SettingKind::Text => json!({ "type": ["string", "number"] }),
        SettingKind::Word(words) => json!({ "enum": words }),
    };
    let mut property = if setting.takes_several {
        let named = json!({ "type": "object", "additionalProperties": one });
        json!({ "anyOf": [one, { "type": "array", "items": one }, named] })
    } else {
        one
    };
    if let Json::Object(property) = &mut property {
        property.insert("description".to_owned(), setting.help.clone().into());
        if let Some(default) = &setting.default {
            property.insert("default".to_owned(), default.as_str().into());
        }
    }
    property
}
