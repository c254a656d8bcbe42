//! The formats for pipelines and forges.

use std::fs;

use http::Method;
use integrationd::simulator::{FailedTest, FaultKind};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Ran, Tenant, in_sync, lake, snowflake};

/// Files of which one has a mistake, one a warning in the text of a value, and one a value that
/// tries to leave each format.
fn hostile() -> Files {
    Files::none()
        .with("good.yaml", &snowflake("good"))
        .with("bad.yaml", "type: Snowflke\n")
        .with(
            "evil.yaml",
            &lake("evil", "${env:LAKE_TOKEN}").replace("/p", EVIL),
        )
}

/// A YAML text with line breaks.
const EVIL: &str = r#""/p\n::error::owned\n##[error]owned\n```\n<script>@all</script>|\u001b[31m""#;

fn planned(format: &str, files: &Files, tenant: &Tenant) -> Ran {
    let run = Integrationd::new(["sync", "--dry-run", "-o", format]);
    let run = run.env("LAKE_TOKEN", "token-of-the-lake");
    run.on(tenant).with(files).run()
}

fn checked(format: &str, files: &Files) -> Ran {
    let run = Integrationd::new(["validate", "-o", format]);
    run.with(files).run().exits_with(65)
}

#[test]
fn each_command_has_the_formats_that_make_sense() {
    let tenant = Tenant::empty();
    let files = Files::none().with("a.yaml", &snowflake("a"));
    for format in ["text", "json", "ndjson", "markdown", "github", "gitlab"] {
        planned(format, &files, &tenant).exits_with(0);
    }
    for format in ["sarif", "junit", "xml"] {
        planned(format, &files, &tenant).exits_with(64);
    }
    let list = |format: &str| Integrationd::new(["list", "-o", format]).on(&tenant).run();
    for format in ["text", "json", "ndjson", "markdown"] {
        list(format).exits_with(0);
    }
    for format in ["github", "gitlab", "sarif", "junit"] {
        list(format).exits_with(64);
    }
    let history = Integrationd::new(["history", "-o", "markdown"]);
    history.on(&tenant).run().exits_with(64);
}

#[test]
fn every_line_of_ndjson_has_a_type() {
    let ran = planned("ndjson", &hostile(), &Tenant::empty()).exits_with(65);
    let lines = ran.stdout.lines().map(serde_json::from_str);
    let lines: Vec<Json> = lines.collect::<Result<_, _>>().unwrap();
    let types: Vec<&str> = lines
        .iter()
        .map(|it| it["type"].as_str().unwrap())
        .collect();
    let expected = ["diagnostic", "action", "action", "action", "run"];
    assert_eq!(types, expected);
    assert_eq!(lines[2]["platform"], "Databricks");
    let run = lines.last().unwrap();
    assert_eq!(run["format_version"], 1);
    assert_eq!(run["plan"]["summary"]["create"], 2);
    assert!(run["plan"].get("actions").is_none(), "{run:#}");
}

#[test]
fn comment_is_one_for_each_tenant_and_shows_everything() {
    let tenant = Tenant::empty();
    let first = planned("markdown", &hostile(), &tenant)
        .exits_with(65)
        .stdout;
    let url = tenant.url().replace(':', "&#58;");
    let shown = first.replace(&url, "[TENANT]");
    insta::assert_snapshot!("comment_of_a_plan", shown);
    let (_, files) = in_sync();
    let second = planned("markdown", &files, &tenant).stdout;
    let marker = first.lines().next().unwrap();
    assert!(
        marker.starts_with("<!-- integrationd: Plan for "),
        "{marker}"
    );
    assert_eq!(second.lines().next().unwrap(), marker);
}

#[test]
fn text_adds_no_markup_to_the_comment() {
    let comment = planned("markdown", &hostile(), &Tenant::empty()).stdout;
    let mut fence = None;
    let mut fences = 0;
    for line in comment.lines() {
        let ticks = line.len() - line.trim_start_matches('`').len();
        match fence {
            None if ticks >= 3 => fence = Some(ticks),
            Some(open) if ticks >= open => {
                assert_eq!(line.len(), ticks, "{comment}");
                fence = None;
                fences += 1;
            }
            Some(_) => {}
            None => {
                let is_markup = line.contains("<script") || line.contains("@all");
                assert!(!is_markup, "{comment}");
            }
        }
    }
    // One for each integration, and none is left open.
    assert_eq!((fence, fences), (None, 3), "{comment}");
    assert!(!comment.contains('\u{1b}'), "{comment}");
}

#[test]
fn long_comment_is_cut_and_says_how_much() {
    let mut files = Files::none();
    for number in 0..900 {
        let host = format!("w{number:04}");
        files = files.with(&format!("{host}.yaml"), &snowflake(&host));
    }
    let comment = planned("markdown", &files, &Tenant::empty())
        .exits_with(0)
        .stdout;
    assert!(comment.len() < 65_536, "{}", comment.len());
    assert!(comment.contains("Plan: 900 to create"), "{comment}");
    let rows = comment
        .lines()
        .filter(|line| line.starts_with("|  |"))
        .count();
    let left_out = format!("{} more integrations are not shown here.", 900 - rows);
    assert!(comment.contains(&format!("\n{left_out}")), "{comment}");
    let folded = comment.matches("<details>").count();
    let left_out = format!("The details of {} more integrations", 900 - folded);
    assert!(comment.contains(&left_out), "{comment}");
}

#[test]
fn annotations_stand_at_their_lines_and_no_text_is_a_command() {
    let place = TempDir::new().unwrap();
    let summary = place.path().join("summary.md");
    fs::write(&summary, "before\n").unwrap();
    let run = Integrationd::new(["sync", "--dry-run", "-o", "github"]);
    let run = run.env("GITHUB_STEP_SUMMARY", summary.to_str().unwrap());
    let tenant = Tenant::empty();
    let run = run.env("LAKE_TOKEN", "x").on(&tenant);
    let ran = run.with(&hostile()).run().exits_with(65);
    let commands: Vec<&str> = ran.stdout.lines().collect();
    let is_own = |line: &&&str| {
        ["::error file=", "::notice file="]
            .iter()
            .any(|it| line.starts_with(it))
    };
    let (own, rest): (Vec<&str>, Vec<&str>) = commands.iter().partition(|line| is_own(line));
    assert_eq!(own.len(), 4, "{}", ran.stdout);
    assert_eq!(rest.len(), 1, "{}", ran.stdout);
    assert!(rest[0].starts_with("Plan: 2 to create"), "{}", ran.stdout);
    let mistake = "bad.yaml,line=1,col=7,title=E0204::unknown type";
    assert!(own[0].contains(mistake), "{}", own[0]);
    let summary = fs::read_to_string(summary).unwrap();
    assert!(
        summary.starts_with("before\n<!-- integrationd: "),
        "{summary}"
    );
}

#[test]
fn failed_write_is_an_annotation() {
    let (tenant, files) = in_sync();
    files.change("snowflake.yaml", "IMMUTA_WH", "SMALL_WH");
    let test = FailedTest {
        test: "Validate connection".to_owned(),
        message: "no".to_owned(),
    };
    let fault = FaultKind::EditError(test);
    tenant.fails_once(&Method::PUT, "/integrations/{id}", fault);
    let run = Integrationd::new(["sync", "--yes", "-o", "github"]);
    let ran = run.on(&tenant).with(&files).run().exits_with(1);
    let title = "title=snowflake-prod%3A update failed::";
    assert!(ran.stdout.contains(title), "{}", ran.stdout);
}

#[test]
fn reports_of_gitlab_are_counts_and_issues() {
    let counts = planned("gitlab", &hostile(), &Tenant::empty()).json();
    assert_eq!(counts, json!({ "create": 2, "update": 0, "delete": 0 }));
    let twice = Files::none()
        .with("a.yaml", "type: Snowflke\n---\ntype: Snowflke\n")
        .with("b.yaml", "type: Snowflke\n");
    let issues = checked("gitlab", &twice).json();
    let issues = issues.as_array().unwrap();
    let mut prints: Vec<&str> = Vec::new();
    for issue in issues {
        assert!(issue["description"].is_string() && issue["check_name"].is_string());
        assert_eq!(issue["severity"], "critical");
        assert!(issue["location"]["lines"]["begin"].as_u64() > Some(0));
        assert!(
            issue["location"]["path"]
                .as_str()
                .unwrap()
                .ends_with(".yaml")
        );
        prints.push(issue["fingerprint"].as_str().unwrap());
    }
    assert!(prints.len() > 2, "{issues:?}");
    prints.sort_unstable();
    prints.dedup();
    assert_eq!(prints.len(), issues.len());
}

#[test]
fn sarif_has_a_rule_and_a_place_for_each_result() {
    let log = checked("sarif", &hostile()).json();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert!(!results.is_empty());
    for result in results {
        let rule = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        let rules = &run["tool"]["driver"]["rules"];
        assert_eq!(rules[rule]["id"], result["ruleId"], "{log:#}");
        assert!(rules[rule]["shortDescription"]["text"].is_string());
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["region"]["startLine"].as_u64() > Some(0), "{log:#}");
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(uri.ends_with("bad.yaml"), "{uri}");
    }
    assert_eq!(run["invocations"][0]["exitCode"], 65);
}

#[test]
fn junit_has_a_case_for_each_integration() {
    let xml = checked("junit", &hostile()).stdout;
    assert!(xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites "));
    assert_eq!(xml.matches("<testcase ").count(), 3, "{xml}");
    assert_eq!(xml.matches("<failure ").count(), 1, "{xml}");
    assert!(
        xml.contains("tests=\"3\" failures=\"1\" errors=\"0\""),
        "{xml}"
    );
    assert!(!xml.contains('\u{1b}') && !xml.contains("<script"), "{xml}");
}

#[test]
fn failure_without_a_result_is_in_every_format() {
    let of = |format: &str| Integrationd::new(["validate", "nowhere", "-o", format]).run();
    for format in ["ndjson", "markdown", "github", "sarif", "junit"] {
        let ran = of(format).exits_with(1);
        assert!(ran.stdout.contains("nowhere"), "{format}\n{}", ran.stdout);
    }
    let gitlab = of("gitlab").exits_with(1);
    assert_eq!(gitlab.json(), json!([]));
    assert!(gitlab.stderr.contains("nowhere"), "{}", gitlab.stderr);
}
