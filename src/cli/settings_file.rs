//! The settings file: a key for every flag of `daemon`.
//!
//! Flag, then environment, then settings file, then default: what the file says
//! becomes the default of the flag, so that the rest of the program knows nothing
//! of it. Keys, values and the schema follow from the flags themselves.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Args, Command, CommandFactory, FromArgMatches, Subcommand};
use serde_json::{Map, Value as Json, json};

use super::args::{Cli, named_own_files};
use super::check::check;
use super::failure;
use super::terminal::Terminal;
use crate::immuta::TenantUrl;
use crate::manifest::{Flat, Refused, flat};
use crate::report::exit::Exit;
use crate::report::failure::Failure;
use crate::session::tenant::credential_of;
use crate::settings::daemon::SettingsFile;
use crate::settings::is_given;
use crate::source::git::GitUrl;
use crate::text::{chain, escaped};

/// Where it is if nobody says otherwise. There need not be one.
const DEFAULT: &str = "/etc/integrationd/integrationd.yaml";

/// Names another one, as `--config` does.
pub(super) const CONFIG_VARIABLE: &str = "INTEGRATIOND_CONFIG";

/// The command whose flags are the settings.
const WHOLE: &str = "daemon";

/// Arguments that are no settings.
const NOT_SETTINGS: &[&str] = &["help", "version", "config"];

/// Commands that have nothing to do with a tenant.
const WITHOUT: &[&str] = &["simulator", "settings", "hook", "completion", "man"];

/// Check the settings file, or print its schema
#[derive(Debug, Args)]
pub(super) struct SettingsArgs {
    #[command(subcommand)]
    pub command: SettingsCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum SettingsCommand {
    /// Check a settings file and show what it sets
    Check {
        /// The file, if it is not where the daemon looks for it
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Print the JSON Schema of the settings file, for an editor
    Schema,
}

/// Why there is no command line.
pub(super) enum ParseError {
    /// It is wrong, or only help was asked for.
    Usage(clap::Error),
    /// The settings file is.
    Settings(Failure),
}

impl From<ParseError> for Failure {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::Settings(failure) => failure,
            ParseError::Usage(error) => {
                let error = error.to_string();
                let what = error.lines().next().unwrap_or_default();
                let what = what.trim_start_matches("error: ");
                let help = "`integrationd daemon --help` tells what it takes";
                Self::new(Exit::Usage, what, help)
            }
        }
    }
}

/// Parses a command line, with what the settings file says for what it leaves out.
pub(super) fn parse(
    line: impl IntoIterator<Item = OsString>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Cli, ParseError> {
    let line: Vec<OsString> = line.into_iter().collect();
    let command = Cli::command();
    // Whatever is wrong with it, the parse below tells.
    let draft = command
        .clone()
        .ignore_errors(true)
        .try_get_matches_from(&line);
    let draft = draft.as_ref().ok();
    let subcommand = draft.and_then(|matches| matches.subcommand_name());
    let config = draft.and_then(|matches| matches.get_one::<PathBuf>("config"));
    let is_concerned = subcommand.is_some_and(|name| !WITHOUT.contains(&name));
    let named = config.map(PathBuf::as_path);
    let flat = if is_concerned {
        read(named).map_err(ParseError::Settings)?
    } else {
        Flat::new()
    };
    let matches = with_defaults(command, &flat, &environment)
        .try_get_matches_from(line)
        .map_err(ParseError::Usage)?;
    let mut cli = Cli::from_arg_matches(&matches).map_err(ParseError::Usage)?;
    if let (Some(references), Some((_, command))) =
        (cli.command.references_mut(), matches.subcommand())
    {
        references.own_files = named_own_files(command, &flat);
    }
    if let super::args::Command::Daemon(args) = &mut cli.command {
        args.settings_file = SettingsFile {
            path: named.unwrap_or(Path::new(DEFAULT)).to_owned(),
            is_named: named.is_some(),
            is_empty: flat.is_empty(),
        };
    }
    Ok(cli)
}

/// What the file says; nothing if none is named and there is none.
fn read(named: Option<&Path>) -> Result<Flat, Failure> {
    let path = named.unwrap_or(Path::new(DEFAULT));
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if named.is_none() && error.kind() == ErrorKind::NotFound => {
            return Ok(Flat::new());
        }
        Err(error) => {
            let what = format!(
                "the settings cannot be read from {}: {error}",
                path.display()
            );
            let help = "check the path and who may read it; `--config` names another file";
            return Err(Failure::new(Exit::InvalidSettings, what, help));
        }
    };
    let settings = settings();
    let keys: Vec<&str> = settings.iter().map(|(key, _)| key.as_str()).collect();
    let accept = |key: &str, values: &[String]| {
        let setting = settings.iter().find(|(known, _)| known == key);
        let secret = values.iter().find_map(|value| secret_in(key, value));
        if let Some(why) = secret {
            let is_secret = true;
            return Err(Refused { why, is_secret });
        }
        let accepted = setting.map_or(Ok(()), |(_, arg)| accept(arg, values));
        let is_secret = false;
        accepted.map_err(|why| Refused { why, is_secret })
    };
    flat(&path.display().to_string(), &bytes, &keys, &accept).map_err(|diagnostics| {
        Failure::with_mistakes(
            Exit::InvalidSettings,
            format_args!("the settings in {} are not in order", path.display()),
            "`integrationd settings schema` prints what can be set, for an editor",
            diagnostics,
        )
    })
}

/// Every setting: its key, and the flag that it stands for.
fn settings() -> Vec<(String, Arg)> {
    let mut command = Cli::command();
    command.build();
    let whole = command.find_subcommand(WHOLE);
    let args = whole.into_iter().flat_map(Command::get_arguments);
    args.filter(|arg| !NOT_SETTINGS.contains(&arg.get_id().as_str()))
        .map(|arg| (key_of(arg), arg.clone()))
        .collect()
}

/// `max-deletes`, as the flag is written; `dir` for an argument without a flag.
fn key_of(arg: &Arg) -> String {
    let name = arg.get_long().unwrap_or(arg.get_id().as_str());
    name.to_owned()
}

/// Why a value cannot be shown: it is an address with a password, or one of a kind
/// that might have one and cannot be read.
fn secret_in(key: &str, value: &str) -> Option<String> {
    let unusable = match key {
        "git" => GitUrl::parse(value).err().map(|error| chain(&error)),
        "url" => TenantUrl::parse(value).err().map(|error| chain(&error)),
        _ => has_password(value).then(|| "it holds a password: remove it".to_owned()),
    };
    unusable.map(|why| format!("`{key}` cannot be used: {why}"))
}

/// Whether `SCHEME://USER:PASSWORD@` is in it.
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

/// Whether a flag can have these values, in the words of the command line.
fn accept(arg: &Arg, values: &[String]) -> Result<(), String> {
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        let is_truth = matches!(values, [value] if value == "true" || value == "false");
        return if is_truth {
            Ok(())
        } else {
            Err("give `true` or `false`".to_owned())
        };
    }
    if values.len() != 1 && !takes_several(arg) {
        return Err(format!("`{}` takes one value", key_of(arg)));
    }
    let alone = arg.clone().required(false).global(false);
    let flag = arg.get_long().map(|long| format!("--{long}="));
    let flag = flag.unwrap_or_default();
    let line = values.iter().map(|value| format!("{flag}{value}"));
    let command = Command::new("settings").no_binary_name(true).arg(alone);
    let error = match command.try_get_matches_from(line) {
        Ok(_) => return Ok(()),
        Err(error) => error.to_string(),
    };
    // `error: invalid value 'x' for '--interval <DURATION>': give a duration`, and usage.
    let said = error.lines().take_while(|line| !line.trim().is_empty());
    let said: Vec<&str> = said.map(str::trim).collect();
    Err(said.join(" ").trim_start_matches("error: ").to_owned())
}

fn takes_several(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

/// Whether a flag can also be given without a value, which then means `true`.
fn is_switch(arg: &Arg) -> bool {
    arg.get_num_args()
        .is_some_and(|range| range.min_values() == 0)
}

/// The command with these defaults, where it has such a flag and the environment
/// says nothing of it.
fn with_defaults(
    command: Command,
    flat: &Flat,
    environment: &impl Fn(&str) -> Option<OsString>,
) -> Command {
    let credential = |name: &str| credential_of(name, environment);
    let ids: Vec<(String, &Vec<String>)> = settings()
        .into_iter()
        .filter(|(key, _)| !is_given(key, environment, &credential))
        .filter_map(|(key, arg)| Some((arg.get_id().as_str().to_owned(), flat.get(&key)?)))
        .collect();
    let names: Vec<String> = command
        .get_subcommands()
        .map(|subcommand| subcommand.get_name().to_owned())
        .filter(|name| !WITHOUT.contains(&name.as_str()))
        .collect();
    let command = set(command, &ids);
    names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, |subcommand| set(subcommand, &ids))
    })
}

fn set(command: Command, ids: &[(String, &Vec<String>)]) -> Command {
    let own: BTreeSet<String> = command
        .get_arguments()
        .map(|arg| arg.get_id().as_str().to_owned())
        .collect();
    let known = ids.iter().filter(|(id, _)| own.contains(id));
    known.fold(command, |command, (id, values)| {
        command.mut_arg(id, |arg| arg.default_values(values.iter().cloned()))
    })
}

/// `settings`: checks a file, or prints the schema.
pub(super) fn run(
    args: &SettingsArgs,
    config: Option<&Path>,
    terminal: Terminal,
) -> Result<Exit, Failure> {
    match &args.command {
        SettingsCommand::Check { file } => {
            let path = checked_file(file.as_deref(), config)?;
            let flat = read(Some(path))?;
            check_daemon(path, terminal)?;
            let path = path.display().to_string();
            terminal.out(&format!("{} is in order.\n", escaped(&path)));
            for (key, values) in flat {
                let values = values.join(", ");
                terminal.out(&format!("  {key} = {}\n", escaped(&values)));
            }
        }
        SettingsCommand::Schema => terminal.out_unfolded(&format!("{:#}\n", schema())),
    }
    Ok(Exit::Success)
}

/// The settings file that `settings check` is asked to check.
fn checked_file<'p>(file: Option<&'p Path>, config: Option<&'p Path>) -> Result<&'p Path, Failure> {
    let (Some(file), Some(config)) = (file, config) else {
        return Ok(file.or(config).unwrap_or(Path::new(DEFAULT)));
    };
    // The environment names the usual file, and an argument another one.
    let is_from_environment = std::env::var_os(CONFIG_VARIABLE).is_some_and(|path| path == config);
    if is_from_environment || file == config {
        return Ok(file);
    }
    let what = format!(
        "two settings files are given: {} and, with `--config`, {}",
        file.display(),
        config.display()
    );
    Err(Failure::new(Exit::Usage, what, "give one of them"))
}

/// Tells all that the daemon would refuse of these settings; the last is the failure.
fn check_daemon(path: &Path, terminal: Terminal) -> Result<(), Failure> {
    let line = [env!("CARGO_PKG_NAME"), WHOLE, "--config"].map(OsString::from);
    let line = line.into_iter().chain([path.into()]);
    let cli = parse(line, |name| std::env::var_os(name))?;
    let super::args::Command::Daemon(args) = cli.command else {
        return Ok(());
    };
    let mut refused = check(&(*args).into());
    let Some(last) = refused.pop() else {
        return Ok(());
    };
    for failure in refused {
        failure::tell(&failure, terminal, false);
    }
    Err(last)
}

/// The JSON Schema of the file.
fn schema() -> Json {
    let properties: Map<String, Json> = settings()
        .into_iter()
        .map(|(key, arg)| (key, property(&arg)))
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings of integrationd",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

fn property(arg: &Arg) -> Json {
    let words: Vec<String> = arg
        .get_possible_values()
        .iter()
        .map(|word| word.get_name().to_owned())
        .collect();
    let one = if matches!(arg.get_action(), ArgAction::SetTrue) {
        json!({ "type": "boolean" })
    } else if is_switch(arg) {
        json!({ "type": ["string", "boolean"] })
    } else if words.is_empty() {
        json!({ "type": ["string", "number"] })
    } else {
        json!({ "enum": words })
    };
    let mut property = if takes_several(arg) {
        let named = json!({ "type": "object", "additionalProperties": one });
        json!({ "anyOf": [one, { "type": "array", "items": one }, named] })
    } else {
        one
    };
    let help = arg.get_help().map(ToString::to_string);
    let defaults: Vec<_> = arg
        .get_default_values()
        .iter()
        .map(|v| v.to_string_lossy())
        .collect();
    if let Json::Object(property) = &mut property {
        property.insert("description".to_owned(), help.into());
        if let [default] = defaults.as_slice() {
            property.insert("default".to_owned(), (&**default).into());
        }
    }
    property
}

#[cfg(test)]
mod tests {
    use std::any::TypeId;

    use super::*;
    use crate::secret::own_settings;

    /// Settings that name a file or a directory which nobody authenticates with.
    const NO_CREDENTIALS: &[&str] = &[
        "dir",
        "ca-file",
        "git-ca-file",
        "git-known-hosts",
        "git-allowed-signers",
        "git-revoked-keys",
        "git-openpgp-key",
        "listen-tls-cert",
        "secret-root",
        "socket",
        "state",
        "webhook-tls-cert",
    ];

    /// A new setting with a path is asked for in the table of own credentials, or here.
    #[test]
    fn every_setting_with_a_path_is_an_own_credential_or_none() {
        let own: BTreeSet<&str> = own_settings().collect();
        let none: BTreeSet<&str> = NO_CREDENTIALS.iter().copied().collect();
        let is_path = |arg: &Arg| arg.get_value_parser().type_id() == TypeId::of::<PathBuf>();
        let settings = settings();
        let paths = settings.iter().filter(|(_, arg)| is_path(arg));
        let paths: BTreeSet<&str> = paths.map(|(key, _)| key.as_str()).collect();
        assert_eq!(paths, own.union(&none).copied().collect());
        assert!(own.is_disjoint(&none));
        // The flags of a command are looked up by these ids.
        for (key, arg) in settings
            .iter()
            .filter(|(key, _)| own.contains(key.as_str()))
        {
            assert_eq!(arg.get_id().as_str(), key.replace('-', "_"));
        }
    }
}
