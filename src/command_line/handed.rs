//! The command line of a client that the daemon carries out: encoded by the client, and
//! completed and checked by the daemon.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::{Line, ParseError, Program, set, without_environment};
use crate::manifest::DeclaredSettings;
use crate::regular::is_same_place;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::settings::daemon::SettingsFile;

/// Flags that are about the client: the daemon has a ledger, a tenant and credentials of its own.
const OF_CLIENT: &[&str] = &["state", "url", "socket", "standalone"];

/// Flags that decide which files and variables count. Their environment variables are for the
/// daemon too: it refuses others than its own, because the client expects them to be applied.
/// Those of credentials are about the client.
const OF_FILES: &[&str] = &[
    DIRECTORY,
    "var",
    "var_file",
    "secret_root",
    "allow_secret",
    REPOSITORY,
    "git_branch",
    "git_tag",
    "git_commit",
    "git_directory",
];

/// The directory of integration files.
const DIRECTORY: &str = "dir";

/// Arguments that are paths on the machine of both: the directory, and the document of an
/// approved plan.
const PATHS: [&str; 2] = [DIRECTORY, "approved"];

/// The repository that takes the place of the directory.
const REPOSITORY: &str = "git";

/// The flags in effect in a daemon, by the name of the argument.
pub(crate) type EffectiveFlags = Vec<(String, Vec<String>)>;

/// The command and the flags that were given for it, which are for the daemon.
/// Flags about credentials count only on the line: in the environment, they are about this
/// process.
pub(crate) fn arguments(
    line: &Line,
    program: Program,
    source_flags: impl Iterator<Item = String>,
) -> Result<Vec<String>, CommandFailure> {
    let source_flags: BTreeSet<String> = source_flags.collect();
    let mut program = (program.definition)();
    program.build();
    let Some((name, matches)) = line.matches.subcommand() else {
        return Ok(Vec::new());
    };
    let mut arguments = vec![name.to_owned()];
    let mut positional = Vec::new();
    let of_command = program.find_subcommand(name);
    for arg in of_command.into_iter().flat_map(Command::get_arguments) {
        let id = arg.get_id().as_str();
        let is_source = source_flags.contains(id);
        if !is_for_daemon(arg, is_source, matches) {
            continue;
        }
        let values = |id| {
            values(
                id,
                is_source && arg.get_possible_values().is_empty(),
                matches,
            )
        };
        match arg.get_long() {
            Some(long) if matches!(arg.get_action(), ArgAction::SetTrue) => {
                arguments.extend(matches.get_flag(id).then(|| format!("--{long}")));
            }
            Some(long) => {
                let values = values(id)?.into_iter();
                arguments.extend(values.map(|value| format!("--{long}={value}")));
            }
            None => positional.extend(values(id)?),
        }
    }
    arguments.push("--".to_owned());
    arguments.extend(positional);
    Ok(arguments)
}

fn is_for_daemon(arg: &Arg, is_source: bool, matches: &ArgMatches) -> bool {
    let id = arg.get_id().as_str();
    let source = matches.try_get_raw(id).ok().flatten();
    let source = source.and_then(|_| matches.value_source(id));
    let is_given = match source {
        Some(ValueSource::CommandLine) => true,
        Some(ValueSource::EnvVariable) => !is_source || OF_FILES.contains(&id),
        Some(_) | None => false,
    };
    is_given && !arg.is_global_set() && !OF_CLIENT.contains(&id)
}

/// The values of an argument. The daemon may have another working directory.
fn values(
    id: &str,
    may_be_path: bool,
    matches: &ArgMatches,
) -> Result<Vec<String>, CommandFailure> {
    let raw = matches.get_raw(id).into_iter().flatten();
    let values = raw.map(|value| {
        let is_path = PATHS.contains(&id) || (may_be_path && Path::new(value).exists());
        let path = is_path.then(|| std::path::absolute(value).ok());
        let value = path.flatten().map_or(value.to_owned(), OsString::from);
        value.into_string().map_err(|value| {
            CommandFailure::new(
                Exit::Usage,
                format_args!("the value {} is not valid UTF-8", value.display()),
                "the daemon that holds the ledger accepts only UTF-8: change the value, or stop \
                the daemon",
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
        let own = values_of(&id, flags);
        let is_unused = id == DIRECTORY && !values_of(REPOSITORY, flags).is_empty();
        let is_same_value = |(given, own): (&&str, &String)| {
            given == own || is_same_place(Path::new(given), Path::new(own))
        };
        let is_same =
            !is_unused && given.len() == own.len() && given.iter().zip(own).all(is_same_value);
        if !is_same {
            let flag = match id.as_str() {
                DIRECTORY => "the directory".to_owned(),
                id => format!("`--{}`", id.replace('_', "-")),
            };
            return Err(CommandFailure::new(
                Exit::Usage,
                format_args!(
                    "{flag} differs from the setting of the daemon, which holds the ledger and \
                     carries out this command"
                ),
                "omit this argument, or unset its variable, to use the daemon's setting; or stop the \
                 daemon first",
            ));
        }
    }
    Ok(())
}

fn values_of<'f>(id: &str, flags: &'f EffectiveFlags) -> &'f [String] {
    let own = flags.iter().find(|(own, _)| own == id);
    own.map(|(_, values)| values.as_slice()).unwrap_or_default()
}

fn is_on_line(matches: &ArgMatches, id: &str) -> bool {
    matches.value_source(id) == Some(ValueSource::CommandLine)
}
