//! Stored secrets that a plan could not compare: the report must not suggest that everything
//! matches the files.

use std::fmt::Write as _;

use serde::Serialize;

use super::style::{BOLD, CHANGE, paint};
use crate::follow_up::command;
use crate::manifest::Name;
use crate::plan::Plan;
use crate::platform::AttributePath;
use crate::text::count;

/// The stored secrets of one integration that were not compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotCompared {
    /// Its name.
    pub integration: Name,
    /// Their attributes.
    pub paths: Vec<AttributePath>,
}

/// All of a plan, by the name of their integration.
#[must_use]
pub fn secrets_not_compared(plan: &Plan) -> Vec<NotCompared> {
    let mut all = Vec::new();
    for action in &plan.actions {
        let paths = action.notes().secrets_not_compared;
        if !paths.is_empty() {
            all.push(NotCompared {
                integration: action.name.clone(),
                paths: paths.to_vec(),
            });
        }
    }
    all
}

/// Number of secrets that were not compared, such as `3 secrets of 2 integrations not
/// compared`; nothing if all were compared.
#[must_use]
pub fn line(not_compared: &[NotCompared]) -> Option<String> {
    let (secrets, whose) = counted(not_compared);
    (!not_compared.is_empty()).then(|| format!("{secrets} of {whose} not compared"))
}

/// The numbers of secrets and of integrations, in words.
fn counted(not_compared: &[NotCompared]) -> (String, String) {
    let secrets: usize = not_compared.iter().map(|one| one.paths.len()).sum();
    let integrations = not_compared.len();
    (count(secrets, "secret"), count(integrations, "integration"))
}

/// The sentence about a tenant that nothing is to be changed of. It matches the files only
/// if everything that they describe was compared.
pub(super) fn verdict(plan: &Plan, tenant: &str) -> String {
    if is_anything(plan) {
        format!("Not everything in {tenant} was compared.")
    } else if plan.described == 0 {
        format!("The files describe no integrations in {tenant}.")
    } else {
        format!("{tenant} matches the files.")
    }
}

/// True if a plan says nothing about something that the files describe.
fn is_anything(plan: &Plan) -> bool {
    plan.incomplete
        || plan.unselected > 0
        || !secrets_not_compared(plan).is_empty()
        || drift_ignored(plan) > 0
}

/// Number of attributes whose drift is ignored.
fn drift_ignored(plan: &Plan) -> usize {
    let actions = plan.actions.iter();
    actions
        .map(|action| action.notes().drift_ignored.len())
        .sum()
}

/// The lines of a plan about everything that was not compared; the integrations that were
/// not selected are counted before.
pub(super) fn write_line(out: &mut String, plan: &Plan) {
    let mut lines = Vec::new();
    if plan.incomplete {
        lines.push("Not compared: integrations in files that could not be read.".to_owned());
    }
    let ignored = drift_ignored(plan);
    if ignored > 0 {
        let what = count(ignored, "attribute");
        lines.push(format!("Drift in {what} is ignored."));
    }
    for line in lines {
        let _ = writeln!(out, "{}", paint(CHANGE, line));
    }
    secrets(out, &secrets_not_compared(plan));
}

/// The lines about secrets.
fn secrets(out: &mut String, not_compared: &[NotCompared]) {
    if not_compared.is_empty() {
        return;
    }
    let (name, all) = match not_compared {
        [one] => (one.integration.as_str(), ""),
        _ => ("NAME", " (`'*'` for all integrations)"),
    };
    let (secrets, whose) = counted(not_compared);
    let what = format!("Not compared: {secrets} of {whose}. The server never returns secrets.");
    let _ = writeln!(out, "{}", paint(CHANGE, what));
    let _ = writeln!(
        out,
        "{} send them with `{}`{all}; or, if the server already has them, run `{}`",
        paint(BOLD, " help:"),
        command("sync", &["--resend-secrets", name]),
        command("adopt", &[name, "--secrets", "assume"])
    );
}
