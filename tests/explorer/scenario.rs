//! Events of a scenario, as data: a step can be omitted and the others still have a meaning, so
//! that a long failing scenario can be reduced.
//!
//! A `pick` is taken modulo the number of choices when its step comes.

use std::time::Duration;

use integrationd::plan::{OnConflict, OnDrift, Policy};
use integrationd::simulator::{ConnectionsApi, FaultKind, SimulatedStatus, SimulatorOptions};

use super::document::{Document, Flaw};

/// Everything about one scenario.
#[derive(Debug, Clone)]
pub(super) struct Scenario {
    pub(super) seed: u64,
    pub(super) tenant: SimulatorOptions,
    /// True if credentials are exchanged for a token.
    pub(super) token: bool,
    /// True if the ledger is a real one, on disk.
    pub(super) on_disk: bool,
    /// True if secrets may go to one domain only.
    pub(super) bound: bool,
    /// True if integrations may be behind connections.
    pub(super) connected: bool,
    /// The files at the beginning, each with what the tenant has of it.
    pub(super) files: Vec<(Document, Standing)>,
    pub(super) strangers: usize,
    /// The policy in the end, and mostly.
    pub(super) policy: Policy,
    pub(super) steps: Vec<Step>,
}

/// Initial state of the tenant for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Absent,
    InSync,
    Drifted,
    CreateError,
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    /// An edit of the files.
    Edit(Edit),
    /// An action on the server.
    Deed(Deed),
    /// Time passes.
    Wait(Duration),
    /// The clock of the machine is set, by so many seconds.
    Clock(i64),
    /// The tool runs.
    Sync(Sync),
}

/// A change of the files.
#[derive(Debug, Clone)]
pub(super) struct Edit {
    /// The file.
    pub(super) file: usize,
    pub(super) change: Change,
}

#[derive(Debug, Clone)]
pub(super) enum Change {
    /// Another value for an attribute.
    Say {
        pick: usize,
        value: u16,
    },
    /// An attribute is left out.
    Unsay {
        pick: usize,
    },
    /// A secret gets another value.
    Rotate {
        pick: usize,
    },
    /// Secrets move into the file, or out of it.
    Literal,
    /// A secret cannot be had, or can again.
    LackSecret,
    /// Another name; `says` is true if the file names the previous one, `used` if another file had
    /// it once.
    Rename {
        says: bool,
        used: bool,
    },
    /// It swaps its name with another file.
    Swap {
        other: usize,
    },
    /// It moves to the name of another file, which is lost; `says` is true if it names its previous
    /// name.
    Overwrite {
        other: usize,
        says: bool,
    },
    /// Another identity.
    Identity {
        number: u16,
    },
    /// The file is spoilt.
    Spoil(Flaw),
    /// It is fixed.
    Mend,
    Suspend,
    Resume,
    Protect,
    /// An attribute is ignored, or no longer.
    Ignore {
        pick: usize,
    },
    /// It names a live integration: its own, or any.
    Pin {
        pick: usize,
        own: bool,
    },
    Unpin,
    /// The file goes.
    Remove,
    /// Another file comes.
    Add(Box<Document>),
    /// A copy of the file under another name.
    Copy,
    /// An attribute that leads somewhere is edited.
    Lead {
        pick: usize,
        edit: Leading,
    },
    /// Secrets stand in the file, or do not.
    Literally(bool),
    /// The file has an attribute that no table lists, or no longer has it.
    Extra(bool),
}

/// Edit of an attribute that leads somewhere.
#[derive(Debug, Clone, Copy)]
pub(super) enum Leading {
    Say { good: bool },
    Unsay,
    Ignore,
}

/// Action of someone on the server.
#[derive(Debug, Clone)]
pub(super) struct Deed {
    /// The integration, or the file of it.
    pub(super) which: usize,
    pub(super) what: Doing,
}

#[derive(Debug, Clone)]
pub(super) enum Doing {
    /// An attribute that can be compared.
    Change { pick: usize, value: u16 },
    /// An attribute that leads somewhere.
    Lead { pick: usize, good: bool },
    /// An attribute that no table knows.
    Unknown { value: u16 },
    /// An integration goes.
    Remove,
    /// A described integration is created manually.
    Create(SimulatedStatus),
    /// Its status changes, and stays.
    Status(SimulatedStatus),
    /// An integration that no file describes.
    Stranger,
    /// A connection takes an integration over.
    Connect(Front),
    /// A connection goes.
    Disconnect,
    /// The connections API behaves in another way.
    Api(ConnectionsApi),
}

/// The details of a connection, as far as they say what it has taken over.
#[derive(Debug, Clone, Copy)]
pub(super) enum Front {
    /// They name the integration.
    Named,
    /// They name none.
    NamesNone { shows_technology: bool },
    /// They cannot be read.
    Unreadable { shows_technology: bool },
}

/// A run of the tool.
#[derive(Debug, Clone)]
pub(super) struct Sync {
    pub(super) troubles: Vec<Trouble>,
    pub(super) end: End,
    /// Actions of someone between the plan and the writes.
    pub(super) meanwhile: Vec<Deed>,
    pub(super) on_drift: OnDrift,
    pub(super) on_conflict: OnConflict,
    pub(super) policy: Policy,
    /// True if an operator triggers the run.
    pub(super) operator: bool,
    /// True if replacements are permitted.
    pub(super) may_replace: bool,
    pub(super) parallelism: usize,
    /// Time for which a write is followed.
    pub(super) wait: Duration,
    /// Files that are being saved during the run.
    pub(super) saves: Vec<Save>,
}

/// A save that is not atomic, or was cut short. It does not remove the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Save {
    /// The file.
    pub(super) file: usize,
    pub(super) torn: Torn,
    /// The first read of the directory that finds the file whole again; none, if it stays
    /// as it is until the run is over, as on a full disk.
    pub(super) until: Option<usize>,
}

/// State of a file during a save, as a read finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Torn {
    /// No byte.
    Empty,
    /// Its first line, which is a comment.
    Comment,
    /// Its first half.
    Half,
    /// Nothing under its name.
    Missing,
}

/// Something that goes wrong at a request.
#[derive(Debug, Clone)]
pub(super) struct Trouble {
    /// Among which requests are counted.
    pub(super) at: Which,
    /// Its index, from 0.
    pub(super) nth: usize,
    /// Number of consecutive ones.
    pub(super) times: usize,
    pub(super) kind: FaultKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Any,
    Authenticate,
    List,
    Get,
    Status,
    Post,
    Put,
    Delete,
    /// A read of connections.
    Connections,
}

/// End of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Itself,
    /// It is asked to stop at a request.
    Stop {
        request: usize,
    },
    /// The process dies.
    Crash(Moment),
}

/// Entry of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    Begin,
    Confirm,
    Abandon,
    Forget,
    Note,
}

/// The moment of a death; the number says at which of those, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// Before the journal writes.
    Before(Entry, usize),
    /// After it was written, and before it was seen.
    After(Entry, usize),
    /// The request is never sent.
    BeforeRequest(Which, usize),
    /// It has been sent, and may be on its way.
    AtRequest(Which, usize),
    /// The response has arrived, and was not read.
    AfterAnswer(Which, usize),
}
