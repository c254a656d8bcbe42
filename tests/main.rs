//! The integration tests, in one binary: one link instead of one for each theme.
//! `cfg(test)` is always true here; by it Clippy knows that these modules are tests.

#[cfg(test)]
mod absence;
#[cfg(test)]
mod accepted;
#[cfg(test)]
mod adopt;
#[cfg(test)]
mod api_facts;
#[cfg(test)]
mod architecture;
#[cfg(test)]
mod bindings;
#[cfg(test)]
mod bodies;
#[cfg(test)]
mod booted;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod canary;
#[cfg(test)]
mod carried;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod compared;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod contested;
#[cfg(test)]
mod converge;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod daemon;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod deny;
#[cfg(test)]
mod diagnostics;
#[cfg(test)]
mod end_to_end;
#[cfg(test)]
mod exit_codes;
#[cfg(test)]
mod expected;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod explained;
#[cfg(test)]
mod explorer;
#[cfg(test)]
mod export;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod follow_up;
#[cfg(test)]
mod formats;
#[cfg(test)]
mod git;
#[cfg(test)]
mod guard;
#[cfg(test)]
mod guides;
#[cfg(test)]
mod handed;
#[cfg(test)]
mod hook;
#[cfg(test)]
mod http;
#[cfg(test)]
mod hygiene;
#[cfg(test)]
mod interrupt;
#[cfg(test)]
mod json;
#[cfg(test)]
mod list;
#[cfg(test)]
mod log;
#[cfg(test)]
mod lost_answers;
#[cfg(test)]
mod manual;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod missing;
#[cfg(test)]
mod not_shown;
#[cfg(test)]
mod notify;
#[cfg(test)]
mod output;
#[cfg(test)]
mod own;
#[cfg(test)]
mod pairing;
#[cfg(test)]
mod parameters;
#[cfg(test)]
mod ping;
#[cfg(test)]
mod planning;
#[cfg(test)]
mod platforms;
#[cfg(test)]
mod preset;
#[cfg(test)]
mod profile;
#[cfg(test)]
mod profile_reads;
#[cfg(test)]
mod profile_twin;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod pushed;
#[cfg(test)]
mod races;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod removal;
#[cfg(test)]
mod replacement;
#[cfg(test)]
mod resend;
#[cfg(test)]
mod results;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod script_kinds;
#[cfg(test)]
mod script_plan;
#[cfg(test)]
mod scripts;
#[cfg(test)]
mod scrubbed;
#[cfg(test)]
mod secrecy;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod settings_file;
#[cfg(test)]
mod simulator_command;
#[cfg(test)]
mod snippet;
#[cfg(test)]
mod sops;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod state;
#[cfg(test)]
mod status;
#[cfg(test)]
mod stored_secrets;
#[cfg(test)]
mod supply;
#[cfg(test)]
mod support;
#[cfg(test)]
mod suspend;
#[cfg(test)]
mod sync;
#[cfg(test)]
mod systemd;
#[cfg(test)]
mod terminal;
#[cfg(test)]
mod tiers;
#[cfg(test)]
mod updates;
#[cfg(test)]
mod variables;
#[cfg(test)]
mod vault;
#[cfg(test)]
mod webhook;

#[cfg(test)]
use support::{
    common, fault_kinds, forge, in_process, payload, plain, profiled, programs, stub, texts, web,
    world,
};
