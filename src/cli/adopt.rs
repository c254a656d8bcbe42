//! `adopt`: takes live integrations over without writing to the tenant.

use std::collections::{BTreeSet, HashSet};

use jiff::Timestamp;

use super::args::{AdoptArgs, FilesArgs};
use super::failure::Failure;
use super::terminal::Terminal;
use super::{connect, state};
use crate::diagnostic;
use crate::immuta::RetryPolicy;
use crate::ledger::Seen;
use crate::ledger::place::Trust;
use crate::manifest::Manifest;
use crate::plan::{Adoption, Verdict};
use crate::report::exit::Exit;
use crate::secret::Secrets;
use crate::sync::{self, Desired, Files, Request};
use crate::text::{count, escaped};

pub(super) async fn run(args: &AdoptArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let files = FilesArgs {
        dir: args.dir.clone(),
        var: args.var.clone(),
        // Nothing is looked up.
        allow_secret: Vec::new(),
    };
    let (manifest, seen) = connect::manifest(&files, terminal)?;
    terminal.err_unfolded(&diagnostic::render(&manifest.diagnostics, true));
    check_names(&args.name, &manifest)?;
    let tenant = connect::tenant(&args.connection, RetryPolicy::default())?;
    let ledger = state::open_ledger(args.state.as_deref(), Trust::AnyForRoot, &tenant.url)?;
    let desired = Desired {
        manifest,
        files: Files::Directory(Box::new(seen)),
        // Nothing is sent, and no fingerprint is made of what was not sent.
        secrets: Secrets::default(),
        fingerprinter: None,
    };
    let mut request = Request::new(Timestamp::now());
    request.connections = args.connections.look();
    let names: HashSet<&str> = args.name.iter().map(String::as_str).collect();
    let known = ledger.read()?;
    let reader = tenant.reader(desired.known_secrets());
    let adoptions = sync::adopt(&reader, &desired, &request, &known, &names).await?;
    let at = Timestamp::now();
    let noted = adoptions
        .iter()
        .filter_map(|adoption| match &adoption.verdict {
            Verdict::Adopted(noted) => Some(noted.record(at)),
            Verdict::Owned | Verdict::Absent | Verdict::Blocked(_) => None,
        });
    ledger.note(&Seen {
        records: noted.collect(),
        gone: Vec::new(),
    })?;
    Ok(tell(&adoptions, !args.all, terminal))
}

fn check_names(names: &[String], manifest: &Manifest) -> Result<(), Failure> {
    let valid: BTreeSet<&str> = manifest
        .integrations
        .iter()
        .map(|i| i.name.as_str())
        .collect();
    match names.iter().find(|name| !valid.contains(name.as_str())) {
        None => Ok(()),
        Some(name) => Err(Failure::new(
            Exit::Usage,
            format_args!("no valid file describes {name}"),
            "`integrationd validate` shows the names and what is wrong with the files",
        )),
    }
}

/// What came of it. With `--all` what is not there is no failure.
fn tell(adoptions: &[Adoption], by_name: bool, terminal: Terminal) -> Exit {
    let mut adopted = 0;
    let mut failed = 0;
    for Adoption { name, verdict } in adoptions {
        let line = match verdict {
            Verdict::Adopted(noted) => {
                adopted += 1;
                let id = noted.id.to_string();
                format!(
                    "  ✓ {name} (id {}) is integrationd's own now\n",
                    escaped(&id)
                )
            }
            Verdict::Owned if by_name => format!("  = {name} is integrationd's own already\n"),
            Verdict::Absent if by_name => {
                failed += 1;
                format!("  ✗ {name}: nothing live is like it; `integrationd sync` creates it\n")
            }
            Verdict::Blocked(block) => {
                failed += usize::from(by_name);
                let (what, help) = (block.to_string(), block.help());
                let (what, help) = (escaped(&what), escaped(&help));
                format!("  ✗ {name}: {what}\n      help: {help}\n")
            }
            Verdict::Owned | Verdict::Absent => continue,
        };
        terminal.out(&line);
    }
    let what = count(adopted, "integration");
    terminal.out(&format!(
        "Adopted {what}; nothing was sent to the tenant.\n"
    ));
    if failed == 0 {
        Exit::Success
    } else if adopted == 0 {
        Exit::Failed
    } else {
        Exit::Partial
    }
}
