//! The flags of a command line that printed commands repeat.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::{Line, Program, WHOLE};
use crate::follow_up::SelectingFlags;

/// Flags that select the files, the ledger and the tenant, besides those of [`GROUPS`].
const SELECTING: &[&str] = &[
    "config",
    "dir",
    "var",
    "var_file",
    "allow_secret",
    "secret_root",
    "state",
    "url",
    "api_key_file",
    "auth",
    "ca_file",
    "connections",
    "socket",
];

/// Beginnings of the names of such flags.
const GROUPS: &[&str] = &["git", "vault_"];

/// The directory of integration files.
const DIRECTORY: &str = "dir";

impl Line {
    /// The flags on this line that select the files, the ledger and the tenant, for each command
    /// that accepts them. Commands in the texts of a daemon get its flags when the daemon carries
    /// them out.
    pub(crate) fn selecting_flags(&self, program: Program) -> SelectingFlags {
        let mut definition = (program.definition)();
        definition.build();
        let given = match self.matches.subcommand() {
            Some((name, _)) if name == WHOLE => Vec::new(),
            Some((name, matches)) => self.given(definition.find_subcommand(name), matches),
            None => Vec::new(),
        };
        if given.is_empty() {
            return SelectingFlags::default();
        }
        let commands = definition.get_subcommands();
        let commands = commands.filter(|it| (program.uses_settings)(it.get_name()));
        let words = commands.map(|it| (it.get_name().to_owned(), words(it, &given)));
        SelectingFlags(words.collect::<BTreeMap<_, _>>())
    }

    /// The values of such flags on the line, by the name of the argument.
    fn given(&self, command: Option<&Command>, matches: &ArgMatches) -> Vec<(String, Vec<String>)> {
        let mut given = Vec::new();
        for arg in command.into_iter().flat_map(Command::get_arguments) {
            let id = arg.get_id().as_str();
            let is_group = GROUPS.iter().any(|group| id.starts_with(group));
            let is_on_line = matches.value_source(id) == Some(ValueSource::CommandLine);
            if !is_on_line || !(is_group || SELECTING.contains(&id)) {
                continue;
            }
            let values: Vec<OsString> = matches
                .get_raw(id)
                .into_iter()
                .flatten()
                .map(OsString::from)
                .collect();
            let is_default = values.iter().eq(arg.get_default_values())
                && id == DIRECTORY
                && !self.declared.flat.contains_key(DIRECTORY);
            if !is_default {
                let values = values.into_iter();
                let texts = values.map(|value| value.to_string_lossy().into_owned());
                given.push((id.to_owned(), texts.collect()));
            }
        }
        given
    }
}

/// The words of these flags for another command, as far as it accepts them. Positional arguments
/// come first.
fn words(command: &Command, given: &[(String, Vec<String>)]) -> Vec<String> {
    let (mut positional, mut flags) = (Vec::new(), Vec::new());
    for arg in command.get_arguments() {
        let own = given.iter().filter(|(id, _)| arg.get_id().as_str() == id);
        for value in own.flat_map(|(_, values)| values) {
            match arg.get_long() {
                None => positional.push(value.clone()),
                Some(long) if joins(arg, value) => flags.push(format!("--{long}={value}")),
                Some(long) => flags.extend([format!("--{long}"), value.clone()]),
            }
        }
    }
    positional.append(&mut flags);
    positional
}

/// True if a value has to be in one word with its flag.
fn joins(arg: &Arg, value: &str) -> bool {
    arg.is_require_equals_set() || value.starts_with('-')
}
