//! Only revisions signed with a configured key reach the tenant.

use serde_json::Value;

use super::{World, lake};
use crate::common::eventually;
use crate::programs::{GNUPG, SSH_KEYGEN, needs};
use crate::stub::Stub;
use crate::support::signers::Signers;
use crate::web::Served;

/// Number of failed fetches.
const REFUSED: &str = "integrationd_git_fetch_total{result=\"failure\"}";

/// A daemon that accepts Ada's signatures, and its clients.
struct Guarded {
    world: World,
    stub: Stub,
    served: Served,
}

impl Guarded {
    fn new(signers: &Signers, keys: &str) -> Self {
        let (world, stub) = (World::new(), Stub::start(|_| (204, String::new())));
        let args = ["--poll=200ms", "--git-verify=head", keys];
        let daemon = world.daemon(&signers.repository.path(), &args);
        let daemon = daemon.env("INTEGRATIOND_NOTIFY_URL", &stub.url);
        let served = Served::of(daemon.start());
        served.daemon.prints("1 applied, 0 failed");
        Self {
            world,
            stub,
            served,
        }
    }

    /// The news that came so many messages after the start.
    fn news(&self, n: usize) -> Value {
        eventually("the news", || self.stub.requests().len() == n);
        let body: Value = serde_json::from_str(&self.stub.requests()[n - 1].body).unwrap();
        body["notifications"][0].clone()
    }

    /// Nothing is written, and every client receives the reason, once.
    fn refuses(&self, id: &str, why: &str, nth: usize) {
        let (served, news) = (&self.served, self.news(nth));
        assert_eq!(news["kind"], "Failed");
        assert_eq!(news["reason"], "SourceRefused");
        let status = served.status();
        assert_eq!(status["state"], "Stalled");
        let page = Value::from(served.get("/").body);
        let log = Value::from(served.daemon.printed());
        for told in [&status["summary"], &news["about"], &page, &log] {
            let told = told.to_string();
            assert!(told.contains(why) && told.contains(id), "{told}");
        }
        assert_eq!(self.world.tenant.writes(), ["POST /integrations"]);
        let polls = || {
            let metrics = served.get("/metrics").body;
            let mut lines = metrics.lines();
            let count = lines.find_map(|line| line.strip_prefix(REFUSED));
            count.unwrap().trim().parse::<u64>().unwrap()
        };
        let before = polls();
        eventually("two polls more", || polls() >= before + 2);
        assert_eq!(served.status()["runs"], status["runs"]);
    }
}

/// `sign_as` says who signs from now on.
fn only_what_ada_signs_is_applied(signers: &Signers, keys: &str, sign_as: &dyn Fn(&str)) {
    let write = |path: &str| signers.repository.write("files/lake.yaml", lake(path));
    sign_as("ada");
    write("/one");
    signers.signed_commit();
    let guarded = Guarded::new(signers, keys);
    write("/unsigned");
    let unsigned = signers.repository.commit_with(["-m", "unsigned"]);
    guarded.refuses(&unsigned.to_string(), "the commit is not signed", 1);
    // Taken back, it is as if it had never been there.
    let back = ["reset", "--quiet", "--hard", "HEAD^"];
    signers.repository.git(back);
    signers.repository.push();
    assert_eq!(guarded.news(2)["kind"], "Recovered");
    assert_eq!(guarded.served.status()["state"], "Ready");

    sign_as("eve");
    write("/stranger");
    let stranger = signers.signed_commit().to_string();
    guarded.refuses(&stranger, "by a key that is not configured", 3);
    sign_as("ada");
    write("/signed");
    let signed = signers.signed_commit().to_string();
    let both = ["POST /integrations", "PUT /integrations/1"];
    guarded.world.writes_come_to(&both);
    assert_eq!(guarded.world.paths(), ["/one", "/signed"]);
    assert_eq!(guarded.news(4)["kind"], "Recovered");
    let revision = guarded.served.row("lake")["revision"].clone();
    assert_eq!(revision, signed.as_str());
    guarded.served.end();
}

#[test]
fn a_commit_by_an_allowed_ssh_key_is_applied_and_no_other() {
    needs!(SSH_KEYGEN);
    let signers = Signers::new();
    let key = signers.ssh_key("ada");
    signers.ssh_key("eve");
    let allowed = signers.allowed(&format!("ada@example.com {key}"));
    let keys = format!("--git-allowed-signers={}", allowed.display());
    only_what_ada_signs_is_applied(&signers, &keys, &|name| signers.sign_with_ssh(name));
}

#[test]
fn a_commit_by_a_given_openpgp_key_is_applied_and_no_other() {
    needs!(GNUPG);
    let signers = Signers::new();
    signers.sign_with_openpgp("eve");
    let key = signers.sign_with_openpgp("ada");
    let keys = format!("--git-openpgp-key={}", key.display());
    only_what_ada_signs_is_applied(&signers, &keys, &|name| {
        signers.repository.git(["config", "user.signingKey", name]);
    });
}
