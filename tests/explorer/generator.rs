//! From a seed to a scenario: everything is drawn from one generator, in one order.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use integrationd::plan::{OnConflict, OnDrift, Policy};
use integrationd::platform::{
    Attribute, Class, CredentialTarget, Need, PLATFORMS, Platform, Shape,
};
use integrationd::simulator::{Ids, SimulatedStatus, SimulatorOptions, StoredSecrets};
use serde_json::{Map, Value};

use super::connected::connect;
use super::document::{Document, EXTRA, Flaw};
use super::recovery::calm;
use super::scenario::{
    Change, Deed, Doing, Edit, End, Entry, Leading, Moment, Save, Scenario, Standing, Step, Sync,
    Torn, Which,
};
use super::troubles::{trouble, which};
use super::world::READS;
use crate::payload::{Case, every_case};

/// The most files at the beginning.
const FILES: usize = 6;

/// The most steps.
const STEPS: usize = 10;

/// Combined with the seed for the modes. They are drawn separately, so that a further
/// mode does not change the scenario of every seed.
const MODES: u64 = 0x6d6f_6465_735f_3031;

/// The scenario of a seed.
pub(super) fn scenario(seed: u64) -> Scenario {
    let mut scenario = drawn(seed);
    let mut modes = Rng::with_seed(seed ^ MODES);
    let is_volatile = modes.u32(0..4) == 0;
    scenario.tenant.volatile = is_volatile;
    scenario.tenant.detail_shows_more = is_volatile;
    if is_volatile {
        scenario.tenant.detail_attributes = details();
    }
    if modes.u32(0..4) == 0 {
        bind(&mut scenario, &mut modes);
    }
    for step in &mut scenario.steps {
        if let Step::Sync(sync) = step {
            // In a quarter of the runs one file is being saved, or two are.
            let saves = [0, 0, 0, 0, 0, 0, 1, 2][modes.usize(0..8)];
            sync.saves = (0..saves).map(|_| save(&mut modes)).collect();
        }
    }
    if modes.u32(0..8) == 0 {
        connect(&mut scenario, &mut modes);
    }
    if scenario.bound && modes.bool() {
        let at = modes.usize(0..=scenario.steps.len());
        scenario.steps.splice(at..at, removal(&mut modes));
    }
    scenario
}

/// By type, known attributes that only the answer for one integration shows: objects that
/// nothing asks for, of flags and of texts, which are other ones in each answer.
fn details() -> BTreeMap<String, BTreeMap<String, Value>> {
    let of_platform = |platform: &Platform| {
        let shown = platform.attributes.iter().filter_map(|attribute| {
            let plain = attribute.children().iter().map(plain_detail);
            let plain: Map<String, Value> = plain.collect::<Option<_>>()?;
            let is_left_out = matches!(attribute.need, Need::Optional) && !plain.is_empty();
            is_left_out.then(|| (attribute.name.to_owned(), plain.into()))
        });
        (platform.wire.to_owned(), shown.collect())
    };
    PLATFORMS.iter().copied().map(of_platform).collect()
}

/// The value of an attribute without consequences; `None` for any other.
fn plain_detail(attribute: &Attribute) -> Option<(String, Value)> {
    let value = match attribute.shape {
        Shape::Bool => Value::Bool(true),
        Shape::Text(_) => Value::Null,
        _ => return None,
    };
    let has_none = matches!(attribute.need, Need::Optional)
        && matches!(attribute.target, CredentialTarget::Nowhere)
        && attribute.class == Class::Mutable;
    has_none.then(|| (attribute.name.to_owned(), value))
}

/// Lets secrets go to one domain only, and has people move where files and integrations
/// lead.
fn bind(scenario: &mut Scenario, rng: &mut Rng) {
    scenario.bound = true;
    let known = PLATFORMS.iter().map(|platform| {
        let extra = vec![format!("config.{EXTRA}")];
        (platform.wire.to_owned(), extra)
    });
    scenario.tenant.also_known = known.collect();
    for (document, _) in &mut scenario.files {
        document.binds();
    }
    for step in &mut scenario.steps {
        if let Step::Edit(Edit {
            change: Change::Add(document),
            ..
        }) = step
        {
            document.binds();
        }
    }
    for _ in 0..rng.usize(1..6) {
        let at = rng.usize(0..=scenario.steps.len());
        let step = lead(rng);
        scenario.steps.insert(at, step);
    }
    if rng.bool() {
        let at = rng.usize(0..=scenario.steps.len());
        scenario.steps.splice(at..at, attack(rng));
    }
}

/// Someone changes the destination of a file or an integration.
fn lead(rng: &mut Rng) -> Step {
    let (file, pick) = (rng.usize(0..1000), rng.usize(0..1000));
    let good = rng.u32(0..3) == 0;
    let edit = |change| Step::Edit(Edit { file, change });
    let say = edit(Change::Lead {
        pick,
        edit: Leading::Say { good },
    });
    let unsay = edit(Change::Lead {
        pick,
        edit: Leading::Unsay,
    });
    let ignore = edit(Change::Lead {
        pick,
        edit: Leading::Ignore,
    });
    let literally = edit(Change::Literally(rng.bool()));
    let extra = edit(Change::Extra(rng.bool()));
    let deed = |what| Step::Deed(Deed { which: file, what });
    let moved = deed(Doing::Lead { pick, good });
    let unknown = deed(Doing::Unknown { value: 7 });
    let steps = vec![
        (3, say),
        (3, unsay),
        (3, ignore),
        (2, literally),
        (2, extra),
        (4, moved),
        (2, unknown),
    ];
    weighted(rng, steps)
}

/// Two commits that together would send a bound secret elsewhere: the first leads there
/// with a secret of its own, the second leaves that to the server and refers to another.
fn attack(rng: &mut Rng) -> Vec<Step> {
    let (file, pick) = (rng.usize(0..1000), rng.usize(0..1000));
    let edit = |change| Step::Edit(Edit { file, change });
    let lead = |edit| Change::Lead { pick, edit };
    let by_extra = rng.u32(0..4) == 0;
    let leave = *[Leading::Unsay, Leading::Ignore]
        .get(rng.usize(0..2))
        .unwrap_or(&Leading::Unsay);
    let (moves, leaves) = if by_extra {
        (Change::Extra(true), Change::Extra(false))
    } else {
        (lead(Leading::Say { good: false }), lead(leave))
    };
    let mut steps = vec![
        edit(Change::Mend),
        edit(Change::Literally(true)),
        edit(moves),
        Step::Sync(calm(Policy::UpsertOnly)),
        edit(Change::Literally(false)),
        edit(leaves),
    ];
    if matches!(leave, Leading::Ignore) && !by_extra {
        steps.push(edit(lead(Leading::Say { good: true })));
    }
    steps.push(edit(Change::Rotate { pick }));
    steps.push(Step::Sync(calm(Policy::UpsertOnly)));
    steps
}

/// The server is made to lead an integration elsewhere, and then its file is removed: the
/// credentials of the deletion would go there.
fn removal(rng: &mut Rng) -> Vec<Step> {
    let (file, pick) = (rng.usize(0..1000), rng.usize(0..1000));
    let edit = |change| Step::Edit(Edit { file, change });
    let what = match rng.bool() {
        true => Doing::Lead { pick, good: false },
        false => Doing::Unknown { value: 7 },
    };
    vec![
        edit(Change::Mend),
        edit(Change::Literally(false)),
        Step::Sync(calm(Policy::Sync)),
        Step::Deed(Deed { which: file, what }),
        edit(Change::Remove),
        Step::Sync(calm(Policy::Sync)),
    ]
}

fn save(rng: &mut Rng) -> Save {
    let torn = [Torn::Empty, Torn::Comment, Torn::Half, Torn::Missing][rng.usize(0..4)];
    // What never comes back was removed.
    let lasts = torn != Torn::Missing && rng.bool();
    Save {
        file: rng.usize(0..1000),
        torn,
        until: (!lasts).then(|| rng.usize(1..READS)),
    }
}

fn drawn(seed: u64) -> Scenario {
    let mut maker = Maker {
        rng: Rng::with_seed(seed),
        documents: 0,
        policy: Policy::UpsertOnly,
    };
    maker.policy = *maker.of(&[Policy::UpsertOnly, Policy::Sync]);
    let files = maker.rng.usize(1..=FILES);
    let files = (0..files).map(|_| maker.file()).collect();
    let steps = maker.rng.usize(2..=STEPS);
    Scenario {
        seed,
        tenant: maker.tenant(),
        token: maker.one_in(3),
        on_disk: maker.one_in(50),
        bound: false,
        connected: false,
        files,
        strangers: maker.rng.usize(0..3),
        policy: maker.policy,
        steps: maker.steps(steps),
    }
}

/// One of these, each as often as its weight says.
pub(super) fn weighted<T>(rng: &mut Rng, choices: Vec<(u32, T)>) -> T {
    let total = choices.iter().map(|(weight, _)| weight).sum();
    let mut at = rng.u32(0..total);
    for (weight, choice) in choices {
        if at < weight {
            return choice;
        }
        at -= weight;
    }
    unreachable!("the weights are not their sum")
}

struct Maker {
    rng: Rng,
    documents: usize,
    policy: Policy,
}

impl Maker {
    fn one_in(&mut self, times: u32) -> bool {
        self.rng.u32(0..times) == 0
    }

    fn pick(&mut self) -> usize {
        self.rng.usize(0..1000)
    }

    fn tenant(&mut self) -> SimulatorOptions {
        let mut options = SimulatorOptions {
            settle: Duration::from_millis(*self.of(&[0, 300, 1000, 1000, 20_000, 150_000])),
            token_lifetime: Duration::from_secs(*self.of(&[100, 3600])),
            secrets: *self.of(&[StoredSecrets::Omit, StoredSecrets::Mask]),
            ids: *self.of(&[Ids::Text, Ids::Number]),
            success: *self.of(&[200, 201, 202]),
            deleted_lingers: self.one_in(2),
            ..SimulatorOptions::default()
        };
        if self.one_in(3) {
            for platform in PLATFORMS {
                let fixed = platform.attributes.iter();
                let fixed = fixed.filter(|a| a.class == Class::Immutable);
                let fixed = fixed.map(|a| a.name.to_owned());
                let identity = platform.pairing_attribute().map(str::to_owned);
                let fixed = fixed.chain(identity).collect();
                options.immutable.insert(platform.wire.to_owned(), fixed);
            }
        }
        options
    }

    fn of<'c, T>(&mut self, choices: &'c [T]) -> &'c T {
        &choices[self.rng.usize(0..choices.len())]
    }

    fn case(&mut self) -> Case {
        let platform = *self.of(PLATFORMS);
        let mut cases = every_case();
        cases.retain(|case| case.platform == platform);
        *self.of(&cases)
    }

    fn document(&mut self) -> Document {
        let uid = self.documents;
        self.documents += 1;
        let case = self.case();
        // Identities are few, so that they meet; those of a weak kind are often the same.
        let identity = if case.platform.pairs_with_certainty() && !self.one_in(12) {
            10 + u16::try_from(uid).unwrap()
        } else {
            self.rng.u16(1..3)
        };
        let mut document = Document::new(uid, case, identity);
        document.literal = self.one_in(4);
        for (path, attribute) in document.editable() {
            if self.one_in(3) && document.unsay(&path, attribute) {
                // It was never said.
                document.unsaid.remove(&path);
            }
        }
        document
    }

    fn file(&mut self) -> (Document, Standing) {
        let document = self.document();
        let standing = weighted(
            &mut self.rng,
            vec![
                (6, Standing::Absent),
                (2, Standing::InSync),
                (1, Standing::Drifted),
                (1, Standing::CreateError),
            ],
        );
        (document, standing)
    }

    fn steps(&mut self, count: usize) -> Vec<Step> {
        let mut steps: Vec<Step> = (0..count).map(|_| self.step()).collect();
        if self.one_in(8) {
            steps.extend(self.feud());
        }
        steps
    }

    /// Someone reverts one attribute after every run.
    fn feud(&mut self) -> Vec<Step> {
        let (which, pick) = (self.pick(), self.pick());
        let rounds = self.rng.usize(3..7);
        let mut steps = Vec::new();
        for _ in 0..rounds {
            let value = self.rng.u16(6..9);
            let what = Doing::Change { pick, value };
            steps.push(Step::Deed(Deed { which, what }));
            let hours = *self.of(&[1, 1, 1, 1, 3, 9, 25]);
            steps.push(Step::Wait(Duration::from_secs(hours * 3600)));
            steps.push(Step::Sync(Sync {
                operator: self.one_in(12),
                ..calm(self.policy)
            }));
        }
        steps
    }

    fn step(&mut self) -> Step {
        match self.rng.u32(0..100) {
            0..45 => Step::Sync(self.sync()),
            45..77 => Step::Edit(self.edit()),
            77..89 => Step::Deed(self.deed()),
            89..97 => Step::Wait(Duration::from_secs(*self.of(&[1, 10, 50, 100, 130, 400]))),
            _ => Step::Clock(*self.of(&[-86_400, -3600, -100, -5])),
        }
    }

    fn edit(&mut self) -> Edit {
        let file = self.pick();
        let (pick, value) = (self.pick(), self.rng.u16(2..6));
        let flaw = *self.of(&[Flaw::Garbage, Flaw::UnknownKey, Flaw::NoType]);
        let says = !self.one_in(4);
        let (own, used) = (!self.one_in(4), self.one_in(4));
        let number = self.rng.u16(1..40);
        let other = self.pick();
        let added = self.document();
        let change = weighted(
            &mut self.rng,
            vec![
                (20, Change::Say { pick, value }),
                (10, Change::Unsay { pick }),
                (14, Change::Rotate { pick }),
                (2, Change::Literal),
                (3, Change::LackSecret),
                (8, Change::Rename { says, used }),
                (3, Change::Swap { other }),
                (3, Change::Overwrite { other, says }),
                (3, Change::Identity { number }),
                (5, Change::Spoil(flaw)),
                (6, Change::Mend),
                (3, Change::Suspend),
                (4, Change::Resume),
                (2, Change::Protect),
                (3, Change::Ignore { pick }),
                (3, Change::Pin { pick, own }),
                (2, Change::Unpin),
                (6, Change::Remove),
                (8, Change::Add(Box::new(added))),
                (2, Change::Copy),
            ],
        );
        Edit { file, change }
    }

    fn deed(&mut self) -> Deed {
        let which = self.pick();
        let (pick, value) = (self.pick(), self.rng.u16(6..9));
        let created = self
            .of(&[
                SimulatedStatus::Enabled,
                SimulatedStatus::Enabled,
                SimulatedStatus::Creating,
                SimulatedStatus::CreateError,
            ])
            .clone();
        let status = self
            .of(&[
                SimulatedStatus::RecurringValidationError,
                SimulatedStatus::EditError,
                SimulatedStatus::MigrateError,
                SimulatedStatus::DeleteError,
                SimulatedStatus::Disabled,
            ])
            .clone();
        let what = weighted(
            &mut self.rng,
            vec![
                (10, Doing::Change { pick, value }),
                (3, Doing::Unknown { value }),
                (4, Doing::Remove),
                (5, Doing::Create(created)),
                (3, Doing::Status(status)),
                (2, Doing::Stranger),
            ],
        );
        Deed { which, what }
    }

    fn sync(&mut self) -> Sync {
        let troubles = *self.of(&[0, 0, 0, 1, 1, 2, 3, 5]);
        let deeds = *self.of(&[0, 0, 0, 0, 0, 0, 1, 2]);
        Sync {
            troubles: (0..troubles).map(|_| trouble(&mut self.rng)).collect(),
            end: self.end(),
            meanwhile: (0..deeds).map(|_| self.deed()).collect(),
            on_drift: *self.of(&[
                OnDrift::Apply,
                OnDrift::Apply,
                OnDrift::Apply,
                OnDrift::Report,
                OnDrift::Ignore,
            ]),
            on_conflict: *self.of(&[OnConflict::Apply, OnConflict::Apply, OnConflict::Stop]),
            policy: weighted(
                &mut self.rng,
                vec![
                    (20, self.policy),
                    (1, Policy::CreateOnly),
                    (1, Policy::Observe),
                ],
            ),
            operator: self.one_in(6),
            may_replace: self.one_in(4),
            parallelism: *self.of(&[1, 2, 4, 8]),
            wait: Duration::from_secs(*self.of(&[1, 120, 600])),
            saves: Vec::new(),
        }
    }

    fn end(&mut self) -> End {
        match self.rng.u32(0..100) {
            0..55 => End::Itself,
            55..60 => End::Stop {
                request: self.rng.usize(0..20),
            },
            _ => End::Crash(self.moment()),
        }
    }

    fn moment(&mut self) -> Moment {
        let nth = *self.of(&[0, 0, 0, 1, 1, 2, 3]);
        let rare = *self.of(&[Entry::Abandon, Entry::Forget, Entry::Note]);
        let request = which(&mut self.rng);
        let nth_request = if matches!(request, Which::Any | Which::Status) {
            self.rng.usize(0..16)
        } else {
            nth
        };
        weighted(
            &mut self.rng,
            vec![
                (3, Moment::Before(Entry::Begin, nth)),
                (5, Moment::After(Entry::Begin, nth)),
                (5, Moment::Before(Entry::Confirm, nth)),
                (3, Moment::After(Entry::Confirm, nth)),
                (3, Moment::Before(rare, nth)),
                (2, Moment::After(rare, nth)),
                (3, Moment::BeforeRequest(request, nth_request)),
                (6, Moment::AtRequest(request, nth_request)),
                (4, Moment::AfterAnswer(request, nth_request)),
            ],
        )
    }
}
