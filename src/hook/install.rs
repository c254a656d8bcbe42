//! `hook install`: writes the hook, and never over another's.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Ask, Install};
use crate::console::Terminal;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::text::{escaped, shell_word};

/// The name of the hook.
const HOOK: &str = "post-receive";

/// By this line a hook is known as ours.
const OURS: &[u8] = b"# Written by `integrationd hook install`, which may overwrite it.";

pub(crate) fn install(args: &Install, terminal: &Terminal) -> Result<Exit, CommandFailure> {
    let hooks = hooks(&args.repository)?;
    let path = hooks.join(HOOK);
    let found = found(&path)?;
    let said = match (found, args.uninstall) {
        (Found::Foreign, true) => {
            return Err(foreign(
                &path,
                "remove the hook manually if you no longer need it",
            ));
        }
        (Found::Foreign, false) => {
            let help = format!(
                "add this line to the hook: {}",
                String::from_utf8_lossy(&call(&args.ask)?)
            );
            return Err(foreign(&path, &help));
        }
        (Found::Nothing, true) => "No integrationd hook is installed.".to_owned(),
        (Found::Ours, true) => {
            fs::remove_file(&path).map_err(|error| failed("cannot remove", &path, &error))?;
            format!("Removed {}.", path.display())
        }
        (Found::Nothing | Found::Ours, false) => {
            write(&hooks, &path, &script(&args.ask)?)
                .map_err(|error| failed("cannot write", &path, &error))?;
            format!(
                "Installed {}: pushes trigger a run of the daemon.",
                path.display()
            )
        }
    };
    terminal.out(&format!("{}\n", escaped(&said)));
    Ok(Exit::Success)
}

/// Directory of the hooks of a bare repository; `core.hooksPath` may change it.
fn hooks(repository: &Path) -> Result<PathBuf, CommandFailure> {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("--git-dir").arg(repository).arg("rev-parse");
        let output = command.args(arguments).output();
        let output = output.map_err(|error| format!("cannot run git: {error}"))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(text(&output.stderr))
        }
    };
    let place = repository.display();
    let unusable = |why: String| {
        let what = format!("cannot use {place}: {why}");
        CommandFailure::new(
            Exit::Usage,
            what,
            "give the path of a bare repository on this machine",
        )
    };
    match git(&["--is-bare-repository"]).map_err(unusable)?.as_str() {
        "true" => {}
        _ => return Err(unusable("it is not a bare repository".to_owned())),
    }
    let path = git(&["--path-format=absolute", "--git-path", "hooks"]);
    path.map(PathBuf::from).map_err(unusable)
}

enum Found {
    Nothing,
    Ours,
    Foreign,
}

/// Existing hook. A link points to a file of another installer.
fn found(path: &Path) -> Result<Found, CommandFailure> {
    let unread = |error: io::Error| failed("cannot read", path, &error);
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(unread(error)),
        Ok(found) if !found.is_file() => return Ok(Found::Foreign),
        Ok(_) => {}
    }
    let content = fs::read(path).map_err(unread)?;
    let mut lines = content.split(|byte| *byte == b'\n');
    Ok(match lines.any(|line| line == OURS) {
        true => Found::Ours,
        false => Found::Foreign,
    })
}

/// The whole of it at once: a push may come at any moment.
fn write(hooks: &Path, path: &Path, script: &[u8]) -> io::Result<()> {
    fs::create_dir_all(hooks)?;
    let draft = path.with_extension("integrationd-draft");
    // What an installation that was cut off has left.
    let _absent = fs::remove_file(&draft);
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o700)
        .open(&draft)?;
    file.write_all(script)?;
    // Users who push run it: it contains no secret.
    file.set_permissions(fs::Permissions::from_mode(0o755))?;
    fs::rename(&draft, path)
}

fn script(args: &Ask) -> Result<Vec<u8>, CommandFailure> {
    let call = call(args)?;
    Ok([b"#!/bin/sh\n", OURS, b"\nexec ", &call, b"\n"].concat())
}

/// The command, as a shell reads it.
fn call(args: &Ask) -> Result<Vec<u8>, CommandFailure> {
    let Ask {
        socket,
        branch,
        timeout,
    } = args;
    let own = std::env::current_exe();
    let own = own.map_err(|error| {
        let what = format!("cannot determine the path of this program: {error}");
        CommandFailure::new(Exit::Failed, what, "check that /proc is mounted")
    })?;
    let socket = std::path::absolute(socket).unwrap_or_else(|_| socket.clone());
    let mut call = shell_word(own.as_os_str().as_bytes());
    call.extend(b" hook run --socket=");
    call.extend(shell_word(socket.as_os_str().as_bytes()));
    call.extend(format!(" --timeout={}ms", timeout.as_millis()).bytes());
    if let Some(branch) = branch {
        call.extend(b" --branch=");
        call.extend(shell_word(branch.as_bytes()));
    }
    Ok(call)
}

fn foreign(path: &Path, help: &str) -> CommandFailure {
    let what = format!(
        "{} exists and was not installed by integrationd",
        path.display()
    );
    CommandFailure::new(Exit::Failed, what, help)
}

fn failed(what: &str, path: &Path, error: &io::Error) -> CommandFailure {
    let what = format!("{what} {}: {error}", path.display());
    CommandFailure::new(
        Exit::Failed,
        what,
        "run the command as the owner of the repository",
    )
}
