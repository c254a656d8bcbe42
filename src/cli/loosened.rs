//! Protection that new settings would take away.
//!
//! A settings file that lost its lines, by a full disk or a save that is not atomic, is
//! read like any other: its protections are gone, and nothing about it is wrong. So a
//! reload never loosens anything; a restart does, by an operator who means it.
//!
//! A protection that is no longer there counts, and so does a value that allows more than
//! before. A line that was added does not count: no accident adds one, and an operator
//! who adds a name means it. What cannot change in a reload at all (the tenant, the
//! state, listeners, notifications) is refused before.
//!
//! All settings are destructured: a new one does not compile without a decision.

use std::path::{Path, PathBuf};

use super::args::{Conflict, ConnectionArgs, DaemonArgs, Drift, FilesArgs, RunArgs};
use super::git::{GitArgs, Rewrite, Verify};
use super::guard::{GuardArgs, PolicyArg};
use super::secrets::ReferenceArgs;
use crate::sync::LookForConnections;

/// Protections that `old` gives and `new` takes away, each in a few words.
pub(super) fn loosened(old: &DaemonArgs, new: &DaemonArgs) -> Vec<String> {
    let DaemonArgs {
        // When to look; how often decides nothing about what is done.
        interval: _,
        debounce: _,
        poll: _,
        // Fixed.
        listen: _,
        notify: _,
        push: _,
        settings_file: _,
        run,
    } = new;
    let RunArgs {
        files,
        git,
        only,
        exclude,
        // How fast.
        parallelism: _,
        wait_timeout: _,
        // Fixed.
        state: _,
        on_drift,
        on_conflict,
        guard,
        connection,
        // Where secrets come from; where they may go says `allow-secret`.
        vault: _,
    } = &**run;
    let before = &*old.run;
    let mut found = Vec::new();
    of_files(&before.files, files, &mut found);
    of_git(&before.git, git, &mut found);
    if !before.only.is_empty() && only.is_empty() {
        found.push("`only` is gone".to_owned());
    }
    lost("exclude", &before.exclude, exclude, &mut found);
    of_roots(&before.files, files, &mut found);
    if writes(*on_drift) && !writes(before.on_drift) {
        found.push("`on-drift` becomes `apply`".to_owned());
    }
    if matches!(
        (before.on_conflict, on_conflict),
        (Conflict::Stop, Conflict::Apply)
    ) {
        found.push("`on-conflict` becomes `apply`".to_owned());
    }
    of_guard(&before.guard, guard, &mut found);
    let ConnectionArgs {
        // Fixed.
        url: _,
        // Who asks, and whom else is trusted to be the tenant: added by a person.
        api_key_file: _,
        auth: _,
        ca_file: _,
    } = connection;
    found
}

fn of_files(old: &FilesArgs, new: &FilesArgs, found: &mut Vec<String>) {
    let FilesArgs {
        // What is applied, not how far it may go.
        dir: _,
        var: _,
        references,
    } = new;
    let ReferenceArgs {
        allow_secret,
        // Compared with the directory, in `of_roots`.
        secret_root: _,
        // They follow from the other settings.
        own_files: _,
    } = references;
    for binding in &old.references.allow_secret {
        if !allow_secret.contains(binding) {
            found.push(format!("`allow-secret` loses {binding}"));
        }
    }
}

fn of_git(old: &GitArgs, new: &GitArgs, found: &mut Vec<String>) {
    let GitArgs {
        git,
        git_branch,
        git_tag,
        git_commit,
        // Where in it, and how to log in.
        git_directory: _,
        git_auth: _,
        git_user: _,
        git_token_file: _,
        git_ca_file: _,
        git_ssh_key: _,
        git_known_hosts,
        git_verify,
        // Whose signatures count: their content may change at any time.
        git_allowed_signers: _,
        git_openpgp_key: _,
        git_revoked_keys,
        git_allow_rewrite,
    } = new;
    if old.git.is_some() && git.is_none() {
        // Without it signatures, pins and rewrites mean nothing.
        found.push("`git` is gone, and a directory would be read instead".to_owned());
        return;
    }
    let is_pinned = git_commit.is_some();
    let is_tag_or_commit = is_pinned || git_tag.is_some();
    let is_named = is_tag_or_commit || git_branch.is_some();
    gone("git-commit", old.git_commit.is_some(), is_pinned, found);
    gone("git-tag", old.git_tag.is_some(), is_tag_or_commit, found);
    gone("git-branch", old.git_branch.is_some(), is_named, found);
    let (was_known, is_known) = (old.git_known_hosts.is_some(), git_known_hosts.is_some());
    gone("git-known-hosts", was_known, is_known, found);
    let (was_revoked, is_revoked) = (old.git_revoked_keys.is_some(), git_revoked_keys.is_some());
    gone("git-revoked-keys", was_revoked, is_revoked, found);
    if asks_for_fewer(old.git_verify, *git_verify) {
        found.push("`git-verify` asks for fewer signatures".to_owned());
    }
    if *git_allow_rewrite == Rewrite::Anything && old.git_allow_rewrite != Rewrite::Anything {
        found.push("`git-allow-rewrite` becomes `true`".to_owned());
    }
}

/// Adds a protection that was set, if neither it nor a stronger one is set now.
fn gone(key: &str, was_set: bool, is_set: bool, found: &mut Vec<String>) {
    if was_set && !is_set {
        found.push(format!("`{key}` is gone"));
    }
}

fn asks_for_fewer(old: Verify, new: Verify) -> bool {
    fn of_head_and_tag(verify: Verify) -> (bool, bool) {
        match verify {
            Verify::None => (false, false),
            Verify::Head => (true, false),
            Verify::Tag => (false, true),
            Verify::TagAndHead => (true, true),
        }
    }
    let ((old_head, old_tag), (new_head, new_tag)) = (of_head_and_tag(old), of_head_and_tag(new));
    (old_head && !new_head) || (old_tag && !new_tag)
}

/// Adds the directories in which secrets may be read now, but not before. Without a root
/// it is the directory of the files.
fn of_roots(old: &FilesArgs, new: &FilesArgs, found: &mut Vec<String>) {
    fn effective<'a>(roots: &'a [PathBuf], dir: &'a Path) -> Vec<&'a Path> {
        match roots {
            [] => vec![dir],
            roots => roots.iter().map(PathBuf::as_path).collect(),
        }
    }
    // The directory may change, and its root with it.
    let (old_roots, new_roots) = (&old.references.secret_root, &new.references.secret_root);
    if old_roots.is_empty() && new_roots.is_empty() {
        return;
    }
    let before = effective(old_roots, &old.dir);
    for root in effective(new_roots, &new.dir) {
        if !before.iter().any(|allowed| root.starts_with(allowed)) {
            found.push(format!("`secret-root` lets {} be read", root.display()));
        }
    }
}

fn of_guard(old: &GuardArgs, new: &GuardArgs, found: &mut Vec<String>) {
    let GuardArgs {
        policy,
        max_changes: _,
        max_change_percent: _,
        max_deletes: _,
        max_delete_percent: _,
        // By name: an operator who adds one means it.
        allow_replace: _,
        allow_removal: _,
        // The form of a request.
        delete_credentials: _,
        connections,
    } = new;
    if connections.look() == LookForConnections::None
        && old.connections.look() != connections.look()
    {
        found.push("`connections` are no longer looked for".to_owned());
    }
    if reach(*policy) > reach(old.policy) {
        let (from, to) = (old.policy().as_str(), new.policy().as_str());
        found.push(format!("`policy` goes from `{from}` to `{to}`"));
    }
    let (before, after) = (old.limits(), new.limits());
    for (key, is_wider) in [
        ("max-changes", after.changes.most_is_wider(before.changes)),
        (
            "max-change-percent",
            after.changes.share.is_wider(before.changes.share),
        ),
        ("max-deletes", after.deletes.most_is_wider(before.deletes)),
        (
            "max-delete-percent",
            after.deletes.share.is_wider(before.deletes.share),
        ),
    ] {
        if is_wider {
            found.push(format!("`{key}` allows more"));
        }
    }
}

/// Rank of a policy: a higher one allows more.
fn reach(policy: PolicyArg) -> u8 {
    match policy {
        PolicyArg::Observe => 0,
        PolicyArg::CreateOnly => 1,
        PolicyArg::UpsertOnly => 2,
        PolicyArg::Sync => 3,
    }
}

fn writes(on_drift: Drift) -> bool {
    match on_drift {
        Drift::Apply => true,
        Drift::Report | Drift::Ignore => false,
    }
}

/// Names that are no longer in a list.
fn lost(key: &str, old: &[String], new: &[String], found: &mut Vec<String>) {
    for name in old.iter().filter(|name| !new.contains(name)) {
        found.push(format!("`{key}` loses {name}"));
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::Parser;

    use super::super::args::{Cli, Command};
    use super::*;

    fn daemon(line: &str) -> DaemonArgs {
        let words = ["integrationd", "daemon"].into_iter();
        let words = words.chain(line.split_whitespace()).map(OsString::from);
        let Command::Daemon(args) = Cli::parse_from(words).command else {
            panic!("another command")
        };
        *args
    }

    /// Protections that are loosened from one line to the other. The way back loosens
    /// nothing.
    fn between(old: &str, new: &str) -> String {
        let (old, new) = (daemon(old), daemon(new));
        assert_eq!(loosened(&new, &old), [""; 0]);
        loosened(&old, &new).join("; ")
    }

    /// Settings before and after, and what is loosened.
    const LOOSENED: &[(&str, &str, &str)] = &[
        ("--allow-secret env:A=*", "", "`allow-secret` loses env:A=*"),
        (
            "--allow-secret env:A=* --allow-secret env:B",
            "--allow-secret env:B",
            "`allow-secret` loses env:A=*",
        ),
        (
            "--policy create-only",
            "",
            "`policy` goes from `create-only` to `upsert-only`",
        ),
        (
            "",
            "--policy sync",
            "`policy` goes from `upsert-only` to `sync`",
        ),
        ("--max-changes 5", "", "`max-changes` allows more"),
        (
            "--max-changes 5",
            "--max-changes 6",
            "`max-changes` allows more",
        ),
        (
            "--max-change-percent 5",
            "",
            "`max-change-percent` allows more",
        ),
        (
            "",
            "--connections none",
            "`connections` are no longer looked for",
        ),
        ("--max-deletes 0", "", "`max-deletes` allows more"),
        (
            "",
            "--max-delete-percent 100",
            "`max-delete-percent` allows more",
        ),
        (
            "--max-delete-percent 10",
            "",
            "`max-delete-percent` allows more",
        ),
        ("--only a", "", "`only` is gone"),
        ("--exclude a,b", "--exclude b", "`exclude` loses a"),
        ("--on-drift report", "", "`on-drift` becomes `apply`"),
        ("--on-conflict stop", "", "`on-conflict` becomes `apply`"),
        (
            "d --secret-root d/secrets",
            "d",
            "`secret-root` lets d be read",
        ),
        (
            "--git /r --git-verify head",
            "--git /r",
            "`git-verify` asks for fewer signatures",
        ),
        (
            "--git /r --git-verify tag-and-head",
            "--git /r --git-verify head",
            "`git-verify` asks for fewer signatures",
        ),
        (
            "--git /r",
            "",
            "`git` is gone, and a directory would be read instead",
        ),
        ("--git /r --git-tag v1", "--git /r", "`git-tag` is gone"),
        (
            "--git /r --git-branch b",
            "--git /r",
            "`git-branch` is gone",
        ),
        (
            "--git /r --git-known-hosts f",
            "--git /r",
            "`git-known-hosts` is gone",
        ),
        (
            "--git /r --git-revoked-keys f",
            "--git /r",
            "`git-revoked-keys` is gone",
        ),
        (
            "--git /r",
            "--git /r --git-allow-rewrite=true",
            "`git-allow-rewrite` becomes `true`",
        ),
    ];

    #[test]
    fn every_protection_that_goes_is_named() {
        for (old, new, said) in LOOSENED {
            assert_eq!(between(old, new), *said, "{old} -> {new}");
        }
    }

    #[test]
    fn everything_else_may_change() {
        let commit = "--git-commit 2f1c0f2dbd3c2f4d6f8b0a7f6c1f2e3d4c5b6a79";
        for (old, new) in [
            ("", "--interval 1h --debounce 1s --poll 5m --parallelism 9"),
            ("--allow-secret env:A", "--allow-secret env:A,env:B"),
            ("d", "e"),
            ("--var A=1", "--var A=2"),
            ("--only a", "--only a,b"),
            ("--allow-replace a", "--allow-replace a,b"),
            ("--secret-root /s", "--secret-root /s/a --secret-root /s/b"),
            ("--git /r --git-tag v1", &format!("--git /r {commit}")),
            ("--git /r --git-tag v1", "--git /r --git-tag v2"),
            (
                "--git /r --git-openpgp-key a",
                "--git /r --git-openpgp-key b",
            ),
        ] {
            let found = loosened(&daemon(old), &daemon(new));
            assert_eq!(found, [""; 0], "{old} -> {new}");
        }
    }
}
