//! Every integration: one body of the table for each, which a filter can hide.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::filter::{Filter, title};
use super::health::badge;
use super::{moment, safe};
use crate::daemon::RunView;
use crate::daemon::view::{Row, State};
use crate::platform::AttributePath;
use crate::report;
use crate::report::run::UnmanagedItem;

/// Length of an abbreviated revision.
const SHORT: usize = 12;

/// The filter and the table.
pub(super) fn section(view: &RunView, filter: &Filter) -> Markup {
    let shown = view.rows.iter().filter(|row| filter.shows(row)).count();
    html! {
        section aria-labelledby="integrations" {
            h2 #integrations { "Integrations" }
            @if !view.rows.is_empty() {
                (form(view, filter))
                p.shown #shown role="status" { (shown) " of " (view.rows.len()) " shown" }
            }
            div #rows data-live {
                @if view.rows.is_empty() {
                    p.empty { "The files describe no integrations yet." }
                } @else {
                    (table(view, filter))
                }
            }
            p.empty #nothing hidden[shown > 0 || view.rows.is_empty()] {
                "No matches. " a href="/" { "Show all" }
            }
        }
    }
}

fn form(view: &RunView, filter: &Filter) -> Markup {
    let platforms: BTreeSet<&str> = view.rows.iter().map(title).collect();
    html! {
        form.filter #filter method="get" action="/" role="search" {
            label { span { "Search" }
                input type="search" name="q" value=(safe(&filter.words)) autocomplete="off"
                    spellcheck="false" placeholder="name, file, reason …";
            }
            label { span { "State" }
                select name="state" {
                    option value="" { "any" }
                    @for state in State::ALL {
                        option value=(state.word()) selected[filter.state == Some(state)] {
                            (state.word())
                        }
                    }
                }
            }
            label { span { "Platform" }
                select name="platform" {
                    option value="" { "any" }
                    @for platform in platforms {
                        option value=(platform) selected[filter.platform == platform] { (platform) }
                    }
                }
            }
            label.check {
                input type="checkbox" name="drifted" value="1" checked[filter.drifted];
                span { "drifted" }
            }
            button type="submit" { "Filter" }
        }
    }
}

fn table(view: &RunView, filter: &Filter) -> Markup {
    html! {
        table {
            thead {
                tr {
                    @for heading in ["Integration", "Platform", "State", "Last change", "Revision", "Drift", "Tests"] {
                        th scope="col" { (heading) }
                    }
                }
            }
            @for row in &view.rows { (body(row, !filter.shows(row))) }
        }
    }
}

fn body(row: &Row, is_hidden: bool) -> Markup {
    html! {
        tbody data-state=(row.state.word()) data-platform=(title(row))
            data-drifted[!row.drift.is_empty()] hidden[is_hidden] {
            tr {
                th scope="row" { (name(row)) }
                td data-label="Platform" { (title(row)) }
                td data-label="State" {
                    (badge(row.state))
                    @if let Some(reason) = row.reason { " " code.reason { (reason) } }
                }
                td data-label="Last change" {
                    @match row.changed { Some(at) => (moment(at)), None => (none()) }
                }
                td data-label="Revision" { (revision(row)) }
                td data-label="Drift" { (drift(row)) }
                td data-label="Tests" {
                    @match row.failing_tests.len() {
                        0 => (none()),
                        n => span.bad { (n) " failing" },
                    }
                }
            }
            @if has_details(row) { tr.details { td colspan="7" { (details(row)) } } }
        }
    }
}

fn none() -> Markup {
    html! { span.none { "–" } }
}

fn name(row: &Row) -> Markup {
    html! {
        span.name { (safe(&row.name)) }
        span.place {
            @match (&row.file, row.line) {
                (Some(file), Some(line)) => { (safe(file)) ":" (line) },
                _ => "file removed",
            }
            @if let Some(id) = &row.id { " · id " (safe(id)) }
        }
    }
}

fn revision(row: &Row) -> Markup {
    match &row.revision {
        None => none(),
        Some(revision) => {
            let short: String = revision.chars().take(SHORT).collect();
            html! { code title=(safe(revision)) { (safe(&short)) } }
        }
    }
}

fn drift(row: &Row) -> Markup {
    match (row.drift.len(), row.repaired) {
        (0, _) => none(),
        (n, true) => html! { span.calm { (n) " repaired" } },
        (n, false) => html! { span.drift { (n) " drifted" } },
    }
}

fn has_details(row: &Row) -> bool {
    let Row {
        about,
        drift,
        not_compared,
        carried,
        failing_tests,
        ..
    } = row;
    let is_empty = about.is_empty() && drift.is_empty() && not_compared.is_empty();
    !is_empty || !carried.is_empty() || !failing_tests.is_empty()
}

fn details(row: &Row) -> Markup {
    html! {
        ul {
            @for sentence in &row.about { li { (safe(sentence)) } }
            @if !row.drift.is_empty() {
                li {
                    "The server changed "
                    (paths(&row.drift))
                    @if row.repaired { "; the change was reverted." } @else { "." }
                }
            }
            @for destination in &row.carried {
                li { (safe(&report::carried(destination))) "." }
            }
            @if !row.not_compared.is_empty() {
                li {
                    "Secrets not compared: "
                    (paths(&row.not_compared))
                    ". " code { "integrationd sync --resend-secrets " (safe(&row.name)) }
                    " sends them."
                }
            }
            @for test in &row.failing_tests {
                li.test {
                    span.bad aria-hidden="true" { "✗ " }
                    strong { (safe(&test.name)) }
                    @if !test.message.is_empty() { ": " (safe(&test.message)) }
                }
            }
        }
    }
}

/// Attributes, one after the other.
fn paths(paths: &[AttributePath]) -> Markup {
    html! {
        @for (n, path) in paths.iter().enumerate() {
            @if n > 0 { ", " }
            code { (safe(path.as_str())) }
        }
    }
}

/// Live integrations that no file describes.
pub(super) fn unmanaged(view: &RunView) -> Markup {
    let count = view.unmanaged.len();
    html! {
        section #unmanaged data-live aria-label="Unmanaged integrations" {
            @if count > 0 {
                details #unmanaged-list {
                    summary { h2 { "Unmanaged integrations" } span.count { (count) } }
                    ul.plain { @for live in &view.unmanaged { (unmanaged_item(live)) } }
                }
            }
        }
    }
}

fn unmanaged_item(live: &UnmanagedItem) -> Markup {
    html! {
        li {
            "id " (safe(live.id.as_str())) ": " (safe(&live.type_name))
            @if let Some(identity) = &live.identity { ", " (safe(identity)) }
            ", " (safe(live.status.as_str()))
            @if let Some(key) = &live.connection { ", belongs to connection " (safe(key)) }
        }
    }
}
