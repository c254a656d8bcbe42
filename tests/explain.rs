//! `explain`: the meaning of a diagnostic.

use std::process::Command;

use integrationd::diagnostic::{Code, Example, FileExample};
use rexpect::session::spawn_command;

use crate::common::{Integrationd, Ran};

fn explain(subject: &str) -> Ran {
    Integrationd::new(["explain", subject]).run()
}

#[test]
fn code_is_explained_with_a_wrong_and_a_right_file() {
    let ran = explain("E0301").exits_with(0);
    insta::assert_snapshot!(ran.stdout, @"
    E0301 unknown-attribute (error)

    The platform has no attribute of this name. If a newer server supports it, use `sync.extra` to send it unchecked.

    Wrong:

        type: Snowflake
        autoBootstrap: false
        config:
          host: acme.us-east-1.snowflakecomputing.com
          warehosue: IMMUTA_WH
          database: IMMUTA

        example.yaml:5:3: error[E0301]: unknown attribute `warehosue`
          |
        5 |   warehosue: …
          |   ^^^^^^^^^ not an attribute of Snowflake
          |
          = help: did you mean `warehouse`?
          = help: if a newer server supports this attribute, send it unchecked with `sync: {extra: {warehosue: …}}`

    Right:

        type: Snowflake
        autoBootstrap: false
        config:
          host: acme.us-east-1.snowflakecomputing.com
          warehouse: IMMUTA_WH
          database: IMMUTA
    ");
    assert_eq!(ran.stderr, "");
}

#[test]
fn mistake_outside_of_a_file_is_explained_in_words() {
    let ran = explain("E0105").exits_with(0);
    insta::assert_snapshot!(ran.stdout, @"
    E0105 not-utf8 (error)

    Integration files and their names must be UTF-8.

    Wrong:

    An editor saved the file in another encoding, such as Latin-1 or UTF-16:

        $ file integrations.d/warehouse.yaml
        integrations.d/warehouse.yaml: ISO-8859 text

    Right:

    Save the file as UTF-8 in your editor, or convert it:

        iconv -f latin1 -t utf-8 warehouse.yaml > converted.yaml
        mv converted.yaml warehouse.yaml
    ");
}

#[test]
fn settings_of_the_examples_are_shown() {
    let ran = explain("E0404").exits_with(0);
    let said = "validated with:\n\n    --allow-secret 'env:LAKE_TOKEN=*@lake.example.net'\n";
    assert!(ran.stdout.contains(said), "{}", ran.stdout);
}

#[test]
fn every_code_is_explained() {
    for code in Code::ALL {
        let text = explain(code.number()).exits_with(0).stdout;
        let title = format!("{code} {} ({})\n", code.slug(), code.severity().as_str());
        assert!(text.starts_with(&title), "{text}");
        let is_file = matches!(code.example(), Example::File(_));
        assert_eq!(text.contains(&format!("[{code}]: ")), is_file, "{text}");
        for part in [code.explanation(), "\nWrong:\n", "\nRight:\n"] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }
}

#[test]
fn lower_case_is_the_same_code() {
    assert_eq!(
        explain("w0602").exits_with(0).stdout,
        explain("W0602").stdout
    );
}

#[test]
fn json_has_the_same_for_programs() {
    let ran = Integrationd::new(["explain", "E0403", "-o", "json"]).run();
    insta::assert_snapshot!(ran.exits_with(0).stdout, @r#"
    {
      "format_version": 1,
      "code": "E0403",
      "slug": "unknown-variable",
      "severity": "error",
      "explanation": "The reference names a variable that the settings do not declare.",
      "flags": [
        "--var REGION=us-east-1"
      ],
      "wrong": "type: Snowflake\nautoBootstrap: false\nconfig:\n  host: acme.${var:REGOIN}.snowflakecomputing.com\n  warehouse: IMMUTA_WH\n  database: IMMUTA\n",
      "diagnostic": {
        "code": "E0403",
        "severity": "error",
        "message": "this variable is not declared",
        "place": {
          "file": "example.yaml",
          "line": 4,
          "column": 14,
          "label": "not declared",
          "excerpt": {
            "text": "  host: …",
            "start": 8,
            "end": 11
          }
        },
        "help": [
          "did you mean `${var:REGION}`?"
        ]
      },
      "right": "type: Snowflake\nautoBootstrap: false\nconfig:\n  host: acme.${var:REGION}.snowflakecomputing.com\n  warehouse: IMMUTA_WH\n  database: IMMUTA\n",
      "exit_code": 0
    }
    "#);
}

#[test]
fn json_of_a_situation_has_no_diagnostic() {
    let ran = Integrationd::new(["explain", "E0103", "-o", "json"]).run();
    let document = ran.exits_with(0).json();
    assert_eq!(document["severity"], "error");
    assert!(document["diagnostic"].is_null(), "{document}");
    assert!(
        document["wrong"].is_string() && document["right"].is_string(),
        "{document}"
    );
}

#[test]
fn unknown_code_is_wrong_usage_and_the_nearest_is_named() {
    let ran = explain("e3001").exits_with(64);
    insta::assert_snapshot!(ran.stderr, @r"
    error: no diagnostic has the code E3001
     help: did you mean E0301? see docs/diagnostics.md for all codes
    ");
    assert_eq!(ran.stdout, "");
    let ran = explain("W9999").exits_with(64);
    insta::assert_snapshot!(ran.stderr, @r"
    error: no diagnostic has the code W9999
     help: see docs/diagnostics.md for all codes
    ");
    let ran = explain("E03").exits_with(64);
    insta::assert_snapshot!(ran.stderr);
    for subject in ["E0302 ", " e0301", "E0301\n"] {
        explain(subject).exits_with(0);
    }
    for subject in ["E03011", "W06", "E12 "] {
        let ran = explain(subject).exits_with(64);
        let said = format!("no diagnostic has the code {}\n", subject.trim());
        assert!(ran.stderr.contains(&said), "{}", ran.stderr);
    }
    let json = Integrationd::new(["explain", "E9999", "-o", "json"]).run();
    let document = json.exits_with(64).json();
    assert_eq!(
        document["error"]["message"],
        "no diagnostic has the code E9999"
    );
    assert_eq!(document["exit_code"], 64);
}

#[test]
fn anything_else_is_the_name_of_an_integration() {
    let empty = tempfile::TempDir::new().unwrap();
    for subject in [
        "warehouse-prod",
        "E030x",
        "X0301",
        "e12",
        "w10",
        "E",
        "",
        "\u{1b}[31mE0301",
    ] {
        let run = Integrationd::new(["explain", subject, "--dir"]);
        let ran = run.arg(empty.path()).run().exits_with(78);
        assert!(
            ran.stderr.contains("IMMUTA_URL"),
            "{subject}: {}",
            ran.stderr
        );
        assert!(!ran.stderr.contains('\u{1b}'), "{:?}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
    Integrationd::new(["explain"]).run().exits_with(64);
}

/// Lines on a terminal with this many columns.
fn on_a_terminal(columns: usize, subject: &str) -> Vec<String> {
    let run = Integrationd::new(["explain", subject, "--color=never"]);
    let (command, _state) = run.into_command();
    let mut sized = Command::new("sh");
    let script = format!("stty rows 24 cols {columns}; exec \"$@\"");
    sized.args(["-c", &script, "sh"]);
    sized.arg(command.get_program()).args(command.get_args());
    let mut session = spawn_command(sized, Some(60_000)).unwrap();
    // Each byte comes as a character.
    let bytes = session.exp_eof().unwrap();
    let bytes = bytes.chars().map(|c| u8::try_from(c).unwrap());
    let text = String::from_utf8(bytes.collect()).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn terminal_wraps_sentences_and_keeps_examples() {
    for code in Code::ALL {
        let lines = on_a_terminal(80, code.number());
        let long = lines.iter().find(|line| line.chars().count() > 80);
        assert_eq!(long, None, "{code}");
        let piped = explain(code.number()).stdout;
        let shown = lines.join("\n");
        let is_same = shown.split_whitespace().eq(piped.split_whitespace());
        assert!(is_same, "{shown}\n{piped}");
        for line in kept(code.example()) {
            let is_kept = lines.iter().any(|shown| shown.trim() == line.trim());
            assert!(is_kept, "{line}\n{shown}");
        }
    }
}

/// The lines of an example that a terminal does not wrap: all of a file, and those of a shell.
fn kept(example: Example) -> Vec<&'static str> {
    match example {
        Example::File(FileExample { wrong, right, .. }) => {
            wrong.lines().chain(right.lines()).collect()
        }
        Example::Situation { wrong, right } => {
            let lines = wrong.lines().chain(right.lines());
            lines.filter(|line| line.starts_with(' ')).collect()
        }
    }
}

#[test]
fn narrow_terminal_wraps_paragraphs_flush_left() {
    let lines = on_a_terminal(60, "E0404");
    insta::assert_snapshot!(lines[..12].join("\n"), @"
    E0404 unbound-reference (error)

    `--allow-secret` does not allow this reference at this
    destination. Without this check, anyone who can change a
    file could send any secret to any host.

    The examples are validated with:

        --allow-secret 'env:LAKE_TOKEN=*@lake.example.net'

    Wrong:
    ");
}
