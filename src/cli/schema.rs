//! `schema`: the JSON Schema of integration files.

use clap::Args;

use super::args::ReferenceArgs;
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::manifest::{meant_platform, schema};
use crate::platform::{PLATFORMS, Platform};
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::text::escaped;

/// Print the JSON Schema of integration files, for an editor
#[derive(Debug, Args)]
#[command(after_help = help::SCHEMA)]
pub(super) struct SchemaArgs {
    /// Integration type, as in the field `type` of a file (case-insensitive) [default: all types]
    #[arg(value_name = "TYPE")]
    pub type_name: Option<String>,
}

impl CommandArgs for SchemaArgs {
    const USES_SETTINGS: bool = false;

    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        None
    }

    async fn run(self, context: CommandContext<'_>) -> Result<Exit, CommandFailure> {
        let document = match &self.type_name {
            None => schema(PLATFORMS),
            Some(name) => schema(&[platform(name)?]),
        };
        context.terminal.out_unfolded(&format!("{document:#}\n"));
        Ok(Exit::Success)
    }
}

fn platform(name: &str) -> Result<&'static Platform, CommandFailure> {
    let found = PLATFORMS
        .iter()
        .copied()
        .find(|p| p.wire.eq_ignore_ascii_case(name));
    found.ok_or_else(|| {
        let help = match meant_platform(PLATFORMS, name) {
            Some(platform) => format!("did you mean `{}`?", platform.wire),
            None => {
                let types: Vec<&str> = PLATFORMS.iter().map(|platform| platform.wire).collect();
                format!("use one of the types {}", types.join(", "))
            }
        };
        let what = format_args!("there is no integration type `{}`", escaped(name));
        CommandFailure::new(Exit::Usage, what, help)
    })
}
