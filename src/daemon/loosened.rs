//! Protection that new settings would take away.
//!
//! A settings file that lost its lines, by a full disk or a save that is not atomic, is
//! read like any other: its protections are gone, and nothing about it is wrong. So a
//! reload never loosens anything; a restart does, by an operator who means it.
//!
//! A protection that is no longer there counts, and so does a value that allows more than
//! before: what is allowed is compared, not how it is written. A name that was added does
//! not count: no accident adds one, and an operator who adds it means it. What cannot change in a reload at all (the tenant, the
//! state, listeners, notifications) is refused before.
//!
//! All settings are destructured: a new one does not compile without a decision.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::manifest::Name;
use crate::plan::{OnConflict, OnDrift, Policy};
use crate::session::declared_bindings;
use crate::settings::daemon::DaemonSettings;
use crate::settings::run::{
    FileSettings, GitSettings, GuardSettings, Rewrite, RunSettings, TenantSettings,
};
use crate::source::git::VerifyMode;
use crate::sync::LookForConnections;

/// Protections that `old` gives and `new` takes away, each in a few words.
pub(super) fn loosened(old: &DaemonSettings, new: &DaemonSettings) -> Vec<String> {
    let DaemonSettings {
        // When a run begins decides nothing about what it does.
        interval: _,
        debounce: _,
        poll: _,
        // Fixed.
        listen: _,
        notify: _,
        webhook: _,
        socket: _,
        file: _,
        run,
    } = new;
    let RunSettings {
        files,
        git,
        selection,
        // How fast.
        parallelism: _,
        wait_timeout: _,
        // Fixed.
        state: _,
        on_drift,
        on_conflict,
        guard,
        tenant,
        // Where secrets come from; where they may go says `allow-secret`.
        vault: _,
    } = run;
    let before = &old.run;
    let mut found = Vec::new();
    let mut bindings = declared_bindings(run);
    if before.git.is_some() {
        // The removal of `git` is reported on its own.
        bindings = bindings.strict();
    }
    found.extend(declared_bindings(before).widened_by(&bindings));
    of_git(before.git.as_ref(), git.as_ref(), &mut found);
    if !before.selection.only.is_empty() && selection.only.is_empty() {
        found.push("`only` is no longer set".to_owned());
    }
    lost(
        "exclude",
        &before.selection.exclude,
        &selection.exclude,
        &mut found,
    );
    of_files(&before.files, files, &mut found);
    if writes(*on_drift) && !writes(before.on_drift) {
        found.push("`on-drift` changes to `apply`".to_owned());
    }
    if matches!(
        (before.on_conflict, on_conflict),
        (OnConflict::Stop, OnConflict::Apply)
    ) {
        found.push("`on-conflict` changes to `apply`".to_owned());
    }
    of_guard(&before.guard, guard, &mut found);
    let TenantSettings {
        // Fixed.
        url: _,
        // Who asks, and whom else is trusted to be the tenant: added by a person.
        api_key_file: _,
        auth: _,
        ca_files: _,
    } = tenant;
    found
}

fn of_files(old: &FileSettings, new: &FileSettings, found: &mut Vec<String>) {
    let FileSettings {
        // What is applied, not how far it may go.
        dir: _,
        declared_variables: _,
        variable_files: _,
        variables: _,
        denied,
        // Compared as bindings.
        allow_secret: _,
        // Compared by `of_roots`.
        secret_roots: _,
        // They follow from the other settings.
        own_files: _,
    } = new;
    of_roots(old, new, found);
    for warning in old.denied.without(denied) {
        found.push(format!("`deny` no longer contains {warning}"));
    }
}

fn of_git(old: Option<&GitSettings>, new: Option<&GitSettings>, found: &mut Vec<String>) {
    let (old, new) = match (old, new) {
        (None, _) => return,
        (Some(_), None) => {
            // Without it signatures, pins and rewrites mean nothing.
            found.push("`git` is no longer set, so a directory would be read instead".to_owned());
            return;
        }
        (Some(old), Some(new)) => (old, new),
    };
    let GitSettings {
        // No accident writes another one. What is there must still be signed, and descend
        // from what was applied.
        url: _,
        branch,
        tag,
        commit,
        // Where in it, and how to log in.
        directory: _,
        auth: _,
        user: _,
        token_file: _,
        ca_files: _,
        ssh_key: _,
        known_hosts,
        verify,
        // Whose signatures count: no accident adds a signer, and what is in these files may
        // change at any time without a reload.
        allowed_signers: _,
        openpgp_keys: _,
        revoked_keys,
        allow_rewrite,
    } = new;
    let is_pinned = commit.is_some();
    let is_tag_or_commit = is_pinned || tag.is_some();
    let is_named = is_tag_or_commit || branch.is_some();
    for (key, was_set, is_set) in [
        ("git-commit", old.commit.is_some(), is_pinned),
        ("git-tag", old.tag.is_some(), is_tag_or_commit),
        ("git-branch", old.branch.is_some(), is_named),
        (
            "git-known-hosts",
            old.known_hosts.is_some(),
            known_hosts.is_some(),
        ),
        (
            "git-revoked-keys",
            old.revoked_keys.is_some(),
            revoked_keys.is_some(),
        ),
    ] {
        if was_set && !is_set {
            found.push(format!("`{key}` is no longer set"));
        }
    }
    if asks_for_fewer(old.verify, *verify) {
        found.push("`git-verify` now requires fewer signatures".to_owned());
    }
    if *allow_rewrite == Rewrite::Anything && old.allow_rewrite != Rewrite::Anything {
        found.push("`git-allow-rewrite` changes to `true`".to_owned());
    }
}

fn asks_for_fewer(old: Option<VerifyMode>, new: Option<VerifyMode>) -> bool {
    fn of_head_and_tag(verify: Option<VerifyMode>) -> (bool, bool) {
        match verify {
            None => (false, false),
            Some(VerifyMode::Head) => (true, false),
            Some(VerifyMode::Tag) => (false, true),
            Some(VerifyMode::TagAndHead) => (true, true),
        }
    }
    let ((old_head, old_tag), (new_head, new_tag)) = (of_head_and_tag(old), of_head_and_tag(new));
    (old_head && !new_head) || (old_tag && !new_tag)
}

/// Adds the directories in which secrets may be read now, but not before. Without a root
/// it is the directory of the files.
fn of_roots(old: &FileSettings, new: &FileSettings, found: &mut Vec<String>) {
    fn effective(files: &FileSettings) -> Vec<&Path> {
        match files.secret_roots.as_slice() {
            [] => vec![&files.dir],
            roots => roots.iter().map(PathBuf::as_path).collect(),
        }
    }
    // The directory may change, and its root with it.
    if new.secret_roots.is_empty() && old.secret_roots.is_empty() {
        return;
    }
    let before = effective(old);
    for root in effective(new) {
        if !before.iter().any(|allowed| root.starts_with(allowed)) {
            found.push(format!(
                "`secret-root` now allows reading {}",
                root.display()
            ));
        }
    }
}

fn of_guard(old: &GuardSettings, new: &GuardSettings, found: &mut Vec<String>) {
    let GuardSettings {
        policy,
        limits,
        // By name: an operator who adds one means it. The plan of a daemon that waits for this
        // approval names it as the way through, and it allows nothing else.
        allow_replace: _,
        allow_removal: _,
        // The form of a request.
        delete_credentials: _,
        connections,
    } = new;
    if *connections == LookForConnections::None && old.connections != *connections {
        found.push("`connections` changes to `none`".to_owned());
    }
    if reach(*policy) > reach(old.policy) {
        let (from, to) = (old.policy.as_str(), policy.as_str());
        found.push(format!("`policy` changes from `{from}` to `{to}`"));
    }
    let before = &old.limits;
    for (key, is_wider) in [
        ("max-changes", limits.changes.most_is_wider(before.changes)),
        (
            "max-change-percent",
            limits.changes.share.is_wider(before.changes.share),
        ),
        ("max-deletes", limits.deletes.most_is_wider(before.deletes)),
        (
            "max-delete-percent",
            limits.deletes.share.is_wider(before.deletes.share),
        ),
    ] {
        if is_wider {
            found.push(format!("`{key}` allows more than before"));
        }
    }
}

/// Rank of a policy: a higher one allows more.
fn reach(policy: Policy) -> u8 {
    match policy {
        Policy::Observe => 0,
        Policy::CreateOnly => 1,
        Policy::UpsertOnly => 2,
        Policy::Sync => 3,
    }
}

fn writes(on_drift: OnDrift) -> bool {
    match on_drift {
        OnDrift::Apply => true,
        OnDrift::Report | OnDrift::Ignore => false,
    }
}

/// Adds the names that are no longer in a list.
fn lost(key: &str, old: &BTreeSet<Name>, new: &BTreeSet<Name>, found: &mut Vec<String>) {
    for name in old.difference(new) {
        found.push(format!("`{key}` no longer contains {name}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::daemon_settings;
    use crate::platform::PLATFORMS;

    /// `TYPE` stands for a type whose integrations have a host.
    fn with_type(text: &str) -> String {
        let mut platforms = PLATFORMS.iter();
        let platform = platforms.find(|p| p.host_attribute().is_some());
        text.replace("TYPE", platform.unwrap().wire)
    }

    fn of(line: &str) -> DaemonSettings {
        daemon_settings(&with_type(line))
    }

    /// Protections that are loosened from one line to the other. The way back tightens, and
    /// is taken.
    fn between(old: &str, new: &str) -> String {
        let (old, new) = (of(old), of(new));
        assert_eq!(loosened(&new, &old), [""; 0]);
        loosened(&old, &new).join("; ")
    }

    /// Settings before and after, and what is loosened.
    const LOOSENED: &[(&str, &str, &str)] = &[
        (
            "--allow-secret env:A=*",
            "",
            "`allow-secret` is no longer set, so any secret could be sent anywhere",
        ),
        (
            "--allow-secret env:A=TYPE@a.example.com",
            "--allow-secret env:A=TYPE@a.example.com --allow-secret *",
            "the `allow-secret` binding `*` allows more than before",
        ),
        (
            "--allow-secret env:A=TYPE@a.example.com",
            "--allow-secret env:*=*@*",
            "the `allow-secret` binding `env:*=*@*` allows more than before",
        ),
        (
            "--allow-secret env:A",
            "--allow-secret env:A --allow-secret vault:kv/*",
            "the `allow-secret` binding `vault:kv/*` allows more than before",
        ),
        (
            "--allow-secret env:A=TYPE@a.example.com",
            "--allow-secret env:A=*@a.example.com",
            "the `allow-secret` binding `env:A=*@a.example.com` allows more than before",
        ),
        (
            "--allow-secret env:*=TYPE@a.example.com",
            "--allow-secret env:*=TYPE@a.example.com --allow-secret env:A=TYPE@*.example.com",
            "the `allow-secret` binding `env:A=TYPE@*.example.com` allows more than before",
        ),
        (
            "--allow-secret env:A=TYPE@*.example.com",
            "--allow-secret env:A=TYPE",
            "the `allow-secret` binding `env:A=TYPE` allows more than before",
        ),
        (
            "--git /r --allow-secret env:A",
            "--git /r --allow-secret *",
            "the `allow-secret` binding `*` allows more than before",
        ),
        (
            "--policy create-only",
            "",
            "`policy` changes from `create-only` to `upsert-only`",
        ),
        (
            "",
            "--policy sync",
            "`policy` changes from `upsert-only` to `sync`",
        ),
        (
            "--max-changes 5",
            "",
            "`max-changes` allows more than before",
        ),
        (
            "--max-changes 5",
            "--max-changes 6",
            "`max-changes` allows more than before",
        ),
        (
            "--max-change-percent 5",
            "",
            "`max-change-percent` allows more than before",
        ),
        ("", "--connections none", "`connections` changes to `none`"),
        (
            "--max-deletes 0",
            "",
            "`max-deletes` allows more than before",
        ),
        (
            "",
            "--max-delete-percent 100",
            "`max-delete-percent` allows more than before",
        ),
        (
            "--max-delete-percent 10",
            "",
            "`max-delete-percent` allows more than before",
        ),
        ("--only a", "", "`only` is no longer set"),
        (
            "--exclude a,b",
            "--exclude b",
            "`exclude` no longer contains a",
        ),
        ("--on-drift report", "", "`on-drift` changes to `apply`"),
        ("--on-conflict stop", "", "`on-conflict` changes to `apply`"),
        ("--deny W0602", "", "`deny` no longer contains W0602"),
        (
            "--deny warnings",
            "--deny W0601 --deny W0602,W0603,W0604,W0605,W0606,W0608,W0609",
            "`deny` no longer contains W0607",
        ),
        (
            "d --secret-root d/secrets",
            "d",
            "`secret-root` now allows reading d",
        ),
        (
            "--git /r --git-verify head",
            "--git /r",
            "`git-verify` now requires fewer signatures",
        ),
        (
            "--git /r --git-verify tag-and-head",
            "--git /r --git-verify head",
            "`git-verify` now requires fewer signatures",
        ),
        (
            "--git /r",
            "",
            "`git` is no longer set, so a directory would be read instead",
        ),
        (
            "--git /r --git-tag v1",
            "--git /r",
            "`git-tag` is no longer set",
        ),
        (
            "--git /r --git-branch b",
            "--git /r",
            "`git-branch` is no longer set",
        ),
        (
            "--git /r --git-known-hosts f",
            "--git /r",
            "`git-known-hosts` is no longer set",
        ),
        (
            "--git /r --git-revoked-keys f",
            "--git /r",
            "`git-revoked-keys` is no longer set",
        ),
        (
            "--git /r",
            "--git /r --git-allow-rewrite=true",
            "`git-allow-rewrite` changes to `true`",
        ),
    ];

    #[test]
    fn every_protection_that_goes_is_named() {
        for (old, new, said) in LOOSENED {
            assert_eq!(between(old, new), with_type(said), "{old} -> {new}");
        }
    }

    #[test]
    fn everything_else_may_change() {
        let commit = "--git-commit 2f1c0f2dbd3c2f4d6f8b0a7f6c1f2e3d4c5b6a79";
        for (old, new) in [
            ("", "--interval 1h --debounce 1s --poll 5m --parallelism 9"),
            ("--allow-secret env:A", "--allow-secret env:A,env:B=*@*"),
            (
                "--allow-secret env:A=TYPE@*.example.com",
                "--allow-secret env:A=TYPE@a.example.com",
            ),
            ("--allow-secret env:*", "--allow-secret env:A*,env:B"),
            ("--allow-secret env:A,env:B", "--allow-secret env:A"),
            ("--allow-secret env:A", "--allow-secret env:B"),
            ("", "--allow-secret env:A"),
            ("--git /r --allow-secret env:A", "--git /r"),
            ("--max-changes 5", "--max-changes 4"),
            ("--max-delete-percent 10", "--max-delete-percent 9"),
            ("", "--max-delete-percent 5"),
            ("--allow-removal a", "--allow-removal a,b"),
            ("--git /r", "--git /s"),
            ("d", "e"),
            ("--var A=1", "--var A=2"),
            ("--deny w0602", "--deny warnings"),
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
            let found = loosened(&of(old), &of(new));
            assert_eq!(found, [""; 0], "{old} -> {new}");
        }
    }
}
