//! Troubles of requests, drawn from every kind that the simulator knows.

use fastrand::Rng;
use integrationd::simulator::{Breakage, FailedTest, FaultKind, RetryAfter};
use serde_json::json;

use super::generator::weighted;
use super::scenario::{Trouble, Which};

/// Late, and still sooner than the tool counts a request as gone.
const LATE: [u64; 6] = [500, 5_000, 50_000, 65_000, 90_000, 110_000];

/// At which requests.
pub(super) fn which(rng: &mut Rng) -> Which {
    weighted(
        rng,
        vec![
            (6, Which::Any),
            (1, Which::Authenticate),
            (4, Which::List),
            (2, Which::Get),
            (3, Which::Status),
            (8, Which::Post),
            (6, Which::Put),
            (4, Which::Delete),
        ],
    )
}

pub(super) fn trouble(rng: &mut Rng) -> Trouble {
    let at = which(rng);
    let kind = match at {
        Which::Post | Which::Put | Which::Delete if rng.u32(0..3) == 0 => of_a_write(rng, at),
        Which::List if rng.u32(0..3) == 0 => of_a_list(rng),
        Which::Any
        | Which::Authenticate
        | Which::List
        | Which::Get
        | Which::Status
        | Which::Post
        | Which::Put
        | Which::Delete
        | Which::Connections => of_any(rng),
    };
    let most = if at == Which::Any { 20 } else { 3 };
    Trouble {
        at,
        nth: rng.usize(0..most),
        times: weighted(rng, vec![(6, 1), (2, 2), (2, 6), (1, 100)]),
        kind,
    }
}

fn of_any(rng: &mut Rng) -> FaultKind {
    let ms = LATE[rng.usize(0..LATE.len())];
    let code = [500, 502, 503, 504][rng.usize(0..4)];
    let after_effect = rng.bool();
    let seconds = rng.u64(0..70);
    let retry_after = rng.bool().then_some(RetryAfter::Seconds(seconds));
    let word = ["resting", "editing", "creating", "deleting", "migrateError"][rng.usize(0..5)];
    weighted(
        rng,
        vec![
            (3, FaultKind::Refuse),
            (4, FaultKind::DropBefore),
            (6, FaultKind::DropAfter),
            (6, FaultKind::Delay { ms }),
            (3, FaultKind::DelayAfter { ms }),
            (3, FaultKind::Truncate),
            (4, FaultKind::TooManyRequests { retry_after }),
            (4, FaultKind::ServerError { code, after_effect }),
            (3, FaultKind::Html { after_effect }),
            (1, FaultKind::StatusWord { word: word.into() }),
            (1, FaultKind::ExpireToken),
        ],
    )
}

fn of_a_write(rng: &mut Rng, at: Which) -> FaultKind {
    let test = FailedTest {
        test: "Can connect".to_owned(),
        message: "it could not connect".to_owned(),
    };
    let fails = match at {
        Which::Post => FaultKind::CreateError(test),
        Which::Delete => FaultKind::DeleteError(test),
        _ => FaultKind::EditError(test),
    };
    let message = "it will not".to_owned();
    let rewrite = FaultKind::Rewrite {
        path: "port".to_owned(),
        value: json!(4321),
    };
    weighted(
        rng,
        vec![
            (6, fails),
            (2, FaultKind::EchoBody),
            (
                1,
                FaultKind::Unprocessable {
                    message: message.clone(),
                },
            ),
            (1, FaultKind::Conflict { message }),
            (3, FaultKind::Stuck),
            (2, rewrite),
        ],
    )
}

fn of_a_list(rng: &mut Rng) -> FaultKind {
    let breakages = [
        Breakage::Text,
        Breakage::NoId,
        Breakage::NoType,
        Breakage::NoStatus,
    ];
    let breakage = breakages[rng.usize(0..4)];
    let index = rng.usize(0..3);
    let drop = rng.usize(1..4);
    weighted(
        rng,
        vec![
            (2, FaultKind::NotArray),
            (3, FaultKind::PartialList { drop }),
            (3, FaultKind::BrokenElement { index, breakage }),
        ],
    )
}
