//! The status page: pure functions from what the worker published to HTML.
//!
//! No framework, no inline style or script, and nothing that needs JavaScript: a
//! filter is a query, and `page.js` only does the same at once, and keeps the page
//! fresh by fetching it again. Whatever comes from outside goes through [`safe`].

mod filter;
mod health;
mod history;
mod plan;
mod safe;
mod table;
#[cfg(test)]
mod tests;

use maud::{DOCTYPE, Markup, html};

pub(super) use filter::Filter;
use safe::safe;

use crate::daemon::{DaemonStatus, RunView};

/// A file that is part of the program.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asset {
    path: &'static str,
    pub(super) media_type: &'static str,
    pub(super) content: &'static str,
}

const ASSETS: &[Asset] = &[
    Asset {
        path: "/page.css",
        media_type: "text/css; charset=utf-8",
        content: include_str!("page.css"),
    },
    Asset {
        path: "/page.js",
        media_type: "text/javascript; charset=utf-8",
        content: include_str!("page.js"),
    },
    Asset {
        path: "/icon.svg",
        media_type: "image/svg+xml",
        content: include_str!("icon.svg"),
    },
];

/// The file at a path.
pub(super) fn asset(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

/// For whom the page is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Viewer<'a> {
    /// A read-only viewer, who may log in if there is a token.
    Reader { has_token: bool },
    /// An operator, who may trigger a run.
    Operator { csrf: &'a str },
}

/// The page.
pub(super) fn status(status: &DaemonStatus, filter: &Filter, viewer: Viewer<'_>) -> Markup {
    let nothing = RunView::default();
    let view = status.view.as_deref().unwrap_or(&nothing);
    let title = format!("{} – {}", status.phase.word(), tenant(view));
    let body = html! {
        (bar(view, viewer))
        main {
            (health::panel(status))
            @if status.view.is_some() {
                (health::tiles(view, filter))
                (table::section(view, filter))
                (plan::mistakes(view))
                (plan::section(status, view))
                (table::unmanaged(view))
                (history::section(view))
            }
        }
    };
    shell(&title, &body)
}

/// The tenant as people call it: its URL without the scheme.
fn tenant(view: &RunView) -> &str {
    let url = view.tenant.as_str();
    url.split_once("://").map_or(url, |(_, rest)| rest)
}

/// The line at the top: what this is, and what may be done.
fn bar(view: &RunView, viewer: Viewer<'_>) -> Markup {
    html! {
        header.bar {
            a.brand href="/" {
                img src="/icon.svg" alt="" width="22" height="22";
                span { "integrationd" }
            }
            span.tenant #tenant data-live { (safe(tenant(view))) }
            div.acts {
                @match viewer {
                    Viewer::Operator { csrf } => {
                        form method="post" action="/sync" {
                            input type="hidden" name="csrf" value=(csrf);
                            button.primary type="submit" { "Sync now" }
                        }
                        form method="post" action="/logout" {
                            input type="hidden" name="csrf" value=(csrf);
                            button type="submit" { "Log out" }
                        }
                    }
                    Viewer::Reader { has_token: true } => { a href="/login" { "Log in" } }
                    Viewer::Reader { has_token: false } => {}
                }
            }
        }
    }
}

/// The page that asks for the token.
pub(super) fn login(has_token: bool, is_wrong: bool) -> Markup {
    let body = html! {
        main.login {
            h1 { img src="/icon.svg" alt="" width="28" height="28"; "integrationd" }
            @if has_token {
                form method="post" action="/login" {
                    label for="token" { "Token" }
                    input #token type="password" name="token" required autofocus
                        autocomplete="current-password"
                        aria-describedby=[is_wrong.then_some("wrong")];
                    @if is_wrong {
                        p #wrong.wrong role="alert" { "Wrong token." }
                    }
                    button.primary type="submit" { "Log in" }
                }
                p.hint { "The token is in the file given with " code { "--listen-token-file" } "." }
            } @else {
                p { "No token is configured, so the page is read-only." }
                p { a href="/" { "Back to the status page" } }
            }
        }
    };
    shell("Log in – integrationd", &body)
}

fn shell(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (safe(title)) }
                link rel="icon" href="/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/page.css";
                script src="/page.js" defer {}
            }
            body { (body) }
        }
    }
}

/// A moment, to the second; `page.js` says how long ago it was.
fn moment(at: jiff::Timestamp) -> Markup {
    html! {
        time datetime=(at.strftime("%Y-%m-%dT%H:%M:%SZ")) { (at.strftime("%Y-%m-%d %H:%M:%S UTC")) }
    }
}
