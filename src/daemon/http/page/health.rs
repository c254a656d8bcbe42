//! Overall state, at a glance.

use maud::{Markup, html};

use super::filter::Filter;
use super::plan::mistake;
use super::{moment, safe};
use crate::daemon::view::State;
use crate::daemon::{DaemonPhase, DaemonStatus, RejectedSettings, RunView};
use crate::ledger::Suspensions;

/// Phase of the daemon, its times, and problems.
pub(super) fn panel(status: &DaemonStatus) -> Markup {
    let word = status.phase.word();
    html! {
        section.health #health data-live data-tone=(tone(status)) aria-label="Daemon" {
            div.headline {
                h1 { (mark(tone(status))) (word) }
                @if let Some(reason) = status.phase.reason() { code.reason { (reason) } }
                @if let DaemonPhase::Retrying(pause) = status.phase {
                    span.note { "retrying within " (pause.as_secs().max(1)) " s" }
                }
            }
            @match &status.last {
                Some(outcome) => {
                    p.summary { (safe(&outcome.summary)) }
                    @if let Some(help) = &outcome.help { p.help { "help: " (safe(help)) } }
                },
                None => p.summary { "The daemon is reading the files and the tenant for the first \
                    time." },
            }
            dl {
                @if let Some(at) = status.at { (fact("Last run", &moment(at))) }
                @if let Some(at) = status.succeeded { (fact("Last in sync", &moment(at))) }
                @if let Some(view) = status.view.as_deref() {
                    @if is_stale(status) { (fact("Data as of", &moment(view.at))) }
                    (fact("Files", &html! { (safe(&view.source)) }))
                }
            }
            @if is_stale(status) && status.view.is_some() {
                p.stale role="status" {
                    "The last run could not read everything: the data below is from an earlier run."
                }
            }
            @if let Some(view) = status.view.as_deref() { (suspensions(view)) }
            @if let Some(rejected) = status.rejected_settings.as_deref() { (rejected_settings(rejected)) }
        }
    }
}

fn fact(term: &str, what: &Markup) -> Markup {
    html! { div { dt { (term) } dd { (what) } } }
}

/// Suspensions by operators, with reason and end.
fn suspensions(view: &RunView) -> Markup {
    let Suspensions { all, names } = &view.suspensions;
    html! {
        @if all.is_some() || !names.is_empty() {
            div.suspended role="status" {
                strong { "Suspended by " code { "integrationd suspend" } }
                ul.plain {
                    @if let Some(suspend) = all {
                        li { strong { "everything" } ": " (safe(&suspend.to_string())) }
                    }
                    @for (name, suspend) in names {
                        li { strong { (safe(name)) } ": " (safe(&suspend.to_string())) }
                    }
                }
                span.help { "Pending changes are shown but not written. Run " code { "integrationd resume" } " \
                    to end the suspension." }
            }
        }
    }
}

/// Reason why the newest settings are not in effect.
fn rejected_settings(rejected: &RejectedSettings) -> Markup {
    html! {
        div.stale role="status" {
            "The new settings are invalid, so the previous ones stay in effect: "
            (safe(&rejected.why)) " (" (moment(rejected.at)) ")"
            ul.plain { @for one in &rejected.mistakes { (mistake(one)) } }
            span.help { "help: " (safe(&rejected.help)) }
        }
    }
}

/// True if the last run could not read the files or the tenant.
fn is_stale(status: &DaemonStatus) -> bool {
    status
        .last
        .as_ref()
        .is_some_and(|outcome| outcome.view.is_none())
}

/// Colour of the status.
fn tone(status: &DaemonStatus) -> &'static str {
    match status.phase {
        DaemonPhase::Starting => "busy",
        DaemonPhase::Reconciling if is_stale(status) => "bad",
        DaemonPhase::Reconciling => "busy",
        DaemonPhase::Ready => "good",
        DaemonPhase::Suspended => "calm",
        DaemonPhase::Stalled(_) | DaemonPhase::Retrying(_) => "bad",
    }
}

/// A sign that says the same as the colour.
fn mark(tone: &str) -> Markup {
    let sign = match tone {
        "good" => "✓",
        "bad" => "!",
        "calm" => "–",
        _ => "↻",
    };
    html! { span.mark aria-hidden="true" { (sign) } }
}

/// The colour of a state.
fn tone_of(state: State) -> &'static str {
    match state {
        State::Ready => "good",
        State::Stalled => "bad",
        State::Suspended => "calm",
        State::Reconciling => "busy",
    }
}

/// A state: a sign, a word and a colour.
pub(super) fn badge(state: State) -> Markup {
    let tone = tone_of(state);
    html! { span.badge data-tone=(tone) { (mark(tone)) (state.word()) } }
}

/// Number of integrations in each state; each is a link to these rows.
pub(super) fn tiles(view: &RunView, filter: &Filter) -> Markup {
    let drifted = view.with_drift();
    html! {
        nav.tiles #tiles data-live aria-label="Integrations by state" {
            (tile("/", "All", "", view.rows.len(), !filter.is_set()))
            @for state in State::ALL {
                @let href = format!("/?state={}", state.word());
                @let is_current = filter.state == Some(state);
                (tile(&href, state.word(), tone_of(state), view.in_state(state), is_current))
            }
            (tile("/?drifted=1", "Drifted", "drift", drifted, filter.drifted))
        }
    }
}

fn tile(href: &str, word: &str, tone: &str, count: usize, is_current: bool) -> Markup {
    html! {
        a.tile href=(href) data-tone=[(!tone.is_empty() && count > 0).then_some(tone)]
            aria-current=[is_current.then_some("true")] {
            strong { (count) } " " span { (word) }
        }
    }
}
