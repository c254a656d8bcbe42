//! The command line, and what completes it: the settings file, with a key for every flag of
//! `daemon`, or the flags of the daemon that carries out a command.
//!
//! Flag, then environment, then settings file, then default: what the file says
//! becomes the default of the flag, so that the rest of the program knows nothing
//! of it. Keys, values and the schema follow from the flags themselves.

mod follow_up;
pub(crate) mod handed;
pub(crate) mod holder;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::manifest::{DeclaredSettings, Flat};
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::secret::own_settings;
use crate::session::tenant::credential_of;
use crate::settings::daemon::SettingsFile;
use crate::settings::file::{self, DEFAULT, DeclaredSetting, SettingKind};
use crate::settings::is_given;

/// The command whose flags are the settings.
const WHOLE: &str = "daemon";

/// Arguments that are no settings.
/// The file has [`VARIABLES`] for `var`, with types.
const NOT_SETTINGS: &[&str] = &["help", "version", "config", "var"];

/// Commands for which a directory on the line takes the place of a repository that only the
/// environment or the settings file names.
const PREFER_DIRECTORY: &[&str] = &["adopt", "render", "script", "snippet"];

/// The command line as it is declared.
#[derive(Clone, Copy)]
pub(crate) struct Program {
    /// All commands and their flags.
    pub(crate) definition: fn() -> Command,
    /// True if the flags of this command are settings; false for a command that has
    /// nothing to do with a tenant.
    pub(crate) uses_settings: fn(&str) -> bool,
    /// True if this line of such a command needs the settings.
    pub(crate) reads_settings: fn(&str, &ArgMatches) -> bool,
}

/// Reason for the absence of a command line.
pub(crate) enum ParseError {
    /// It is wrong, or only help was asked for.
    Usage(clap::Error),
    /// The settings file is.
    Settings(CommandFailure),
}

impl From<ParseError> for CommandFailure {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::Settings(failure) => failure,
            ParseError::Usage(error) => {
                let error = error.to_string();
                let what = error.lines().next().unwrap_or_default();
                let what = what.trim_start_matches("error: ");
                let help = "run `integrationd daemon --help` to see the valid values";
                Self::new(Exit::Usage, what, help)
            }
        }
    }
}

/// A command line, completed with the settings file.
pub(crate) struct Line {
    /// Its flags.
    pub(crate) matches: ArgMatches,
    /// The file that was read.
    pub(crate) file: SettingsFile,
    /// Settings that the file declares.
    pub(crate) declared: DeclaredSettings,
}

impl Line {
    /// Reads the command line of a daemon with this settings file.
    pub(crate) fn of_daemon(program: Program, config: &Path) -> Result<Self, ParseError> {
        let line = [env!("CARGO_PKG_NAME"), WHOLE, "--config"].map(OsString::from);
        let line = line.into_iter().chain([config.into()]);
        Self::read(program, line, |name| std::env::var_os(name))
    }

    /// The settings file that was read, as an absolute path; `None` if it sets nothing.
    pub(crate) fn settings_file(&self) -> Option<PathBuf> {
        let path = (!self.file.is_empty).then(|| std::path::absolute(&self.file.path));
        path?.ok()
    }

    /// Reads it.
    pub(crate) fn read(
        program: Program,
        line: impl IntoIterator<Item = OsString>,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ParseError> {
        let line: Vec<OsString> = line.into_iter().collect();
        // The second reading reports any error.
        let draft = (program.definition)().ignore_errors(true);
        let draft = draft.try_get_matches_from(&line).ok();
        let draft = draft.as_ref();
        let subcommand = draft.and_then(ArgMatches::subcommand);
        let config = draft.and_then(|matches| matches.get_one::<PathBuf>("config"));
        let named = config.map(PathBuf::as_path);
        let reads = subcommand.is_some_and(|(name, line)| (program.reads_settings)(name, line));
        let declared = if reads {
            read(program, named).map_err(ParseError::Settings)?
        } else {
            DeclaredSettings::default()
        };
        let mut command = with_defaults(program, &declared.flat, &environment);
        let independent = subcommand.filter(|(name, _)| !reads && (program.uses_settings)(name));
        if let Some((name, _)) = independent {
            // A wrong setting in the environment does not concern it either.
            command = command.mut_subcommand(name, without_environment);
        }
        if let Some((name, _)) = subcommand.filter(|(name, given)| prefers_directory(name, given)) {
            command = command.mut_subcommand(name, without_repository);
        }
        let matches = command
            .try_get_matches_from(line)
            .map_err(ParseError::Usage)?;
        Ok(Self {
            matches,
            file: SettingsFile {
                path: named.unwrap_or(Path::new(DEFAULT)).to_owned(),
                is_named: named.is_some(),
                is_empty: declared.is_empty(),
            },
            declared,
        })
    }

    /// The files with own credentials that the flags or the settings file name.
    pub(crate) fn own_files(&self) -> Vec<PathBuf> {
        match self.matches.subcommand() {
            Some((_, command)) => named_own_files(command, &self.declared.flat),
            None => Vec::new(),
        }
    }
}

/// The files with own credentials that the flags of a command name, and those that the
/// settings file names for any command.
fn named_own_files(command: &ArgMatches, settings: &Flat) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for setting in own_settings() {
        let id = setting.replace('-', "_");
        // A command without this flag is asked in vain.
        let flag = command.try_get_raw(&id).ok().flatten();
        files.extend(flag.into_iter().flatten().map(PathBuf::from));
        files.extend(
            settings
                .get(setting)
                .into_iter()
                .flatten()
                .map(PathBuf::from),
        );
    }
    files
}

/// Content of the file; nothing if no file is named and none exists.
fn read(program: Program, named: Option<&Path>) -> Result<DeclaredSettings, CommandFailure> {
    let settings = settings(program);
    let keys: Vec<&str> = settings.iter().map(|(key, _)| key.as_str()).collect();
    let accepts = |key: &str, values: &[String]| {
        let setting = settings.iter().find(|(known, _)| known == key);
        setting.map_or(Ok(()), |(_, arg)| accept(arg, values))
    };
    Ok(file::read(named, &keys, accepts)?)
}

/// Every setting: its key, and the flag that it stands for.
fn settings(program: Program) -> Vec<(String, Arg)> {
    let mut command = (program.definition)();
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

/// Every setting, as the flags declare it.
pub(crate) fn declared(program: Program) -> Vec<DeclaredSetting> {
    let settings = settings(program).into_iter();
    settings.map(|(key, arg)| declaration(key, &arg)).collect()
}

fn declaration(key: String, arg: &Arg) -> DeclaredSetting {
    let words = arg.get_possible_values().into_iter();
    let words: Vec<String> = words.map(|word| word.get_name().to_owned()).collect();
    DeclaredSetting {
        key,
        help: arg.get_help().map(ToString::to_string),
        kind: if matches!(arg.get_action(), ArgAction::SetTrue) {
            SettingKind::Truth
        } else if is_switch(arg) {
            SettingKind::TextOrTruth
        } else if words.is_empty() {
            SettingKind::Text
        } else {
            SettingKind::Word(words)
        },
        takes_several: takes_several(arg),
        default: match arg.get_default_values() {
            [default] => Some(default.to_string_lossy().into_owned()),
            _ => None,
        },
    }
}

/// Checks that a flag accepts these values; the error has the words of the command line.
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

/// True if a flag can also be given without a value, which then means `true`.
fn is_switch(arg: &Arg) -> bool {
    arg.get_num_args()
        .is_some_and(|range| range.min_values() == 0)
}

/// The command with these defaults, where it has such a flag and the environment
/// says nothing of it.
fn with_defaults(
    program: Program,
    flat: &Flat,
    environment: &impl Fn(&str) -> Option<OsString>,
) -> Command {
    let credential = |name: &str| credential_of(name, environment);
    let command = (program.definition)();
    let ids: Vec<(String, &Vec<String>)> = settings(program)
        .into_iter()
        .filter(|(key, _)| !is_given(key, environment, &credential))
        .filter_map(|(key, arg)| Some((arg.get_id().as_str().to_owned(), flat.get(&key)?)))
        .collect();
    let names: Vec<String> = command
        .get_subcommands()
        .map(|subcommand| subcommand.get_name().to_owned())
        .filter(|name| (program.uses_settings)(name))
        .collect();
    let command = set(command, &ids);
    names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, |subcommand| set(subcommand, &ids))
    })
}

/// True if a directory is on the line of such a command, and a repository is not.
fn prefers_directory(command: &str, given: &ArgMatches) -> bool {
    let is_on_line = |id| given.value_source(id) == Some(ValueSource::CommandLine);
    PREFER_DIRECTORY.contains(&command) && is_on_line("dir") && !is_on_line("git")
}

fn without_repository(command: Command) -> Command {
    command.mut_arg("git", |arg| {
        let nothing: [&'static str; 0] = [];
        arg.env(None::<&'static str>).default_values(nothing)
    })
}

fn without_environment(command: Command) -> Command {
    command.mut_args(|arg| arg.env(None::<&'static str>))
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

#[cfg(test)]
mod tests;
