//! The plan as the terminal shows it, and the mistakes in the files.

use maud::{Markup, PreEscaped, Render, html};

use super::{moment, safe};
use crate::daemon::view::{FileMistake, RenderedPlan};
use crate::daemon::{DaemonStatus, RunView};

/// The last plan, and the last one that changed something if that was another one.
pub(super) fn section(status: &DaemonStatus, view: &RunView) -> Markup {
    let earlier = status.changed.as_deref();
    let earlier = earlier.filter(|earlier| earlier.at != view.plan.at);
    html! {
        section #plan data-live aria-label="Plan" {
            h2 { "Last plan" span.when { (moment(view.plan.at)) } }
            (rendered_plan(&view.plan))
            @if let Some(earlier) = earlier {
                h2 { "Last change" span.when { (moment(earlier.at)) } }
                (rendered_plan(earlier))
            }
        }
    }
}

fn rendered_plan(rendered_plan: &RenderedPlan) -> Markup {
    html! {
        pre.plan tabindex="0" { (colored(&rendered_plan.text)) }
        @if rendered_plan.left_out > 0 {
            p.note { "Lines not shown: " (rendered_plan.left_out) ". See the daemon's log." }
        }
    }
}

/// Styles for the colours of the terminal.
const STYLES: &[(&str, &str)] = &[
    ("1", "b"),
    ("2", "dim"),
    ("31", "bad"),
    ("32", "add"),
    ("33", "chg"),
];

/// Text with the colours of a terminal, as text with classes. What else a terminal
/// would obey is shown, not obeyed: the report holds nothing of that kind.
fn colored(text: &str) -> Markup {
    let mut out = String::new();
    for line in text.trim_matches('\n').lines() {
        let class = line_class(line);
        out.push_str(&format!("<span class=\"line{class}\">"));
        spans(line, &mut out);
        out.push_str("\n</span>");
    }
    PreEscaped(out)
}

fn spans(line: &str, out: &mut String) {
    let mut open = 0;
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        safe(before).render_to(out);
        let Some((code, after)) = after.split_once('m') else {
            rest = after;
            continue;
        };
        rest = after;
        if let Some((_, class)) = STYLES.iter().find(|(own, _)| *own == code) {
            out.push_str(&format!("<span class=\"{class}\">"));
            open += 1;
        } else if code == "0" {
            out.push_str(&"</span>".repeat(open));
            open = 0;
        }
    }
    safe(rest).render_to(out);
    out.push_str(&"</span>".repeat(open));
}

/// The kind of a line of a difference, by the sign that it begins with.
fn line_class(line: &str) -> &'static str {
    let Some((_, rest)) = line.trim_start().split_once("\u{1b}[") else {
        return "";
    };
    if !line.trim_start().starts_with('\u{1b}') {
        return "";
    }
    let sign = rest.split_once('m').map_or("", |(_, sign)| sign);
    match sign.chars().next() {
        Some('+') => " add",
        Some('-' | '±') => " bad",
        Some('~') => " chg",
        Some(_) | None => "",
    }
}

/// The mistakes in the files, and what could not be read of the tenant.
pub(super) fn mistakes(view: &RunView) -> Markup {
    html! {
        section #mistakes data-live aria-label="Mistakes" {
            @if !view.mistakes.is_empty() {
                h2 { "Errors in the files" }
                ul.plain { @for mistake in &view.mistakes { (self::mistake(mistake)) } }
            }
            @if !view.unreadable.is_empty() {
                h2 { "Unreadable" }
                ul.plain {
                    @for reason in &view.unreadable { li { (safe(reason)) } }
                }
                p.note { "The tenant's list of integrations is incomplete, so integrations that may already \
                    exist are not created." }
            }
        }
    }
}

pub(super) fn mistake(mistake: &FileMistake) -> Markup {
    let tone = if mistake.severity == "error" {
        "bad"
    } else {
        "chg"
    };
    html! {
        li {
            strong class=(tone) { (mistake.severity) " " (mistake.code) } ": "
            (safe(&mistake.message))
            span.place { (safe(&mistake.place)) }
            @for help in &mistake.help { span.help { "help: " (safe(help)) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        colored(text).into_string()
    }

    #[test]
    fn the_colours_of_the_terminal_are_classes() {
        assert_eq!(
            shown("  \u{1b}[32m+\u{1b}[0m new\nno sign"),
            "<span class=\"line add\">  <span class=\"add\">+</span> new\n</span>\
             <span class=\"line\">no sign\n</span>"
        );
        assert_eq!(
            shown("\u{1b}[1m\u{1b}[31mx\u{1b}[0m"),
            "<span class=\"line\"><span class=\"b\"><span class=\"bad\">x</span></span>\n</span>"
        );
    }

    #[test]
    fn every_style_of_the_report_is_known_and_closed_on_its_line() {
        for text in [
            "\u{1b}[31mopen",
            "\u{1b}[2m\u{1b}[33ma\nb",
            "\u{1b}[",
            "\u{1b}[99mx\u{1b}[0m",
        ] {
            let html = shown(text);
            let (begun, ended) = (
                html.matches("<span").count(),
                html.matches("</span>").count(),
            );
            assert_eq!(begun, ended, "{html}");
            assert!(!html.contains('\u{1b}'), "{html}");
        }
    }

    #[test]
    fn what_would_steer_a_browser_is_text() {
        let html = shown("\u{1b}[32m<script>\u{202e}&\"");
        assert!(
            html.contains("&lt;script&gt;\\u{202e}&amp;&quot;"),
            "{html}"
        );
    }
}
