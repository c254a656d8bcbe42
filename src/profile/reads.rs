//! The reads from which a profile is made: how many of them failed, and in which way.

use std::collections::{BTreeMap, BTreeSet};

use super::{LIST, STATUS};
use crate::simulator::UnusableResponse;
use crate::text::count;

/// Outcome of one read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReadOutcome {
    /// The answer was the expected one, with the status 200.
    Good,
    /// The answer had another status.
    Status(u16),
    /// No answer came, or one with the status 200 that could not be used.
    Unusable(UnusableResponse),
}

/// The number of reads by operation and outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TenantReads(BTreeMap<&'static str, BTreeMap<ReadOutcome, usize>>);

/// The reads of one operation, some of which failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedReads {
    /// True if not one of them succeeded.
    pub are_all: bool,
    /// The operation, the numbers, and the ways in which they failed.
    pub what: String,
}

impl TenantReads {
    /// Counts a read of an operation.
    pub fn record(&mut self, operation: &'static str, outcome: ReadOutcome) {
        let outcomes = self.0.entry(operation).or_default();
        *outcomes.entry(outcome).or_default() += 1;
    }

    /// The status codes, by operation.
    pub(super) fn codes(&self) -> BTreeMap<String, BTreeSet<u16>> {
        self.each(|outcome| match outcome {
            ReadOutcome::Good => Some(200),
            ReadOutcome::Status(code) => Some(code),
            ReadOutcome::Unusable(UnusableResponse::NoResponse) => None,
            ReadOutcome::Unusable(
                UnusableResponse::Empty
                | UnusableResponse::Html
                | UnusableResponse::NotJson
                | UnusableResponse::OtherJson
                | UnusableResponse::TooLarge,
            ) => Some(200),
        })
    }

    /// The answers that could not be used, by operation.
    pub(super) fn unusable(&self) -> BTreeMap<String, BTreeSet<UnusableResponse>> {
        self.each(|outcome| match outcome {
            ReadOutcome::Good | ReadOutcome::Status(_) => None,
            ReadOutcome::Unusable(form) => Some(form),
        })
    }

    /// One value of each outcome, by operation. An operation without any value is left out.
    fn each<T: Ord>(&self, of: impl Fn(ReadOutcome) -> Option<T>) -> BTreeMap<String, BTreeSet<T>> {
        let all = self.0.iter().map(|(operation, outcomes)| {
            let values: BTreeSet<T> = outcomes.keys().filter_map(|it| of(*it)).collect();
            ((*operation).to_owned(), values)
        });
        all.filter(|(_, values)| !values.is_empty()).collect()
    }

    /// The operations of which reads failed.
    #[must_use]
    pub fn failed(&self) -> Vec<FailedReads> {
        let operations = self.0.iter();
        operations
            .filter_map(|(operation, outcomes)| failed_reads(operation, outcomes))
            .collect()
    }
}

fn failed_reads(operation: &str, outcomes: &BTreeMap<ReadOutcome, usize>) -> Option<FailedReads> {
    let all: usize = outcomes.values().sum();
    let good = outcomes.get(&ReadOutcome::Good).copied().unwrap_or(0);
    let failed = all - good;
    if failed == 0 {
        return None;
    }
    let ways = outcomes.iter().filter_map(|(outcome, number)| {
        let way = match outcome {
            ReadOutcome::Good => return None,
            ReadOutcome::Status(code) => format!("with status {code}"),
            ReadOutcome::Unusable(UnusableResponse::NoResponse) => "without a response".to_owned(),
            ReadOutcome::Unusable(form) => format!("with {}", words(operation, *form)),
        };
        Some(format!("{number} {way}"))
    });
    let ways: Vec<String> = ways.collect();
    let reads = count(all, "read");
    let numbers = match (good, all) {
        (0, 1) => "the only read".to_owned(),
        (0, _) => format!("all {reads}"),
        (_, _) => format!("{failed} of {reads}"),
    };
    Some(FailedReads {
        are_all: good == 0,
        what: format!("{numbers} of `{operation}` failed: {}", ways.join(", ")),
    })
}

/// The words for a response that could not be used.
pub(super) fn words(operation: &str, form: UnusableResponse) -> &'static str {
    match form {
        UnusableResponse::NoResponse => "no response",
        UnusableResponse::Empty => "an empty response",
        UnusableResponse::Html => "an HTML page, such as the login page of a proxy",
        UnusableResponse::NotJson => "invalid JSON",
        UnusableResponse::OtherJson => match operation {
            LIST => "JSON that is not a list of integrations",
            STATUS => "JSON that is not a status",
            _ => "JSON that is not the integration",
        },
        UnusableResponse::TooLarge => "too many values for a response from Immuta",
    }
}

#[cfg(test)]
mod tests {
    use super::super::DETAIL;
    use super::*;

    fn failed(outcomes: &[ReadOutcome]) -> Vec<FailedReads> {
        let mut reads = TenantReads::default();
        for outcome in outcomes {
            reads.record(DETAIL, *outcome);
        }
        reads.failed()
    }

    #[test]
    fn failed_reads_are_counted_by_their_form() {
        let html = ReadOutcome::Unusable(UnusableResponse::Html);
        let none = ReadOutcome::Unusable(UnusableResponse::NoResponse);
        let refused = ReadOutcome::Status(403);
        let some = failed(&[html, ReadOutcome::Good, refused, none, refused]);
        let [some] = some.as_slice() else {
            panic!("{some:?}");
        };
        assert!(!some.are_all);
        insta::assert_snapshot!(some.what, @"4 of 5 reads of `GET /integrations/{id}` failed: 2 with status 403, 1 without a response, 1 with an HTML page, such as the login page of a proxy");
        let all = failed(&[refused, refused]);
        assert!(all[0].are_all);
        insta::assert_snapshot!(all[0].what, @"all 2 reads of `GET /integrations/{id}` failed: 2 with status 403");
        insta::assert_snapshot!(failed(&[none])[0].what, @"the only read of `GET /integrations/{id}` failed: 1 without a response");
        assert_eq!(failed(&[ReadOutcome::Good]), []);
        assert_eq!(failed(&[]), []);
    }
}
