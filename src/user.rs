//! The users of this machine: who owns a file, and who asks.

use std::fs;

use rustix::process::geteuid;

use crate::text::escaped;

/// File with the names of users.
const USERS: &str = "/etc/passwd";

/// The user that this process runs as.
pub(crate) fn own() -> u32 {
    geteuid().as_raw()
}

/// True if this user or root owns something: no other user can have put it there.
pub(crate) fn is_own_or_root(owner: u32) -> bool {
    owner == own() || owner == 0
}

/// A user with its name, where it has one.
pub(crate) fn shown(number: u32) -> Box<str> {
    shown_in(number, &fs::read_to_string(USERS).unwrap_or_default())
}

/// A user with the name that a list in the form of passwd(5) has; not all are in one.
fn shown_in(number: u32, users: &str) -> Box<str> {
    let text = number.to_string();
    let mut lines = users.lines().map(|line| line.split(':'));
    let name = lines.find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)? == text).then_some(name)
    });
    let named = name.map(|name| format!("{} ({text})", escaped(name)));
    named.unwrap_or(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_shown_with_a_name_where_there_is_one() {
        let users = "root:x:0:0::/root:/bin/sh\n1000:x:997:997::/srv/git:/bin/sh\nbroken\n";
        assert_eq!(&*shown_in(0, users), "root (0)");
        assert_eq!(&*shown_in(997, users), "1000 (997)");
        assert_eq!(&*shown_in(1000, users), "1000");
    }
}
