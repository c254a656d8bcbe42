//! Possible faults, and the requests of the pipeline that they can affect.

use http::Method;
use integrationd::simulator::{Breakage, FailedTest, Fault, FaultKind, RetryAfter};
use serde_json::json;

use crate::in_process::PATIENCE;
use crate::world::Start;

/// A request of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Exchange,
    ListForPlan,
    ListBeforeCreate,
    ListAfterwards,
    Get,
    Status,
    Create,
    Update,
}

impl Call {
    /// The requests that a run sends from a start, in their order.
    pub(crate) fn of(start: Start) -> &'static [Self] {
        match start {
            Start::Absent => &[
                Self::Exchange,
                Self::ListForPlan,
                Self::ListBeforeCreate,
                Self::Create,
                Self::Status,
                Self::ListAfterwards,
            ],
            Start::Differs | Start::CreateError => &[
                Self::Exchange,
                Self::ListForPlan,
                Self::Get,
                Self::Update,
                Self::Status,
                Self::ListAfterwards,
            ],
        }
    }

    fn is_list(self) -> bool {
        match self {
            Self::ListForPlan | Self::ListBeforeCreate | Self::ListAfterwards => true,
            Self::Exchange | Self::Get | Self::Status | Self::Create | Self::Update => false,
        }
    }

    fn is_write(self) -> bool {
        matches!(self, Self::Create | Self::Update)
    }

    /// The fault at this request alone.
    pub(crate) fn once(self, kind: FaultKind, start: Start) -> Fault {
        let earlier_lists = match (self, start) {
            (Self::ListBeforeCreate, _) => 1,
            (Self::ListAfterwards, Start::Absent) => 2,
            (Self::ListAfterwards, Start::Differs | Start::CreateError) => 1,
            (_, _) => 0,
        };
        let (method, path) = match self {
            Self::Exchange => (Method::POST, "/bim/apikey/authenticate"),
            Self::ListForPlan | Self::ListBeforeCreate | Self::ListAfterwards => {
                (Method::GET, "/integrations")
            }
            Self::Get => (Method::GET, "/integrations/{id}"),
            Self::Status => (Method::GET, "/integrations/{id}/status"),
            Self::Create => (Method::POST, "/integrations"),
            Self::Update => (Method::PUT, "/integrations/{id}"),
        };
        Fault::new(kind).on(&method, path).skip(earlier_lists)
    }
}

/// The word of a fault. A new kind does not compile before it is named here,
/// and then misses among [`KINDS`].
pub(crate) fn word(kind: &FaultKind) -> &'static str {
    match kind {
        FaultKind::Refuse => "refuse",
        FaultKind::DropBefore => "drop_before",
        FaultKind::DropAfter => "drop_after",
        FaultKind::Delay { .. } => "delay",
        FaultKind::DelayAfter { .. } => "delay_after",
        FaultKind::Truncate => "truncate",
        FaultKind::TooManyRequests { .. } => "too_many_requests",
        FaultKind::ServerError { .. } => "server_error",
        FaultKind::Html { .. } => "html",
        FaultKind::NotArray => "not_array",
        FaultKind::PartialList { .. } => "partial_list",
        FaultKind::BrokenElement { .. } => "broken_element",
        FaultKind::Rewrite { .. } => "rewrite",
        FaultKind::CreateError(_) => "create_error",
        FaultKind::EditError(_) => "edit_error",
        FaultKind::DeleteError(_) => "delete_error",
        FaultKind::EchoBody => "echo_body",
        FaultKind::Forbid { .. } => "forbid",
        FaultKind::Misplace { .. } => "misplace",
        FaultKind::Unprocessable { .. } => "unprocessable",
        FaultKind::Conflict { .. } => "conflict",
        FaultKind::StatusWord { .. } => "status_word",
        FaultKind::Stuck => "stuck",
        FaultKind::NotFound { .. } => "not_found",
        FaultKind::PartialContent => "partial_content",
        FaultKind::NamesAnother { .. } => "names_another",
        FaultKind::ExpireToken => "expire_token",
    }
}

/// Every kind of fault.
pub(crate) const KINDS: [&str; 27] = [
    "refuse",
    "drop_before",
    "drop_after",
    "delay",
    "delay_after",
    "truncate",
    "too_many_requests",
    "server_error",
    "html",
    "not_array",
    "partial_list",
    "broken_element",
    "rewrite",
    "create_error",
    "edit_error",
    "delete_error",
    "echo_body",
    "forbid",
    "misplace",
    "unprocessable",
    "conflict",
    "status_word",
    "stuck",
    "not_found",
    "partial_content",
    "names_another",
    "expire_token",
];

/// True if a fault can affect a request.
pub(crate) fn concerns(kind: &FaultKind, call: Call) -> bool {
    match kind {
        FaultKind::Refuse
        | FaultKind::DropBefore
        | FaultKind::DropAfter
        | FaultKind::Delay { .. }
        | FaultKind::DelayAfter { .. }
        | FaultKind::Truncate
        | FaultKind::TooManyRequests { .. }
        | FaultKind::ServerError { .. }
        | FaultKind::Html { .. }
        | FaultKind::NotFound { .. }
        | FaultKind::PartialContent
        | FaultKind::ExpireToken => true,
        FaultKind::NotArray | FaultKind::PartialList { .. } | FaultKind::BrokenElement { .. } => {
            call.is_list()
        }
        FaultKind::Rewrite { .. }
        | FaultKind::EchoBody
        | FaultKind::Unprocessable { .. }
        | FaultKind::Conflict { .. }
        | FaultKind::Stuck => call.is_write(),
        FaultKind::CreateError(_) | FaultKind::NamesAnother { .. } => call == Call::Create,
        FaultKind::EditError(_) => call == Call::Update,
        // Nothing is deleted.
        FaultKind::DeleteError(_) => false,
        FaultKind::StatusWord { .. } | FaultKind::Misplace { .. } | FaultKind::Forbid { .. } => {
            call != Call::Exchange
        }
    }
}

/// The faults of the matrix. `rewritten` is an attribute that can be compared.
pub(crate) fn samples(rewritten: &str) -> Vec<FaultKind> {
    // Longer than the caller waits, by more than it looks for a lost create.
    let ms = u64::try_from(PATIENCE.as_millis()).unwrap() + 15_000;
    let failed = || FailedTest {
        test: "Basic Connection Test".into(),
        message: "The role cannot log in.".into(),
    };
    let path = format!("/{rewritten}");
    let message = String::from;
    let mut samples = vec![
        FaultKind::Refuse,
        FaultKind::DropBefore,
        FaultKind::DropAfter,
        FaultKind::Delay { ms },
        FaultKind::DelayAfter { ms },
        FaultKind::Truncate,
        FaultKind::NotArray,
        FaultKind::PartialList { drop: 1 },
        FaultKind::PartialList { drop: 3 },
        FaultKind::Rewrite {
            path,
            value: json!("another"),
        },
        FaultKind::CreateError(failed()),
        FaultKind::EditError(failed()),
        FaultKind::DeleteError(failed()),
        FaultKind::EchoBody,
        FaultKind::Forbid {
            message: message("Not now."),
        },
        FaultKind::Misplace {
            path: "/id".into(),
            value: json!("a name"),
        },
        FaultKind::Unprocessable {
            message: message("Validation of prerequisite setup failed."),
        },
        FaultKind::Conflict {
            message: message("It already exists on that host (id = 1)."),
        },
        FaultKind::Stuck,
        FaultKind::NotFound {
            message: message("Cannot GET /integrations/1"),
        },
        FaultKind::PartialContent,
        FaultKind::NamesAnother { id: 1 },
        FaultKind::ExpireToken,
    ];
    samples.extend(variants());
    samples
}

/// The kinds that come in several forms.
fn variants() -> Vec<FaultKind> {
    let mut samples = Vec::new();
    for word in ["resting", "deleted", "disabled", "createError", "enabled"] {
        let word = word.to_owned();
        samples.push(FaultKind::StatusWord { word });
    }
    for retry_after in [
        None,
        Some(RetryAfter::Seconds(20)),
        Some(RetryAfter::Date(20)),
    ] {
        samples.push(FaultKind::TooManyRequests { retry_after });
    }
    for after_effect in [false, true] {
        samples.push(FaultKind::Html { after_effect });
        for code in [500, 503] {
            samples.push(FaultKind::ServerError { code, after_effect });
        }
    }
    for breakage in [
        Breakage::Text,
        Breakage::NoId,
        Breakage::NoType,
        Breakage::NoStatus,
    ] {
        // The first is a neighbour of the same platform, the third is the one.
        for index in [0, 2] {
            samples.push(FaultKind::BrokenElement { index, breakage });
        }
    }
    samples
}
