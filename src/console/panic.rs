//! Report of a panic: its location, and nothing of its message.
//!
//! A message that was composed at the time of the panic may contain anything, including a
//! secret: `unwrap` alone repeats the value of an error. Only a text that is literal in the
//! source is shown. The line goes straight to standard error: the panicking code may hold the
//! locks of the log and of the progress.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, Write};
use std::panic::{self, Location, PanicHookInfo};
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use serde_json::json;

use super::LogFormat;
use crate::text::escaped;

/// True if the log consists of JSON objects, between which no other line may appear.
static AS_JSON: AtomicBool = AtomicBool::new(false);

/// True while a panic is expected. The code that expects the panic reports it.
static IS_EXPECTED: AtomicBool = AtomicBool::new(false);

/// The remedy.
pub(crate) const HELP: &str = "this is a bug: please report it with the location above";

/// Placeholder for a message that may contain a secret.
const WITHHELD: &str = "(the message is omitted because it could contain a secret)";

/// Installs the hook that reports every panic in this way.
pub(crate) fn report() {
    panic::set_hook(Box::new(|info| {
        if IS_EXPECTED.load(Ordering::Relaxed) {
            return;
        }
        let text = description(info, AS_JSON.load(Ordering::Relaxed));
        // There is no other place for the report.
        let _ = io::stderr().write_all(text.as_bytes());
    }));
}

/// Runs something whose panic is not a bug; `None` if it panicked. Nothing else may run
/// meanwhile: its panic would not be reported either.
pub(crate) fn expected<T>(run: impl FnOnce() -> T + panic::UnwindSafe) -> Option<T> {
    IS_EXPECTED.store(true, Ordering::Relaxed);
    let done = panic::catch_unwind(run);
    IS_EXPECTED.store(false, Ordering::Relaxed);
    done.ok()
}

/// Reports panics in the format of the log.
pub(crate) fn report_as(format: LogFormat) {
    let as_json = match format {
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    AS_JSON.store(as_json, Ordering::Relaxed);
}

/// Variable with which a test has the program panic; in a debug build alone.
#[cfg(debug_assertions)]
const REQUEST: &str = "INTEGRATIOND_DEBUG_PANIC";

/// Panics with the text of a test.
#[cfg(debug_assertions)]
#[expect(clippy::panic, reason = "not in a release build")]
pub(crate) fn on_request() {
    if let Ok(text) = std::env::var(REQUEST) {
        panic!("a test asked for it: {text}");
    }
}

/// Does nothing: no release build panics on purpose.
#[cfg(not(debug_assertions))]
pub(crate) fn on_request() {}

fn description(info: &PanicHookInfo<'_>, as_json: bool) -> String {
    let place = info.location().map(Location::to_string);
    let place = place.as_deref().unwrap_or("an unknown location");
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("<unnamed>");
    // Function names and places alone, and only where it is asked for.
    let backtrace = Backtrace::capture();
    let has_backtrace = backtrace.status() == BacktraceStatus::Captured;
    let backtrace = has_backtrace.then(|| backtrace.to_string());
    if as_json {
        let line = json!({
            "timestamp": Timestamp::now().to_string(),
            "level": "ERROR",
            "target": "integrationd",
            "message": format!("integrationd panicked: {}", message(info.payload())),
            "location": place,
            "thread": thread,
            "backtrace": backtrace,
            "help": HELP,
        });
        return format!("{line}\n");
    }
    format!(
        "error: integrationd panicked at {} in thread {}: {}\n help: {HELP}\n{}",
        escaped(place),
        escaped(thread),
        escaped(message(info.payload())),
        backtrace.unwrap_or_default(),
    )
}

/// A text of the source is a `&str`; one that was put together is a `String`.
fn message(payload: &(dyn Any + Send)) -> &'static str {
    payload.downcast_ref().copied().unwrap_or(WITHHELD)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use serde_json::Value;

    use super::*;

    /// Passes the format of the report to the second process, which panics with a secret.
    const TASK: &str = "INTEGRATIOND_TEST_PANIC";

    /// Text that no line may contain, whole or in part.
    const SECRET: &str = "hunter2-\u{1b}[31m-swordfish";

    /// The hook's report in a separate process: the hook applies to the whole process, and the
    /// other tests have their own.
    fn told_by_a_process(form: &str) -> String {
        let task = concat!(module_path!(), "::panics_with_a_secret");
        let (_, task) = task.split_once("::").unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored", "--nocapture", task])
            .env(TASK, form)
            .env("RUST_BACKTRACE", "1")
            .output()
            .unwrap();
        let all = [output.stdout, output.stderr].concat();
        let all = String::from_utf8(all).unwrap();
        for piece in ["hunter2", "swordfish", "\u{1b}"] {
            assert!(!all.contains(piece), "{all}");
        }
        all
    }

    #[test]
    #[ignore = "a task for the tests around it, not a test"]
    fn panics_with_a_secret() {
        let Ok(form) = std::env::var(TASK) else {
            return;
        };
        report();
        report_as(match form.as_str() {
            "json" => LogFormat::Json,
            _ => LogFormat::Text,
        });
        let secret = SECRET.to_owned();
        let refused = |text: &str| Err::<(), String>(text.to_owned());
        let outcomes = [
            panic::catch_unwind(|| panic!("the password is {secret}")),
            panic::catch_unwind(|| refused(&secret).unwrap()),
            panic::catch_unwind(|| assert_eq!(secret, "another")),
            panic::catch_unwind(|| panic::panic_any(secret.clone().into_bytes())),
            panic::catch_unwind(|| panic!("a text of the source")),
        ];
        assert!(outcomes.iter().all(Result::is_err));
    }

    #[test]
    fn panic_shows_its_place_and_not_its_message() {
        let all = told_by_a_process("text");
        let lines = |start: &str| all.lines().filter(|l| l.starts_with(start)).count();
        assert_eq!(
            lines("error: integrationd panicked at src/console/panic.rs:"),
            5
        );
        assert_eq!(all.matches(WITHHELD).count(), 4, "{all}");
        assert!(all.contains(": a text of the source\n"), "{all}");
        assert_eq!(lines(" help: this is a bug: please report it"), 5);
        assert!(all.contains("panics_with_a_secret"), "no backtrace: {all}");
    }

    #[test]
    fn a_panic_is_one_object_in_a_log_of_objects() {
        let all = told_by_a_process("json");
        let lines = all.lines().filter(|line| line.starts_with('{'));
        let lines: Vec<Value> = lines.map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!(lines.len(), 5, "{all}");
        for line in lines {
            assert_eq!(line["level"], "ERROR");
            let message = line["message"].as_str().unwrap();
            assert!(message.starts_with("integrationd panicked: "), "{message}");
            let place = line["location"].as_str().unwrap();
            assert!(place.starts_with("src/console/panic.rs:"), "{place}");
        }
    }
}
