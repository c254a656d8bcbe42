//! The reference in the documentation is made from the code.
//!
//! A page has blocks between `<!-- begin NAME … -->` and `<!-- end NAME -->`. A test fails
//! if a block is stale, and `UPDATE_DOCS=1 cargo test --test tests reference::` writes it.

mod attributes;
mod diagnostics;
mod monitoring;
mod registry;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command};
use integrationd::manifest::{VARIABLES, schema};
use integrationd::platform::PLATFORMS;
use integrationd::reason::{Outlook, Reason};
use integrationd::report::exit::Exit;
use integrationd::secret::own_credentials;
use registry::{MetricFamily, families};

use crate::common::Integrationd;

/// Writes every block anew.
const UPDATE: &str = "UPDATE_DOCS=1 cargo test --test tests reference::";

/// The name of a block or a file, and the text that the code has for it.
type Block = (&'static str, fn() -> String);

const BLOCKS: &[Block] = &[
    ("alerts", monitoring::runbook),
    ("attributes", attributes::attributes),
    ("command-table", command_table),
    ("commands", commands),
    ("diagnostics", diagnostics::diagnostics),
    ("exit-codes", exit_codes),
    ("metrics", metrics),
    ("own-credentials", own_credentials_table),
    ("reasons", reasons),
    ("settings", settings),
];

/// Files that the code has as a whole.
const FILES: &[Block] = &[
    ("docs/integration.schema.json", integration_schema),
    ("docs/monitoring/dashboard.json", monitoring::dashboard),
    ("docs/monitoring/integrationd.rules.yaml", monitoring::rules),
    ("docs/monitoring/rules_test.yaml", monitoring::rules_test),
];

fn integration_schema() -> String {
    format!("{:#}\n", schema(PLATFORMS))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pages that may have blocks.
fn pages() -> Vec<PathBuf> {
    let docs = std::fs::read_dir(root().join("docs")).unwrap();
    let docs = docs.map(|entry| entry.unwrap().path());
    let mut pages: Vec<PathBuf> = docs.filter(|path| path.extension().is_some()).collect();
    pages.push(root().join("README.md"));
    pages.sort();
    pages
}

/// A page with its blocks made anew, and their names.
fn made_anew(page: &str) -> (String, Vec<&'static str>) {
    let (mut text, mut names) = (String::new(), Vec::new());
    let mut rest = page;
    while let Some((before, from)) = rest.split_once("<!-- begin ") {
        let name = from.split([':', ' ']).next().unwrap();
        let (known, make) = BLOCKS
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap_or_else(|| panic!("no block has the name `{name}`"));
        let end = format!("<!-- end {known} -->");
        let (_, after) = from
            .split_once(&end)
            .unwrap_or_else(|| panic!("`{end}` is missing"));
        let made = make();
        let made = made.trim_end();
        write!(
            text,
            "{before}<!-- begin {known}: {UPDATE} -->\n\n{made}\n\n{end}"
        )
        .unwrap();
        names.push(*known);
        rest = after;
    }
    text.push_str(rest);
    (text, names)
}

#[test]
fn pages_are_as_the_code_has_it() {
    let is_update = std::env::var_os("UPDATE_DOCS").is_some_and(|word| word == "1");
    let (mut used, mut stale) = (BTreeSet::new(), Vec::new());
    for path in pages() {
        let Ok(page) = std::fs::read_to_string(&path) else {
            continue;
        };
        let (made, names) = made_anew(&page);
        used.extend(names);
        if made != page && is_update {
            std::fs::write(&path, &made).unwrap();
        } else if made != page {
            stale.push(path.display().to_string());
        }
    }
    for (file, make) in FILES {
        let (path, made) = (root().join(file), make());
        let is_stale = std::fs::read_to_string(&path).ok() != Some(made.clone());
        if is_stale && is_update {
            std::fs::write(&path, &made).unwrap();
        } else if is_stale {
            stale.push(path.display().to_string());
        }
    }
    assert_eq!(stale, [""; 0], "these pages are stale: run `{UPDATE}`");
    assert_eq!(used, BLOCKS.iter().map(|(name, _)| *name).collect());
}

/// A row of a table.
fn row(cells: &[&str]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | ")).replace("|  |", "| |")
}

/// The head of a table.
fn head(titles: &[&str]) -> String {
    row(titles) + &row(&vec!["---"; titles.len()])
}

fn command_table() -> String {
    let mut out = head(&["command", "purpose"]);
    for command in integrationd::cli::command().get_subcommands() {
        let about = command.get_about().unwrap().to_string();
        out += &row(&[&format!("`{}`", command.get_name()), &about]);
    }
    out
}

fn commands() -> String {
    let mut out = String::new();
    for command in integrationd::cli::command().get_subcommands() {
        describe(command, &mut out);
    }
    out
}

/// The section of a command, and those of the commands below it.
fn describe(command: &Command, out: &mut String) {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let about = command.get_long_about().or(command.get_about()).unwrap();
    let after = command.get_after_long_help().or(command.get_after_help());
    let after = after.map(ToString::to_string).unwrap_or_default();
    let mut help = command.clone().term_width(100).after_help("");
    let help = help.render_help().to_string();
    let (_, usage) = help.split_once("Usage: ").unwrap();
    let text = format!("{}\n\n{after}", usage.trim_end());
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
    let name = name.replace('-', " ");
    let lines = lines.join("\n");
    write!(out, "## {name}\n\n{about}\n\n```text\n{lines}\n```\n\n").unwrap();
    for inner in command.get_subcommands() {
        describe(inner, out);
    }
}

/// A flag as a setting: its text, its default, and the variables that give it too.
struct Setting {
    text: String,
    default: String,
    variables: Vec<String>,
}

impl Setting {
    /// The help of a flag says in brackets at its end what clap does not know.
    fn of(arg: &Arg) -> Self {
        let mut text = arg.get_help().unwrap().to_string();
        let mut variables: Vec<String> = Vec::new();
        if let Some(variable) = arg.get_env() {
            variables.push(format!("`{}`", variable.to_string_lossy()));
        }
        let defaults = arg.get_default_values().iter();
        let defaults: Vec<String> = defaults
            .map(|value| format!("`{}`", value.to_string_lossy()))
            .collect();
        let mut default = defaults.join(", ");
        while let Some((before, bracket)) = text.strip_suffix(']').and_then(|t| t.rsplit_once(" ["))
        {
            match bracket.split_once(": ") {
                Some(("env", names)) => {
                    // The brackets are read from the last one on.
                    let names = names.split(", ").map(|name| format!("`{name}`"));
                    variables.splice(0..0, names);
                }
                Some(("credential", name)) => variables.push(format!("credential `{name}`")),
                Some(("default", said)) => default = said.to_owned(),
                Some(_) | None => panic!("{bracket}"),
            }
            text = before.to_owned();
        }
        let words = arg.get_possible_values();
        if !words.is_empty() && !matches!(arg.get_action(), ArgAction::SetTrue) {
            let words: Vec<String> = words
                .iter()
                .map(|w| format!("`{}`", w.get_name()))
                .collect();
            text = format!("{text}: {}", words.join(", "));
        }
        Self {
            text,
            default,
            variables,
        }
    }
}

fn settings() -> String {
    let schema = Integrationd::new(["settings", "schema"])
        .run()
        .exits_with(0)
        .json();
    let mut keys: BTreeSet<&str> = schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    // The one key that is no flag.
    assert!(keys.remove(VARIABLES));
    let command = integrationd::cli::command();
    let daemon = command.find_subcommand("daemon").unwrap();
    let key = |arg: &Arg| arg.get_long().unwrap_or(arg.get_id().as_str()).to_owned();
    let args: Vec<&Arg> = daemon
        .get_arguments()
        .filter(|arg| keys.contains(key(arg).as_str()))
        .collect();
    assert_eq!(args.len(), keys.len());
    let mut headings: Vec<&str> = Vec::new();
    for arg in &args {
        let heading = arg.get_help_heading().unwrap_or("General");
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    let mut out = String::new();
    for heading in headings {
        let title = heading.split(" [").next().unwrap();
        write!(out, "### {title}\n\n").unwrap();
        out += &head(&["key", "meaning", "default", "variable"]);
        let of_heading = args.iter();
        let of_heading =
            of_heading.filter(|arg| arg.get_help_heading().unwrap_or("General") == heading);
        for arg in of_heading {
            let Setting {
                text,
                default,
                variables,
            } = Setting::of(arg);
            let key = format!("`{}`", key(arg));
            out += &row(&[&key, &text, &default, &variables.join(", ")]);
            if key == "`var-file`" {
                let text = schema["properties"][VARIABLES]["description"]
                    .as_str()
                    .unwrap();
                out += &row(&[&format!("`{VARIABLES}`"), text, "", ""]);
            }
        }
        out.push('\n');
    }
    out
}

fn own_credentials_table() -> String {
    let mut out = head(&[
        "credential",
        "setting",
        "variables with its value",
        "variables with the path of its file",
        "systemd credential",
    ]);
    for own in own_credentials() {
        let names = |names: &mut dyn Iterator<Item = &'static str>| {
            let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
            names.join(", ")
        };
        out += &row(&[
            own.what,
            &names(&mut own.flag.into_iter()),
            &names(&mut own.value_variables()),
            &names(&mut own.file_variables()),
            &names(&mut own.credential.into_iter()),
        ]);
    }
    out
}

fn exit_codes() -> String {
    let mut out = head(&["exit code", "meaning"]);
    for exit in Exit::ALL {
        out += &row(&[&(exit as u8).to_string(), exit.meaning()]);
    }
    out
}

fn reasons() -> String {
    let mut out = head(&["reason", "meaning", "ends"]);
    for reason in Reason::ALL {
        let ends = match reason.outlook() {
            Outlook::Lasts => "when someone acts",
            Outlook::Passes => "possibly by itself",
            Outlook::Quiet => "possibly by itself; no notification",
            Outlook::Chosen => "when the operator decides",
        };
        out += &row(&[&format!("`{reason}`"), reason.meaning(), ends]);
    }
    out
}

/// Every metric as the registry has it: name, labels, help.
fn metrics() -> String {
    let mut out = head(&["metric", "labels", "meaning"]);
    for MetricFamily {
        name, labels, help, ..
    } in families()
    {
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        out += &row(&[&format!("`{name}`"), &labels.join(", "), &help]);
    }
    out
}

/// Names and labels are a contract with dashboards and alerts.
#[test]
fn metrics_keep_their_names_and_labels() {
    let text = metrics();
    for name in [
        "reconcile_total` | `result`",
        "reconcile_duration_seconds`",
        "last_reconcile_timestamp_seconds`",
        "last_success_timestamp_seconds`",
        "interval_seconds`",
        "condition` | `reason`",
        "last_run_failure` | `cause`",
        "integrations_by_reason` | `reason`",
        "integrations` | `platform`, `state`",
        "plan_changes` | `action`",
        "drifted_integrations`",
        "not_converging_integrations`",
        "http_requests_total` | `method`, `route`, `code`",
        "http_request_duration_seconds`",
        "rate_limited_total`",
        "git_fetch_total` | `result`",
        "suspended_integrations`",
        "build_info` | `version`",
    ] {
        let row = format!("| `integrationd_{name}");
        assert!(text.contains(&row), "{name}\n{text}");
    }
}
