//! The socket for clients on this machine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::daemon::socket::{Socket, SocketError};
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::settings::daemon::{NO_SOCKET, SocketSettings, control_path};
use crate::text::chain;

/// The name of the socket in the directory that systemd makes.
const NAME: &str = "integrationd.sock";

/// File with the names of users.
const USERS: &str = "/etc/passwd";

/// User id that the kernel shows for all users that it cannot map, and that belongs to no real
/// user.
const NOBODY: u32 = 65_534;

/// Sockets for clients on this machine.
pub(super) struct BoundSockets {
    /// A client that connects triggers a run.
    pub(super) triggers: Socket,
    /// A client sends a request, as root or the daemon's own user.
    pub(super) control: Socket,
}

/// Binds the sockets, if there are to be any.
pub(super) fn bind(settings: &SocketSettings) -> Result<Option<BoundSockets>, CommandFailure> {
    let Some(path) = path(
        settings.path.as_deref(),
        std::env::var_os("RUNTIME_DIRECTORY"),
    ) else {
        return Ok(None);
    };
    let users = numbers(&settings.users)?;
    Ok(Some(BoundSockets {
        triggers: Socket::bind(&path, &users)?,
        control: Socket::bind(&control_path(&path), &[])?,
    }))
}

/// Checks that the permitted users can be identified. Only the service may know the path of the
/// socket.
pub(super) fn check(settings: &SocketSettings) -> Result<(), CommandFailure> {
    if settings.path.as_deref() == Some(Path::new(NO_SOCKET)) {
        return Ok(());
    }
    numbers(&settings.users).map(drop)
}

fn path(flag: Option<&Path>, runtime: Option<OsString>) -> Option<PathBuf> {
    match flag {
        Some(path) if path == Path::new(NO_SOCKET) => None,
        Some(path) => Some(path.to_owned()),
        None => {
            // Several are separated by colons; the first is the main one.
            let first = std::env::split_paths(&runtime?).next()?;
            (!first.as_os_str().is_empty()).then(|| first.join(NAME))
        }
    }
}

fn numbers(names: &[String]) -> Result<Vec<u32>, CommandFailure> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let users = std::fs::read_to_string(USERS).unwrap_or_default();
    let map = std::fs::read_to_string("/proc/self/uid_map").ok();
    let number = |name: &String| {
        let number = number(name, &users)?;
        if map.as_deref().is_some_and(|map| !is_mapped(number, map)) {
            let what = format!(
                "the user in `--socket-user {name}` cannot be identified in this user namespace"
            );
            let help = "set PrivateUsers=no in the systemd unit, so that the process has no user \
                namespace of its own";
            return Err(CommandFailure::new(Exit::InvalidSettings, what, help));
        }
        Ok(number)
    };
    names.iter().map(number).collect()
}

/// The number of a user, by a list in the form of passwd(5).
fn number(name: &str, users: &str) -> Result<u32, CommandFailure> {
    let named = || {
        let mut lines = users.lines().map(|line| line.split(':'));
        let mut fields = lines.find_map(|mut fields| (fields.next()? == name).then_some(fields))?;
        fields.nth(1)?.parse().ok()
    };
    match name.parse().ok().or_else(named) {
        Some(NOBODY) => Err(CommandFailure::new(
            Exit::InvalidSettings,
            format_args!(
                "`--socket-user {name}` would match every user that the kernel cannot \
                identify"
            ),
            "give the name or number of the user who pushes",
        )),
        Some(number) => Ok(number),
        None => Err(CommandFailure::new(
            Exit::InvalidSettings,
            format_args!("`--socket-user {name}`: no such user in {USERS}"),
            "give the number that `id -u` prints for the user",
        )),
    }
}

/// True if a number means the same user inside and outside of the namespace, by uid_map
/// (user_namespaces(7)): the kernel shows any other as the overflow user.
fn is_mapped(number: u32, map: &str) -> bool {
    let mut ranges = map.lines().filter_map(|line| {
        let mut numbers = line.split_whitespace().map(str::parse::<u64>);
        Some((numbers.next()?.ok()?, numbers.nth(1)?.ok()?))
    });
    ranges.any(|(first, count)| (first..first + count).contains(&u64::from(number)))
}

impl From<SocketError> for CommandFailure {
    fn from(error: SocketError) -> Self {
        Self::new(Exit::Failed, chain(&error), error.help())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_where_the_flag_says_or_where_systemd_made_room() {
        let runtime = || Some(OsString::from("/run/integrationd:/run/other"));
        let default = Some(PathBuf::from("/run/integrationd/integrationd.sock"));
        assert_eq!(path(None, runtime()), default);
        assert_eq!(path(None, None), None);
        assert_eq!(path(None, Some(OsString::new())), None);
        assert_eq!(path(Some(Path::new("none")), runtime()), None);
        assert_eq!(path(Some(Path::new("/s")), runtime()), Some("/s".into()));
    }

    #[test]
    fn user_has_a_name_or_a_number_and_is_not_the_overflow_user() {
        let users = "root:x:0:0::/root:/bin/sh\ngit:x:997:997::/srv/git:/bin/sh\n\
                     nobody:x:65534:65534::/:/bin/false\n";
        let number = |name| number(name, users).ok();
        assert_eq!(number("git"), Some(997));
        assert_eq!(number("1234"), Some(1234));
        for wrong in ["gi", "nobody", "65534", "-1", "4294967296", ""] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn few_users_are_known_in_a_user_namespace() {
        let all = "         0          0 4294967295\n";
        let few = "         0          0          1\n       997        997          1\n";
        assert!(is_mapped(1234, all) && is_mapped(0, few) && is_mapped(997, few));
        assert!(!is_mapped(998, few) && !is_mapped(1234, "") && !is_mapped(1, "x y"));
    }
}
