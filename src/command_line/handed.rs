//! The command line of a client that the daemon carries out: encoded by the client, and
//! completed and checked by the daemon.

use std::ffi::OsString;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::{Line, ParseError, Program, set, without_environment};
use crate::manifest::DeclaredSettings;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::secret::own_settings;
use crate::settings::daemon::SettingsFile;

/// Flags that are about the client: the daemon has a ledger, a tenant and credentials of its own.
const OF_CLIENT: &[&str] = &["state", "url", "socket", "standalone"];

/// The directory of integration files.
const DIRECTORY: &str = "dir";

/// The flags in effect in a daemon, by the name of the argument.
pub(crate) type EffectiveFlags = Vec<(String, Vec<String>)>;

/// The command and the flags that were given for it, which are for the daemon.
pub(crate) fn arguments(line: &Line, program: Program) -> Result<Vec<String>, CommandFailure> {
    let mut program = (program.definition)();
    program.build();
    let Some((name, matches)) = line.matches.subcommand() else {
        return Ok(Vec::new());
    };
    let mut arguments = vec![name.to_owned()];
    let mut positional = Vec::new();
    let of_command = program.find_subcommand(name);
    for arg in of_command.into_iter().flat_map(Command::get_arguments) {
        if !is_for_daemon(arg, matches) {
            continue;
        }
        let id = arg.get_id().as_str();
        match arg.get_long() {
            Some(long) if matches!(arg.get_action(), ArgAction::SetTrue) => {
                arguments.extend(matches.get_flag(id).then(|| format!("--{long}")));
            }
            Some(long) => {
                let values = values(id, matches)?.into_iter();
                arguments.extend(values.map(|value| format!("--{long}={value}")));
            }
            None => positional.extend(values(id, matches)?),
        }
    }
    arguments.push("--".to_owned());
    arguments.extend(positional);
    Ok(arguments)
}

fn is_for_daemon(arg: &Arg, matches: &ArgMatches) -> bool {
    let id = arg.get_id().as_str();
    let source = matches.try_get_raw(id).ok().flatten();
    let source = source.and_then(|_| matches.value_source(id));
    let is_given = matches!(
        source,
        Some(ValueSource::CommandLine | ValueSource::EnvVariable)
    );
    let is_own = own_settings().any(|setting| setting.replace('-', "_") == id);
    is_given && !arg.is_global_set() && !is_own && !OF_CLIENT.contains(&id)
}

/// The values of an argument. The daemon may have another working directory.
fn values(id: &str, matches: &ArgMatches) -> Result<Vec<String>, CommandFailure> {
    let raw = matches.get_raw(id).into_iter().flatten();
    let values = raw.map(|value| {
        let path = (id == DIRECTORY).then(|| std::path::absolute(value).ok());
        let value = path.flatten().map_or(value.to_owned(), OsString::from);
        value.into_string().map_err(|value| {
            CommandFailure::new(
                Exit::Usage,
                format_args!("the value {} is not valid UTF-8", value.display()),
                "the daemon that holds the ledger accepts only UTF-8: stop it, or change the value",
            )
        })
    });
    values.collect()
}

/// The flags in effect in a daemon with this command line.
pub(crate) fn effective_flags(line: &Line) -> EffectiveFlags {
    let Some((_, matches)) = line.matches.subcommand() else {
        return Vec::new();
    };
    let ids = matches.ids().map(|id| id.as_str().to_owned());
    let flags = ids.filter_map(|id| {
        let values = matches.try_get_raw(&id).ok().flatten()?;
        let values = values.map(|value| value.to_str().map(str::to_owned));
        Some((id, values.collect::<Option<_>>()?))
    });
    flags.collect()
}

impl Line {
    /// The line of a client's command, completed with the flags of the daemon. The environment of
    /// the daemon, which is not that of the client, completes nothing else.
    pub(crate) fn of_client(
        program: Program,
        arguments: Vec<String>,
        flags: &[(String, Vec<String>)],
    ) -> Result<Self, ParseError> {
        let ids: Vec<(String, &Vec<String>)> = flags
            .iter()
            .map(|(id, values)| (id.clone(), values))
            .collect();
        let command = (program.definition)().mut_subcommands(|subcommand| {
            let uses = (program.uses_settings)(subcommand.get_name());
            let subcommand = without_environment(subcommand);
            if uses {
                set(subcommand, &ids)
            } else {
                subcommand
            }
        });
        let name = std::iter::once(env!("CARGO_PKG_NAME").to_owned());
        let matches = command
            .try_get_matches_from(name.chain(arguments))
            .map_err(ParseError::Usage)?;
        Ok(Self {
            matches,
            file: SettingsFile::default(),
            declared: DeclaredSettings::default(),
        })
    }
}

/// The files and credentials of a command are those of the daemon: a flag that names others is
/// refused, and not ignored.
pub(crate) fn check_source(
    line: &Line,
    flags: &EffectiveFlags,
    source_flags: impl Iterator<Item = String>,
) -> Result<(), CommandFailure> {
    let Some((_, matches)) = line.matches.subcommand() else {
        return Ok(());
    };
    for id in source_flags {
        let given = matches.try_get_raw(&id).ok().flatten();
        let Some(given) = given.filter(|_| is_on_line(matches, &id)) else {
            continue;
        };
        let given: Vec<&str> = given.filter_map(|value| value.to_str()).collect();
        let own = flags.iter().find(|(own, _)| *own == id);
        let own = own.map(|(_, values)| values.as_slice()).unwrap_or_default();
        let is_same = match (id.as_str(), given.as_slice(), own) {
            (DIRECTORY, [given], [own]) => is_same_place(given, own),
            _ => given == own,
        };
        if !is_same {
            let flag = match id.as_str() {
                DIRECTORY => "the directory".to_owned(),
                id => format!("`--{}`", id.replace('_', "-")),
            };
            return Err(CommandFailure::new(
                Exit::Usage,
                format_args!(
                    "{flag} is not that of the daemon, which holds the ledger and carries out \
                     this command"
                ),
                "omit it to use the files and settings of the daemon, or stop the daemon first",
            ));
        }
    }
    Ok(())
}

fn is_on_line(matches: &ArgMatches, id: &str) -> bool {
    matches.value_source(id) == Some(ValueSource::CommandLine)
}

fn is_same_place(one: &str, other: &str) -> bool {
    let place = |path: &str| {
        let path = Path::new(path);
        path.canonicalize().unwrap_or_else(|_| path.to_owned())
    };
    place(one) == place(other)
}
