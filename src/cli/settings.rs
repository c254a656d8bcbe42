//! `settings`: checks a settings file, or prints its schema.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Args, Subcommand};
use serde_json::{Map, Value as Json, json};

use super::args::ReferenceArgs;
use super::check::check;
use super::command::{CommandArgs, CommandContext};
use super::daemon::DaemonArgs;
use super::failure;
use super::settings_file::{
    CONFIG_VARIABLE, DEFAULT, Line, Program, WHOLE, is_switch, read, settings, takes_several,
};
use crate::manifest::VARIABLES;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::format::OutputFormat;
use crate::text::escaped;

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
        /// File to check [default: the one that the daemon reads]
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Print the JSON Schema of the settings file, for an editor
    Schema,
}

impl CommandArgs for SettingsArgs {
    const USES_SETTINGS: bool = false;

    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        None
    }

    async fn run(self, context: CommandContext<'_>) -> Result<Exit, CommandFailure> {
        run(&self, &context)
    }
}

/// `settings`: checks a file, or prints the schema.
fn run(args: &SettingsArgs, context: &CommandContext<'_>) -> Result<Exit, CommandFailure> {
    let terminal = context.terminal;
    match &args.command {
        SettingsCommand::Check { file } => {
            let path = checked_file(file.as_deref(), context.config)?;
            let declared = read(context.program, Some(path))?;
            check_daemon(path, context)?;
            let path = path.display().to_string();
            terminal.out(&format!("{} is valid.\n", escaped(&path)));
            for (key, values) in declared.flat {
                let values = values.join(", ");
                terminal.out(&format!("  {key} = {}\n", escaped(&values)));
            }
            let variables: Vec<String> = declared.variables.shown().collect();
            if !variables.is_empty() {
                let variables = variables.join(", ");
                terminal.out(&format!("  {VARIABLES} = {}\n", escaped(&variables)));
            }
        }
        SettingsCommand::Schema => {
            terminal.out_unfolded(&format!("{:#}\n", schema(context.program)));
        }
    }
    Ok(Exit::Success)
}

/// The settings file that `settings check` is asked to check.
fn checked_file<'p>(
    file: Option<&'p Path>,
    config: Option<&'p Path>,
) -> Result<&'p Path, CommandFailure> {
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
    Err(CommandFailure::new(
        Exit::Usage,
        what,
        "use only one of them",
    ))
}

/// Reports everything that the daemon would reject in these settings; the last problem is the
/// failure.
fn check_daemon(path: &Path, context: &CommandContext<'_>) -> Result<(), CommandFailure> {
    let line = [env!("CARGO_PKG_NAME"), WHOLE, "--config"].map(OsString::from);
    let line = line.into_iter().chain([path.into()]);
    let line = Line::read(context.program, line, |name| std::env::var_os(name))?;
    let Some(args) = DaemonArgs::of(&line)? else {
        return Ok(());
    };
    let mut refused = check(&args.into());
    let Some(last) = refused.pop() else {
        return Ok(());
    };
    for failure in refused {
        failure::print(&failure, context.terminal, OutputFormat::Text);
    }
    Err(last)
}

/// The JSON Schema of the file.
fn schema(program: Program) -> Json {
    let mut properties: Map<String, Json> = settings(program)
        .into_iter()
        .map(|(key, arg)| (key, property(&arg)))
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
        "description": "Values for `${var:NAME}`, which keep their types",
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
