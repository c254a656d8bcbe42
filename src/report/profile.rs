//! The profile of a tenant, on the terminal: everything that is not as documented.

use std::fmt::Write as _;
use std::path::Path;

use anstyle::{AnsiColor, Style};

use crate::profile::{Deviation, deviations};
use crate::simulator::TenantProfile;
use crate::text::{count, escaped};

/// Help text for a profile that is made from some of the reads only.
pub const INCOMPLETE: &str = "the profile is incomplete, but useful in a report; to complete it, \
    fix the cause and run the command again";

/// The lines about a profile that was written to this file, or to standard output.
#[must_use]
pub fn written(profile: &TenantProfile, file: Option<&Path>) -> String {
    let deviations = deviations(profile);
    let place = file.map_or_else(
        || "standard output".to_owned(),
        |file| file.display().to_string(),
    );
    let mut out = format!(
        "\nThe profile was written to {}. It contains no values from the tenant.\n",
        escaped(&place)
    );
    // It fails only where the text cannot grow.
    let _ = match deviations.len() {
        0 => writeln!(out, "The tenant matches the documentation (docs/API.md)."),
        all => writeln!(
            out,
            "{} from docs/API.md; those that matter to integrationd are listed first:",
            count(all, "deviation")
        ),
    };
    let (matters, harmless): (Vec<_>, Vec<_>) = deviations.iter().partition(|it| it.matters);
    for deviation in matters.into_iter().chain(harmless) {
        out.push_str(&line(deviation));
    }
    out
}

fn line(deviation: &Deviation) -> String {
    let (word, style) = if deviation.matters {
        ("matters", AnsiColor::Yellow.on_default())
    } else {
        ("harmless", Style::new().dimmed())
    };
    let what = escaped(&deviation.what);
    format!("  {style}{word:8}{style:#}  {what}: {}\n", deviation.effect)
}
