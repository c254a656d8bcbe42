//! Words around the script of a manual set-up.

use super::exit::Exit;
use super::failure::CommandFailure;
use crate::plan::{Block, ScriptSituation};
use crate::session::script::{ScriptError, ScriptResult};
use crate::text::chain;

/// The place for a run of the script, and the next step. Without a script: the reason.
#[must_use]
pub fn next_steps(result: &ScriptResult) -> String {
    let name = &result.name;
    let Some((kind, _)) = &result.script else {
        return format!("{name} matches its file and needs no script\n");
    };
    let run = result.platform.scripts.run;
    let mut text = format!("{kind} script of {name}: run it {run}\n");
    let next = match (result.next.first(), result.situation) {
        (Some(next), _) => format!("then run `integrationd script {name} --kind {next}`\n"),
        (None, Some(ScriptSituation::Gone)) => {
            "then run `integrationd sync --policy sync`, which deletes the integration\n".to_owned()
        }
        (None, Some(_)) => "then run `integrationd sync`\n".to_owned(),
        (None, None) => String::new(),
    };
    text.push_str(&next);
    text
}

impl From<ScriptError> for CommandFailure {
    fn from(error: ScriptError) -> Self {
        let failed =
            |error: &ScriptError, help: String| Self::new(Exit::Failed, chain(error), help);
        match error {
            ScriptError::Open(error) => error.into(),
            ScriptError::Sync(error) => error.into(),
            ScriptError::Fetch(error) => error.into(),
            ScriptError::Unknown {
                near: Some(ref near),
                ..
            } => failed(&error, format!("did you mean `{near}`?")),
            ScriptError::Unknown { near: None, .. } => failed(
                &error,
                "run `integrationd validate -o json` to see the names in the files".to_owned(),
            ),
            ScriptError::Automatic(_) => failed(
                &error,
                "run `integrationd sync`: only integrations with `autoBootstrap: false` have scripts"
                    .to_owned(),
            ),
            ScriptError::NoScripts(_) => failed(
                &error,
                "set the platform up by hand as Immuta's documentation describes".to_owned(),
            ),
            ScriptError::NoSuchScript { kinds, .. } => {
                let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
                let help = format!("give one of these kinds with `--kind`: {}", words.join(", "));
                failed(&error, help)
            }
            ScriptError::NotLive { .. } => failed(
                &error,
                "run `integrationd script` without `--kind` to get the script that is needed now"
                    .to_owned(),
            ),
            ScriptError::NotDescribed { .. } => failed(
                &error,
                "use `--kind delete`: an integration without a file has no other script".to_owned(),
            ),
            ScriptError::Uncertain(_) => Self::new(
                Exit::InvalidFile,
                chain(&error),
                "fix the errors in the files, or choose a script with `--kind`",
            ),
            ScriptError::NoFiles(_) => {
                failed(&error, "check `--dir`, or choose a script with `--kind`".to_owned())
            }
            ScriptError::Blocked { ref block, .. } if matches!(**block, Block::InvalidFile) => {
                Self::new(Exit::InvalidFile, chain(&error), block.help())
            }
            ScriptError::Blocked { ref block, .. } => failed(
                &error,
                format!("{}; or choose a script with `--kind`", block.help()),
            ),
            ScriptError::MissingSecret { .. } => {
                failed(&error, "provide the secret, then try again".to_owned())
            }
            ScriptError::Unbound(ref unbound) => failed(&error, unbound.allowed.clone()),
        }
    }
}
