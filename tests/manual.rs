//! Contents of a package other than the command: manual pages and completions.

use std::process::Command;

use tempfile::TempDir;

use crate::common::Integrationd;
use crate::programs::output;

/// The commands that the help shows.
fn commands() -> Vec<String> {
    let help = Integrationd::new(["-h"]).run().exits_with(0).stdout;
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let (commands, _) = commands.split_once("\n\n").unwrap();
    let names = commands
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let names: Vec<String> = names.map(str::to_owned).collect();
    assert!(names.len() > 10, "{names:?}");
    names
}

#[test]
fn every_command_has_a_manual_page_with_its_help() {
    let place = TempDir::new().unwrap();
    let all = Integrationd::new(["man", "--directory"]).arg(place.path());
    assert_eq!(all.run().exits_with(0).all(), "");
    for command in commands().iter().filter(|command| *command != "help") {
        let page = Integrationd::new(["man", command])
            .verbatim()
            .run()
            .exits_with(0);
        let path = place.path().join(format!("integrationd-{command}.1"));
        assert_eq!(std::fs::read_to_string(path).unwrap(), page.stdout);
        let title = format!(".TH integrationd-{command} 1  \"integrationd ");
        assert!(page.stdout.contains(&title), "{}", page.stdout);
    }
    let whole = place.path().join("integrationd.1");
    let whole = std::fs::read_to_string(whole).unwrap();
    assert!(whole.contains("Exit codes:\n"), "{whole}");
    assert!(place.path().join("integrationd-hook-install.1").exists());
}

#[test]
fn a_page_of_no_command_is_wrong_usage() {
    let ran = Integrationd::new(["man", "sink"]).run().exits_with(64);
    assert!(
        ran.stderr.contains("there is no command `sink`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn bash_completes_commands_and_flags() {
    let script = Integrationd::new(["completion", "bash"])
        .run()
        .exits_with(0);
    let completes = |words: &str| {
        let ask = format!(
            "{}\nCOMP_WORDS=(integrationd {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
             _integrationd integrationd \"${{COMP_WORDS[-1]}}\" integrationd; echo \"${{COMPREPLY[@]}}\"",
            script.stdout
        );
        output(Command::new("bash").args(["--norc", "-c", &ask]))
    };
    assert_eq!(completes("da"), "daemon\n");
    assert_eq!(completes("sync --dry"), "--dry-run\n");
    for shell in ["elvish", "fish", "powershell", "zsh"] {
        let ran = Integrationd::new(["completion", shell]).run().exits_with(0);
        assert!(ran.stdout.contains("dry-run"), "{shell}: {}", ran.stdout);
    }
}
