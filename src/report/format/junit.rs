//! JUnit XML: a test case for each integration.

use maud::html;

use super::{Document, Rendered};
use crate::report::overview::{ItemLevel, Overview, OverviewItem};
use crate::text::escaped;

pub(super) fn render(document: &impl Document) -> Rendered {
    let overview = document.overview();
    Rendered::of(overview.map_or_else(String::new, |it| suites(&it)))
}

fn suites(overview: &Overview<'_>) -> String {
    let failures = overview.items.iter().filter(|it| is_failed(it)).count();
    let tests = overview.items.len();
    let errors = usize::from(overview.failure.is_some());
    let name = format!("integrationd: {}", escaped(&overview.title));
    let suite = html! {
        testsuites name="integrationd" tests=(tests) failures=(failures) errors=(errors) {
            testsuite name=(name) tests=(tests) failures=(failures) errors=(errors) {
                @for item in &overview.items {
                    testcase name=(item.name) classname=(class(item)) {
                        @if is_failed(item) {
                            failure type=(item.verdict) message=(escaped(&item.problem)) {
                                (lines(&item.details))
                            }
                        } @else if !item.details.is_empty() {
                            "system-out" { (lines(&item.details)) }
                        }
                    }
                }
                @if let Some((what, help)) = overview.failure {
                    testcase name="integrationd" {
                        error type="error" message=(escaped(what)) { (escaped(help)) }
                    }
                }
            }
        }
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n",
        suite.into_string()
    )
}

fn is_failed(item: &OverviewItem<'_>) -> bool {
    item.level == ItemLevel::Error
}

/// The file that describes an integration.
fn class(item: &OverviewItem<'_>) -> String {
    let file = item.place.map(|(file, _)| super::relative(file));
    escaped(&file.unwrap_or_default()).into_owned()
}

/// Lines without characters that XML does not have.
fn lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(escaped).collect();
    lines.join("\n")
}
