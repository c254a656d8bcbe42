//! What happens in a scenario, as data: a step can be left out and the others
//! still mean something, so that a long scenario that fails can be cut down.
//!
//! A `pick` is taken modulo whatever there is to choose from when its step comes.

use std::time::Duration;

use integrationd::plan::{OnConflict, OnDrift, Policy};
use integrationd::simulator::{ConnectionsApi, FaultKind, SimulatedStatus, SimulatorOptions};

use super::document::{Document, Flaw};

/// Everything about one scenario.
#[derive(Debug, Clone)]
pub(super) struct Scenario {
    pub(super) seed: u64,
    pub(super) tenant: SimulatorOptions,
    /// Whether credentials are exchanged for a token.
    pub(super) token: bool,
    /// Whether the ledger is a real one, on disk.
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

/// How the tenant stands to a file when the tool comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Absent,
    InSync,
    Drifted,
    CreateError,
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Somebody edits the files.
    Edit(Edit),
    /// Somebody does something on the server.
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
    /// Which file.
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
    /// Another name; `says` whether the file tells the one before, `used` whether
    /// another file had it once.
    Rename {
        says: bool,
        used: bool,
    },
    /// It swaps its name with another file.
    Swap {
        other: usize,
    },
    /// It moves onto the name of another file, which is gone then; `says` whether
    /// it tells the name that it had.
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
    /// It is mended.
    Mend,
    Suspend,
    Resume,
    Protect,
    /// An attribute is left to the server, or not any more.
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

/// What somebody does on the server.
#[derive(Debug, Clone)]
pub(super) struct Deed {
    /// Which integration, or which file's.
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
    /// What a file describes is created by hand.
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
    /// What somebody does between the plan and the writes.
    pub(super) meanwhile: Vec<Deed>,
    pub(super) on_drift: OnDrift,
    pub(super) on_conflict: OnConflict,
    pub(super) policy: Policy,
    /// True if an operator triggers the run.
    pub(super) operator: bool,
    /// Whether there is leave to replace whatever cannot be edited.
    pub(super) may_replace: bool,
    pub(super) parallelism: usize,
    /// How long a write is followed.
    pub(super) wait: Duration,
    /// Files that somebody is saving while it runs.
    pub(super) saves: Vec<Save>,
}

/// A save that is not atomic, or was cut short. It does not remove the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Save {
    /// Which file.
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
    /// Which of them, from 0.
    pub(super) nth: usize,
    /// How many in a row.
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

/// How a run comes to its end.
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

/// What the journal writes.
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
    /// When it has written, and before anybody has seen that.
    After(Entry, usize),
    /// The request is never sent.
    BeforeRequest(Which, usize),
    /// It has been sent, and may be on its way.
    AtRequest(Which, usize),
    /// The answer has arrived, and nobody has looked at it.
    AfterAnswer(Which, usize),
}
