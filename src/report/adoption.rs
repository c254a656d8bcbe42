//! The result of `adopt`.

use std::fmt::Write as _;

use serde::Serialize;

use super::document::Document;
use super::exit::Exit;
use crate::follow_up::command;
use crate::plan::{AdoptedSecrets, Adoption, AdoptionResult, Block, StateUpdate};
use crate::text::{count, escaped};

/// The document of `adopt`.
#[derive(Serialize)]
pub struct AdoptionDocument<'a> {
    adopted: Vec<&'a str>,
    recorded: Vec<&'a str>,
    failed: Vec<&'a str>,
    /// Number of stored secrets that are not compared.
    not_compared: usize,
    #[serde(skip)]
    lines: String,
}

impl<'a> AdoptionDocument<'a> {
    /// Of what was decided for each integration. Where none was named, one that does not
    /// exist is no failure.
    #[must_use]
    pub fn new(adoptions: &'a [Adoption], is_named: bool, assumed: AdoptedSecrets) -> Self {
        let mut document = Self {
            adopted: Vec::new(),
            recorded: Vec::new(),
            failed: Vec::new(),
            not_compared: 0,
            lines: String::new(),
        };
        for adoption in adoptions {
            document.add(adoption, is_named, assumed);
        }
        document
    }

    fn add(&mut self, adoption: &'a Adoption, is_named: bool, assumed: AdoptedSecrets) {
        let Adoption { name, verdict } = adoption;
        let out = &mut self.lines;
        // It fails only where the text cannot grow.
        let _ = match verdict {
            AdoptionResult::Adopted(update) => {
                self.adopted.push(name);
                let secrets = update.state.applied.secrets.values();
                self.not_compared += secrets.filter(|secret| secret.is_none()).count();
                let id = escaped(update.id.as_str());
                let secrets = of_secrets(update, assumed);
                writeln!(out, "  ✓ {name} (id {id}) adopted{secrets}")
            }
            AdoptionResult::SecretsOnly(update) => {
                self.recorded.push(name);
                let secrets = of_secrets(update, assumed);
                writeln!(out, "  ✓ {name} is already owned by integrationd{secrets}")
            }
            AdoptionResult::Owned if is_named => {
                writeln!(out, "  = {name} is already owned by integrationd")
            }
            AdoptionResult::Absent if is_named => {
                self.failed.push(name);
                writeln!(
                    out,
                    "  ✗ {name}: no live integration matches the file; run `{}` to create the \
                    integration",
                    command("sync", &[])
                )
            }
            AdoptionResult::Blocked(block) => {
                if is_named || is_certain(block) {
                    self.failed.push(name);
                }
                let (what, help) = (block.to_string(), block.help());
                let (what, help) = (escaped(&what), escaped(&help));
                writeln!(out, "  ✗ {name}: {what}\n      help: {help}")
            }
            AdoptionResult::Owned | AdoptionResult::Absent => Ok(()),
        };
    }

    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        if self.failed.is_empty() {
            Exit::Success
        } else if self.adopted.is_empty() && self.recorded.is_empty() {
            Exit::Failed
        } else {
            Exit::Partial
        }
    }
}

/// True if the file means this integration; otherwise it does so only probably.
fn is_certain(block: &Block) -> bool {
    matches!(
        block,
        Block::MissingSecret { .. } | Block::OwnedByConnection { .. } | Block::OwnersUnknown { .. }
    )
}

/// Text about the secrets that were recorded.
fn of_secrets(update: &StateUpdate, assumed: AdoptedSecrets) -> String {
    let secrets = &update.state.applied.secrets;
    if secrets.is_empty() {
        return String::new();
    }
    let secrets = count(secrets.len(), "stored secret");
    match assumed {
        AdoptedSecrets::Unknown => String::new(),
        AdoptedSecrets::Applied => format!("; {secrets} recorded as applied"),
        AdoptedSecrets::ToSend => format!("; the next sync sends {secrets}"),
    }
}

impl Document for AdoptionDocument<'_> {
    fn text(&self) -> String {
        let what = count(self.adopted.len(), "integration");
        let mut out = format!(
            "{}Adopted {what}; nothing was sent to the tenant.\n",
            self.lines
        );
        if self.not_compared > 0 {
            let _ = writeln!(
                out,
                "Not compared: {}. Use `--secrets assume` if the server already has them, or \
                `--secrets send` to send them with the next sync.",
                count(self.not_compared, "stored secret")
            );
        }
        out
    }
}
