//! Faults on demand, as data: what goes wrong, at which requests, how often.
//!
//! A request may meet several faults. At most one of them decides the answer;
//! the others that decide one wait for the next request, so that a list of
//! faults reads as a sequence. Delays, rewritten values and failures that show
//! later go along with it, unless the request never takes effect.

use std::time::Duration;

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::route::Route;

/// One fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The method it waits for; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The path it waits for; any when absent. `{…}` stands for one segment, as
    /// in `/integrations/{id}`, and a `*` at the end for any rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Kind of the fault.
    pub kind: FaultKind,
    /// Number of matching requests to skip first.
    #[serde(default)]
    pub skip: u64,
    /// Number of affected requests; unlimited if `null`. One if absent.
    #[serde(default = "once")]
    pub times: Option<u64>,
}

/// Kind of a fault. A kind that applies only to some operations waits for one of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// No connection. Over HTTP the connection is taken and closed at once.
    Refuse,
    /// The connection dies before the request has any effect.
    DropBefore,
    /// The connection dies after the effect, without an answer.
    DropAfter,
    /// The request takes effect late. It does so even when the caller has gone.
    Delay {
        /// By how many milliseconds.
        ms: u64,
    },
    /// The request takes effect at once and is answered late.
    DelayAfter {
        /// By how many milliseconds.
        ms: u64,
    },
    /// The answer breaks off in the middle.
    Truncate,
    /// 429, without effect.
    TooManyRequests {
        /// The `Retry-After` header; none when absent.
        #[serde(default)]
        retry_after: Option<RetryAfter>,
    },
    /// A 5xx.
    ServerError {
        /// The HTTP status.
        code: u16,
        /// True if the request takes effect all the same.
        #[serde(default)]
        after_effect: bool,
    },
    /// 404 in the error envelope with these words, such as a framework's for a path that
    /// it does not know.
    NotFound {
        /// Its message.
        message: String,
    },
    /// The answer is a part of the whole by its status, 206, and the whole by its body.
    PartialContent,
    /// The answer to a create names this integration.
    NamesAnother {
        /// The id.
        id: u64,
    },
    /// 200 with a page of HTML.
    Html {
        /// True if the request takes effect all the same.
        #[serde(default)]
        after_effect: bool,
    },
    /// The list is an object.
    NotArray,
    /// The list lacks its last elements.
    PartialList {
        /// Number of dropped elements.
        drop: usize,
    },
    /// One element of the list cannot be read.
    BrokenElement {
        /// Index of the element, from 0.
        #[serde(default)]
        index: usize,
        /// In what way.
        breakage: Breakage,
    },
    /// The server stores another value than the one sent.
    Rewrite {
        /// The attribute below `config`, such as `/audit/enabled` or `audit.enabled`.
        path: String,
        /// Value to store; `null` removes the attribute.
        value: Value,
    },
    /// The creation is taken on and fails later.
    CreateError(FailedTest),
    /// The edit is taken on, fails later and is rolled back.
    EditError(FailedTest),
    /// The deletion is taken on, fails later and is rolled back.
    DeleteError(FailedTest),
    /// 422 whose message holds the body that was sent, secrets included.
    EchoBody,
    /// 403 with a message of its own.
    Forbid {
        /// Its message.
        message: String,
    },
    /// The answer has this value in a place where another belongs: a server that
    /// mixes fields up.
    Misplace {
        /// The place in every integration of the answer: `/id`, `/config/httpPath`.
        path: String,
        /// The value in this place.
        value: Value,
    },
    /// 422.
    Unprocessable {
        /// Its message.
        message: String,
    },
    /// 409.
    Conflict {
        /// Its message.
        message: String,
    },
    /// The answer reports this status.
    StatusWord {
        /// The word.
        word: String,
    },
    /// The write is taken on and never ends.
    Stuck,
    /// Every token expires before the request is processed.
    ExpireToken,
}

/// Format of the time in a `Retry-After` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// As a number of seconds.
    Seconds(u64),
    /// As a date, so many seconds from now.
    Date(u64),
}

/// Defect of an element of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Breakage {
    /// It is a string, not an object.
    Text,
    /// It has no `id`.
    NoId,
    /// It has no `type`.
    NoType,
    /// It has no `status`.
    NoStatus,
}

/// A validation test that fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailedTest {
    /// Its name.
    pub test: String,
    /// Its message.
    pub message: String,
}

/// Stage at which a kind acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Goes along with whatever else happens.
    Always,
    /// Decides the answer, and the request has no effect.
    Instead,
    /// Decides the answer after the effect.
    After,
    /// Changes the effect, or the response that reports it.
    Effect,
}

/// Faults of a request, determined when it arrives.
#[derive(Debug, Default)]
pub(super) struct RequestFaults {
    pub(super) expire_tokens: bool,
    pub(super) delay: Duration,
    pub(super) delay_after: Duration,
    pub(super) decider: Option<Decider>,
    pub(super) twists: Twists,
}

/// The fault that decides the answer.
#[derive(Debug)]
pub(super) enum Decider {
    /// Before the API sees the request.
    Before(Cut),
    /// By the API, once the credentials are good.
    Refuse(Refuse),
    /// After the effect.
    After(Cut),
}

/// Fault of the network, or of a proxy, in an exchange.
#[derive(Debug)]
pub(super) enum Cut {
    Refuse,
    Drop,
    Truncate,
    TooManyRequests(Option<RetryAfter>),
    ServerError(u16),
    Html,
    PartialContent,
}

/// A refusal on demand.
#[derive(Debug)]
pub(super) enum Refuse {
    Echo,
    Unprocessable(String),
    Conflict(String),
    NotFound(String),
    Forbid(String),
}

/// Changes of the effect or the response.
#[derive(Debug, Default)]
pub(super) struct Twists {
    pub(super) rewrites: Vec<(String, Value)>,
    pub(super) failure: Option<FailedTest>,
    pub(super) stuck: bool,
    pub(super) word: Option<String>,
    pub(super) other_id: Option<u64>,
    /// Values in places where other values belong.
    pub(super) misplaced: Vec<(String, Value)>,
    /// Kinds that bend a list.
    pub(super) list: Vec<FaultKind>,
}

impl Fault {
    /// A fault that the next request meets.
    #[must_use]
    pub fn new(kind: FaultKind) -> Self {
        Self {
            method: None,
            path: None,
            kind,
            skip: 0,
            times: once(),
        }
    }

    /// Makes it wait for a method and a path (see [`Fault::path`]).
    #[must_use]
    pub fn on(mut self, method: &Method, path: &str) -> Self {
        self.method = Some(method.to_string());
        self.path = Some(path.to_owned());
        self
    }

    /// Lets so many matching requests pass first.
    #[must_use]
    pub fn skip(mut self, requests: u64) -> Self {
        self.skip = requests;
        self
    }

    /// Makes so many requests meet it.
    #[must_use]
    pub fn times(mut self, requests: u64) -> Self {
        self.times = Some(requests);
        self
    }

    /// Makes every request meet it, without end.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    fn matches(&self, method: &Method, path: &str, route: Option<&Route>) -> bool {
        let own = self.method.as_deref();
        own.is_none_or(|own| own.eq_ignore_ascii_case(method.as_str()))
            && self.path.as_deref().is_none_or(|own| covers(own, path))
            && self.kind.concerns(route)
    }
}

impl FaultKind {
    fn stage(&self) -> Stage {
        match self {
            Self::Delay { .. } | Self::DelayAfter { .. } | Self::ExpireToken => Stage::Always,
            Self::Refuse
            | Self::DropBefore
            | Self::TooManyRequests { .. }
            | Self::EchoBody
            | Self::Forbid { .. }
            | Self::Unprocessable { .. }
            | Self::Conflict { .. }
            | Self::NotFound { .. } => Stage::Instead,
            Self::DropAfter | Self::Truncate | Self::PartialContent => Stage::After,
            Self::ServerError { after_effect, .. } | Self::Html { after_effect } => {
                if *after_effect {
                    Stage::After
                } else {
                    Stage::Instead
                }
            }
            Self::NotArray
            | Self::PartialList { .. }
            | Self::BrokenElement { .. }
            | Self::Rewrite { .. }
            | Self::CreateError(_)
            | Self::EditError(_)
            | Self::DeleteError(_)
            | Self::StatusWord { .. }
            | Self::NamesAnother { .. }
            | Self::Misplace { .. }
            | Self::Stuck => Stage::Effect,
        }
    }

    /// True if the kind applies to an operation.
    fn concerns(&self, route: Option<&Route>) -> bool {
        let is = |wanted: fn(&Route) -> bool| route.is_some_and(wanted);
        match self {
            Self::NotArray | Self::PartialList { .. } | Self::BrokenElement { .. } => {
                is(|route| matches!(route, Route::List))
            }
            Self::Rewrite { .. } => is(|route| matches!(route, Route::Create | Route::Update(_))),
            Self::CreateError(_) | Self::NamesAnother { .. } => {
                is(|route| matches!(route, Route::Create))
            }
            Self::EditError(_) => is(|route| matches!(route, Route::Update(_))),
            Self::DeleteError(_) => is(|route| matches!(route, Route::Delete(_))),
            Self::Stuck | Self::EchoBody | Self::Unprocessable { .. } | Self::Conflict { .. } => {
                is(Route::writes)
            }
            Self::Forbid { .. } => is(|route| !matches!(route, Route::Authenticate)),
            Self::StatusWord { .. } | Self::Misplace { .. } => is(|route| {
                route.writes() || matches!(route, Route::List | Route::Get(_) | Route::Status(_))
            }),
            Self::Refuse
            | Self::DropBefore
            | Self::DropAfter
            | Self::Delay { .. }
            | Self::DelayAfter { .. }
            | Self::Truncate
            | Self::TooManyRequests { .. }
            | Self::ServerError { .. }
            | Self::Html { .. }
            | Self::NotFound { .. }
            | Self::PartialContent
            | Self::ExpireToken => true,
        }
    }
}

impl RequestFaults {
    /// Takes from `faults` what this request meets.
    pub(super) fn take(
        faults: &mut Vec<Fault>,
        method: &Method,
        path: &str,
        route: Option<&Route>,
    ) -> Self {
        let mut due = Vec::new();
        for (index, fault) in faults.iter_mut().enumerate() {
            if !fault.matches(method, path, route) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if fault.times != Some(0) {
                due.push((index, fault.kind.stage()));
            }
        }
        let decides = |stage: Stage| matches!(stage, Stage::Instead | Stage::After);
        let decider = due.iter().copied().find(|(_, stage)| decides(*stage));
        let mut plan = Self::default();
        for (index, stage) in due {
            let waits = match stage {
                Stage::Always => false,
                Stage::Effect => matches!(decider, Some((_, Stage::Instead))),
                Stage::Instead | Stage::After => decider.is_none_or(|(own, _)| own != index),
            };
            let Some(fault) = faults.get_mut(index).filter(|_| !waits) else {
                continue;
            };
            fault.times = fault.times.map(|left| left.saturating_sub(1));
            plan.absorb(fault.kind.clone(), stage);
        }
        faults.retain(|fault| fault.times != Some(0));
        plan
    }

    fn absorb(&mut self, kind: FaultKind, stage: Stage) {
        match kind {
            FaultKind::Delay { ms } => self.delay += Duration::from_millis(ms),
            FaultKind::DelayAfter { ms } => self.delay_after += Duration::from_millis(ms),
            FaultKind::ExpireToken => self.expire_tokens = true,
            FaultKind::Rewrite { path, value } => self.twists.rewrites.push((path, value)),
            FaultKind::CreateError(test)
            | FaultKind::EditError(test)
            | FaultKind::DeleteError(test) => self.twists.failure = Some(test),
            FaultKind::StatusWord { word } => self.twists.word = Some(word),
            FaultKind::NamesAnother { id } => self.twists.other_id = Some(id),
            FaultKind::Misplace { path, value } => self.twists.misplaced.push((path, value)),
            FaultKind::Stuck => self.twists.stuck = true,
            FaultKind::NotArray
            | FaultKind::PartialList { .. }
            | FaultKind::BrokenElement { .. } => self.twists.list.push(kind),
            FaultKind::Refuse => self.decide(stage, Cut::Refuse),
            FaultKind::DropBefore | FaultKind::DropAfter => self.decide(stage, Cut::Drop),
            FaultKind::Truncate => self.decide(stage, Cut::Truncate),
            FaultKind::TooManyRequests { retry_after } => {
                self.decide(stage, Cut::TooManyRequests(retry_after));
            }
            FaultKind::ServerError { code, .. } => self.decide(stage, Cut::ServerError(code)),
            FaultKind::Html { .. } => self.decide(stage, Cut::Html),
            FaultKind::PartialContent => self.decide(stage, Cut::PartialContent),
            FaultKind::NotFound { message } => {
                self.decider = Some(Decider::Refuse(Refuse::NotFound(message)));
            }
            FaultKind::EchoBody => self.decider = Some(Decider::Refuse(Refuse::Echo)),
            FaultKind::Forbid { message } => {
                self.decider = Some(Decider::Refuse(Refuse::Forbid(message)));
            }
            FaultKind::Unprocessable { message } => {
                self.decider = Some(Decider::Refuse(Refuse::Unprocessable(message)));
            }
            FaultKind::Conflict { message } => {
                self.decider = Some(Decider::Refuse(Refuse::Conflict(message)));
            }
        }
    }

    fn decide(&mut self, stage: Stage, cut: Cut) {
        self.decider = Some(match stage {
            Stage::After => Decider::After(cut),
            Stage::Always | Stage::Instead | Stage::Effect => Decider::Before(cut),
        });
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "this is the default of an optional attribute"
)]
fn once() -> Option<u64> {
    Some(1)
}

/// True if a pattern covers a path.
fn covers(pattern: &str, path: &str) -> bool {
    if let Some(prefix) = pattern.strip_suffix('*') {
        return path.starts_with(prefix);
    }
    let mut own = pattern.split('/');
    let mut other = path.split('/');
    loop {
        match (own.next(), other.next()) {
            (None, None) => return true,
            (Some(own), Some(other)) if own == other || own.starts_with('{') => {}
            (Some(_) | None, _) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_path_is_covered_exactly_by_template_or_by_prefix() {
        assert!(covers("/integrations", "/integrations"));
        assert!(!covers("/integrations", "/integrations/1"));
        assert!(covers("/integrations/{id}", "/integrations/1"));
        assert!(!covers("/integrations/{id}", "/integrations/1/status"));
        assert!(covers(
            "/integrations/{id}/status",
            "/integrations/1/status"
        ));
        assert!(covers("/integrations*", "/integrations/1/status"));
        assert!(covers("*", "/bim/apikey/authenticate"));
    }
}
