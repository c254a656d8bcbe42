//! Temporary failures of the tenant.

use std::time::Duration;

use fastrand::Rng;
use http::Method;
use integrationd::simulator::{Breakage, FailedTest, Fault, FaultKind, RetryAfter};

/// Duration of an outage, in milliseconds.
const LENGTH: std::ops::Range<u64> = 50..2500;

/// Delay of a response or an effect, in milliseconds.
const LATE: std::ops::Range<u64> = 20..800;

/// An outage, and how long it lasts.
pub(crate) fn outage(rng: &mut Rng) -> (Fault, Duration) {
    let kind = kind(rng);
    let is_remembered = matches!(
        kind,
        FaultKind::CreateError(_) | FaultKind::EditError(_) | FaultKind::DeleteError(_)
    );
    let fault = Fault::new(kind);
    let fault = match rng.u8(..4) {
        // What the server took on and then failed at is not over with the outage.
        _ if is_remembered => fault.times(rng.u64(1..=3)),
        0 => fault.on(&Method::PUT, "*").always(),
        1 => fault.on(&Method::POST, "*").always(),
        _ => fault.always(),
    };
    (fault, Duration::from_millis(rng.u64(LENGTH)))
}

fn kind(rng: &mut Rng) -> FaultKind {
    let test = FailedTest {
        test: "User has sufficient privileges".to_owned(),
        message: "not today".to_owned(),
    };
    let after_effect = rng.bool();
    let ms = rng.u64(LATE);
    match rng.u8(..18) {
        0..=2 => FaultKind::ServerError {
            code: 503,
            after_effect,
        },
        3 => FaultKind::ServerError {
            code: 500,
            after_effect,
        },
        4 => FaultKind::Refuse,
        5 => FaultKind::DropBefore,
        6 => FaultKind::DropAfter,
        7 => FaultKind::Delay { ms },
        8 => FaultKind::DelayAfter { ms },
        9 => FaultKind::Truncate,
        10 => FaultKind::TooManyRequests { retry_after: None },
        11 => FaultKind::TooManyRequests {
            retry_after: Some(RetryAfter::Seconds(1)),
        },
        12 => FaultKind::Html { after_effect },
        13 => FaultKind::NotArray,
        14 => FaultKind::PartialList {
            drop: rng.usize(1..10),
        },
        15 => FaultKind::BrokenElement {
            index: rng.usize(..5),
            breakage: Breakage::NoType,
        },
        16 => FaultKind::CreateError(test),
        _ if after_effect => FaultKind::EditError(test),
        _ => FaultKind::DeleteError(test),
    }
}
