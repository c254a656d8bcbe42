//! Words around the script of a manual set-up.

use super::exit::Exit;
use super::failure::CommandFailure;
use crate::follow_up::command;
use crate::plan::{Action, Block, Undeletable, needed_scripts, script_command, scripts_need_file};
use crate::platform::{AttributePath, ScriptKind};
use crate::session::script::{AfterScript, ScriptError, ScriptRefusal, ScriptResult};
use crate::text::{chain, escaped};

/// The way to scripts that are made from a file that is gone.
#[must_use]
pub(super) fn remedy(action: &Action) -> Option<String> {
    if !scripts_need_file(action) {
        return None;
    }
    let kinds = needed_scripts(action);
    if kinds.is_empty() {
        return None;
    }
    let (name, commands) = (&action.name, commands(&action.name, &kinds));
    let scripts = script_noun(kinds.len());
    Some(format!(
        "restore the file of {name}, run the {scripts} of {commands}, and remove the file again"
    ))
}

/// The commands for scripts of these kinds.
fn commands(name: &str, kinds: &[ScriptKind]) -> String {
    let command = script_command(name);
    let commands = kinds
        .iter()
        .map(|kind| format!("`{command} --kind {kind}`"));
    commands.collect::<Vec<_>>().join(", ")
}

fn script_noun(count: usize) -> &'static str {
    if count == 1 { "script" } else { "scripts" }
}

/// The line of a plan about the scripts that an action needs.
#[must_use]
pub(super) fn needed(action: &Action) -> Option<String> {
    if let Some(remedy) = remedy(action) {
        return Some(format!("before this, {remedy}"));
    }
    let scripts = match needed_scripts(action).len() {
        0 => return None,
        count => script_noun(count),
    };
    let script = script_command(&action.name);
    Some(format!("before this, run the {scripts} of: {script}"))
}

/// The place for a run of the script, and the next step. Without a script: the reason.
#[must_use]
pub fn next_steps(result: &ScriptResult) -> String {
    let name = &result.name;
    let Some((kind, _)) = &result.script else {
        let paths: Vec<&str> = result
            .not_compared
            .iter()
            .map(AttributePath::as_str)
            .collect();
        if let Some(reason) = &result.missing {
            return format!(
                "{name} needs no script as far as it was compared with its file: {}\n",
                escaped(reason)
            );
        }
        if paths.is_empty() {
            return format!("{name} matches its file and needs no script\n");
        }
        return format!(
            "{name} needs no script as far as it was compared with its file: the server does not \
            return {}, and integrationd did not send it\n",
            paths.join(", ")
        );
    };
    let run = result.platform.scripts.run;
    format!(
        "{kind} script of {name}: run it {run}\n{}\n",
        next(name, &result.next)
    )
}

fn next(name: &str, next: &AfterScript) -> String {
    let sync = command("sync", &[]);
    let removal = format!(
        "run `{}`, which deletes the integration",
        command("sync", &["--policy", "sync"])
    );
    match next {
        AfterScript::Script(kind) => format!("then run `{} --kind {kind}`", script_command(name)),
        AfterScript::Sync => format!("then run `{sync}`"),
        AfterScript::Removal => format!("then {removal}"),
        AfterScript::FileRemoval => format!("then remove the file of {name} and {removal}"),
        AfterScript::ForeignRemoval(id) => format!(
            "then remove the file of {name}, and delete integration {} in Immuta: integrationd \
            neither created nor adopted it",
            escaped(id.as_str())
        ),
        AfterScript::Replacement => format!(
            "then run `{}`, which deletes and recreates the integration",
            command("sync", &["--allow-replace", name])
        ),
        AfterScript::Restart => {
            format!("then run `{}` to start again", script_command(name))
        }
        AfterScript::Nothing => format!(
            "{name} already exists, so no sync needs this script: run it only to restore resources"
        ),
        AfterScript::Suspended(suspend) => format!(
            "{name} is suspended, so `{sync}` changes nothing now: {}",
            escaped(&suspend.to_string())
        ),
        AfterScript::Blocked(block) => format!(
            "{name} is blocked, so `{sync}` changes nothing now: {}",
            escaped(&block.to_string())
        ),
    }
}

impl From<ScriptError> for CommandFailure {
    fn from(error: ScriptError) -> Self {
        match error {
            ScriptError::Open(error) => error.into(),
            ScriptError::Sync(error) => error.into(),
            ScriptError::Fetch(error) => error.into(),
            ScriptError::Refused(refusal) => refusal.into(),
            ScriptError::Unknown { .. }
            | ScriptError::Automatic(_)
            | ScriptError::AutomaticPart { .. }
            | ScriptError::NoScripts { .. }
            | ScriptError::NoSuchScript { .. }
            | ScriptError::NotLive { .. }
            | ScriptError::NotDescribed { .. }
            | ScriptError::Changed { .. }
            | ScriptError::MissingSecret { .. }
            | ScriptError::Unbound(_) => Self::new(
                Exit::Failed,
                chain(&error),
                remedy_of(&error).unwrap_or_default(),
            ),
        }
    }
}

/// The remedy; `None` for an error that has its own.
fn remedy_of(error: &ScriptError) -> Option<String> {
    Some(match error {
        ScriptError::Open(_)
        | ScriptError::Sync(_)
        | ScriptError::Fetch(_)
        | ScriptError::Refused(_) => return None,
        ScriptError::Unknown {
            near: Some(near), ..
        } => format!("did you mean `{near}`?"),
        ScriptError::Unknown { near: None, .. } => format!(
            "run `{}` to see the names in the files",
            command("validate", &["-o", "json"])
        ),
        ScriptError::Automatic(_) => format!(
            "run `{}`: only integrations with `autoBootstrap: false` have scripts",
            command("sync", &[])
        ),
        ScriptError::AutomaticPart { name, .. } => {
            format!(
                "run `{}` to see which scripts are needed",
                script_command(name)
            )
        }
        ScriptError::NoScripts {
            name,
            has_snippet: true,
            ..
        } => format!(
            "run `{}` to get the configuration of the cluster",
            command("snippet", &[name])
        ),
        ScriptError::NoScripts { .. } => {
            "set the platform up by hand as Immuta's documentation describes".to_owned()
        }
        ScriptError::NoSuchScript { kinds, .. } => {
            let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
            format!(
                "give one of these kinds with `--kind`: {}",
                words.join(", ")
            )
        }
        ScriptError::NotLive { name, .. } => format!(
            "run `{}` to get the script that is needed now",
            script_command(name)
        ),
        ScriptError::NotDescribed {
            name,
            creation_failed: true,
            ..
        } => restoration(name),
        ScriptError::NotDescribed { .. } => {
            "use `--kind delete`: an integration without a file has no other script".to_owned()
        }
        ScriptError::Changed { .. } => "try again".to_owned(),
        ScriptError::MissingSecret { .. } => "provide the secret, then try again".to_owned(),
        ScriptError::Unbound(unbound) => unbound.allowed.clone(),
    })
}

impl From<ScriptRefusal> for CommandFailure {
    fn from(refusal: ScriptRefusal) -> Self {
        let is_about_files = |block: &Block| {
            matches!(
                block,
                Block::InvalidFile | Block::NotDeleted(Undeletable::Frozen { .. })
            )
        };
        let exit = match &refusal {
            ScriptRefusal::Blocked { block, .. } if is_about_files(block) => Exit::InvalidFile,
            ScriptRefusal::Blocked { .. }
            | ScriptRefusal::Replacement { .. }
            | ScriptRefusal::Suspended { .. }
            | ScriptRefusal::NotOwned(_)
            | ScriptRefusal::CreationFailed { .. }
            | ScriptRefusal::InUse { .. }
            | ScriptRefusal::NoFiles(_) => Exit::Failed,
        };
        Self::new(exit, chain(&refusal), help(&refusal))
    }
}

/// Help for the cleanup of a failed creation whose file is gone.
fn restoration(name: &str) -> String {
    format!(
        "restore the file of {name}, because the cleanup script is made from it; then run {}",
        commands(name, &[ScriptKind::Cleanup])
    )
}

fn help(refusal: &ScriptRefusal) -> String {
    match refusal {
        ScriptRefusal::Blocked {
            block,
            offers_delete: true,
            ..
        } => format!(
            "{}; or, if the integration is to be deleted, use `--kind delete`",
            block.help()
        ),
        ScriptRefusal::Blocked {
            block,
            is_described: true,
            ..
        } if matches!(**block, Block::NotDeleted(Undeletable::Protected { .. })) => {
            "to delete the integration, remove `sync.protect` from the file and sync once"
                .to_owned()
        }
        ScriptRefusal::Blocked { block, .. } => block.help(),
        ScriptRefusal::Replacement { name, kinds } => {
            let (scripts, commands) = (script_noun(kinds.len()), commands(name, kinds));
            format!(
                "to replace it, run the {scripts} of {commands}, then run `{}`; to keep it, change \
                the file back",
                command("sync", &["--allow-replace", name])
            )
        }
        ScriptRefusal::Suspended { .. } => "end the suspension first, then try again".to_owned(),
        ScriptRefusal::NotOwned(_) => {
            "delete the integration in Immuta, or describe it in a file again".to_owned()
        }
        ScriptRefusal::CreationFailed {
            name,
            is_described: true,
            ..
        } => format!("run {}", commands(name, &[ScriptKind::Cleanup])),
        ScriptRefusal::CreationFailed { name, .. } => restoration(name),
        ScriptRefusal::InUse { name, .. } => format!(
            "to remove the integration and its resources, run `{} --kind delete`",
            script_command(name)
        ),
        ScriptRefusal::NoFiles(_) => "check `--dir`, or choose a script with `--kind`".to_owned(),
    }
}
