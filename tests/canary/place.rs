//! Places of the secrets of a run: files with references, and their targets.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde_json::json;
use tempfile::TempDir;

use super::search::Canaries;
use crate::common::{Integrationd, Tenant};
use crate::programs;
use crate::support::openbao::{ROOT_TOKEN, Server};
use crate::support::sops::Sops;

/// A source of secrets: puts a value where it looks, under a name, and says how
/// a file refers to it, as a scalar of YAML.
pub(crate) struct Source {
    pub(crate) name: &'static str,
    put: fn(&Place, &str, &str) -> String,
}

/// Every source.
pub(crate) const SOURCES: &[Source] = &[
    Source {
        name: "env",
        put: Place::put_into_environment,
    },
    Source {
        name: "file",
        put: Place::put_into_file,
    },
    Source {
        name: "cred",
        put: Place::put_into_credential,
    },
    Source {
        name: "sops",
        put: Place::put_into_sops,
    },
    Source {
        name: "vault",
        put: Place::put_into_vault,
    },
    Source {
        name: "literal",
        put: |_, _, value| quoted(value),
    },
];

/// A value to be kept secret.
#[derive(Clone)]
pub(crate) struct Value {
    /// The whole of it, as a source has it.
    pub(crate) text: String,
    /// Secret parts of it: all, or the values inside a document.
    pub(crate) secret: Vec<String>,
}

/// Makes a value of one look.
type Make = fn() -> Value;

/// Kinds of values.
pub(crate) const KINDS: &[(&str, Make)] = &[
    ("plain", plain),
    ("awkward", awkward),
    ("document", document),
];

fn random(length: usize) -> String {
    std::iter::repeat_with(fastrand::alphanumeric)
        .take(length)
        .collect()
}

pub(crate) fn plain() -> Value {
    let text = random(32);
    let secret = vec![text.clone()];
    Value { text, secret }
}

/// With every character that some form writes in another way.
fn awkward() -> Value {
    let specials = [
        "\"", "\\", "\n", "é", "'", "<", "&", "%", "+", "!", "~", " ", "/", "東",
    ];
    let pieces = specials.iter().map(|special| random(3) + special);
    let text = pieces.collect::<String>() + &random(4);
    let secret = vec![text.clone()];
    Value { text, secret }
}

/// A key file: a JSON document with a key of several lines in it.
fn document() -> Value {
    let lines = [random(40), random(40), random(24)];
    let key = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        lines.join("\n")
    );
    let id = random(30);
    let text =
        serde_json::json!({"type": "service_account", "private_key_id": id, "private_key": key});
    let secret = lines.into_iter().chain([id]).collect();
    Value {
        text: text.to_string(),
        secret,
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// A directory for everything that a run reads and writes.
pub(crate) struct Place {
    root: TempDir,
    /// The values by the names of their integrations.
    values: RefCell<Vec<(String, Value)>>,
    environment: RefCell<Vec<(String, String)>>,
    sops: Sops,
    vault: Arc<Server>,
}

/// A server for all tests that run at a time: starting one takes a second. It ends
/// with the last of them.
pub(crate) fn vault() -> Arc<Server> {
    static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let server = Arc::new(Server::start());
        *shared = Arc::downgrade(&server);
        server
    })
}

impl Place {
    /// Creates an integration for each source and each kind of value, one whose value has parts,
    /// and one with an unknown attribute.
    pub(crate) fn new() -> Self {
        let place = Self {
            root: TempDir::new().unwrap(),
            values: RefCell::default(),
            environment: RefCell::default(),
            sops: Sops::new(),
            vault: vault(),
        };
        for directory in [
            "files",
            "files/.sops",
            "credentials",
            "state",
            "home",
            "tmp",
        ] {
            std::fs::create_dir(place.path(directory)).unwrap();
        }
        place.fill();
        place
    }

    /// Gives everything a new value.
    pub(crate) fn fill(&self) {
        self.values.borrow_mut().clear();
        self.environment.borrow_mut().clear();
        for source in SOURCES {
            for (kind, make) in KINDS {
                let (name, value) = (format!("{}-{kind}", source.name), make());
                let reference = (source.put)(self, &name, &value.text);
                self.describe(&name, &reference, "", value);
            }
        }
        let (before, inside) = (random(20), plain());
        let reference = self.put_into_environment("parts", &inside.text);
        let whole = format!("{before}{}", inside.text);
        let parts = Value {
            text: whole.clone(),
            secret: vec![whole, before.clone(), inside.text],
        };
        self.describe(
            "parts",
            &reference.replace('$', &format!("{before}$")),
            "",
            parts,
        );
        let extra = awkward();
        let more = format!(
            "sync: {{extra: {{newAttribute: {}}}}}\n",
            quoted(&extra.text)
        );
        self.describe("extra", "known-nowhere", &more, extra);
    }

    fn describe(&self, name: &str, token: &str, more: &str, value: Value) {
        let text = format!(
            "type: Databricks\nautoBootstrap: false\nconfig:\n  workspaceUrl: {name}.example.com\n  \
             httpPath: /sql\n  authenticationType: token\n  token: {token}\n{more}"
        );
        std::fs::write(self.path("files").join(format!("{name}.yaml")), text).unwrap();
        self.values.borrow_mut().push((name.to_owned(), value));
    }

    fn put_into_environment(&self, name: &str, value: &str) -> String {
        let variable = name.to_uppercase().replace('-', "_");
        let mut environment = self.environment.borrow_mut();
        environment.push((variable.clone(), value.to_owned()));
        format!("'${{env:{variable}}}'")
    }

    fn put_into_file(&self, name: &str, value: &str) -> String {
        std::fs::write(self.path("files").join(name), value).unwrap();
        format!("'${{file:{name}}}'")
    }

    fn put_into_credential(&self, name: &str, value: &str) -> String {
        std::fs::write(self.path("credentials").join(name), value).unwrap();
        format!("'${{cred:{name}}}'")
    }

    fn put_into_sops(&self, name: &str, value: &str) -> String {
        let path = format!(".sops/{name}.json");
        let encrypted = self
            .sops
            .encrypted("json", &json!({ "v": value }).to_string());
        std::fs::write(self.path("files").join(&path), encrypted).unwrap();
        format!("'${{sops:{path}#/v}}'")
    }

    fn put_into_vault(&self, name: &str, value: &str) -> String {
        let place = self.root.path().file_name().unwrap().to_str().unwrap();
        let path = format!("{}/{name}", place.trim_start_matches('.'));
        self.vault.put(&path, &json!({ "v": value }));
        format!("'${{vault:secret/data/{path}#v}}'")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The values by the names of their integrations, in the order in which they are applied.
    pub(crate) fn values(&self) -> Vec<(String, Value)> {
        let mut values = self.values.borrow().clone();
        values.sort_by(|a, b| a.0.cmp(&b.0));
        values
    }

    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        self.environment.borrow().clone()
    }

    /// All secrets, with the key of the tool itself.
    pub(crate) fn canaries(&self, key: &str) -> Canaries {
        let values = self.values();
        let secrets = values.iter().flat_map(|(name, value)| {
            value
                .secret
                .iter()
                .map(|secret| (name.clone(), secret.clone()))
        });
        let own = [("the API key", key), ("the token of Vault", ROOT_TOKEN)];
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Canaries::new(&secrets.chain(own).collect::<Vec<_>>())
    }

    /// A run on the files, against a tenant that takes this key, with everything logged.
    pub(crate) fn run(&self, args: &[&str], tenant: &Tenant, key: &str) -> Integrationd {
        self.run_at(args, &tenant.url(), key)
    }

    pub(crate) fn run_at(&self, args: &[&str], url: &str, key: &str) -> Integrationd {
        let run = Integrationd::new(["--log-level=trace"]).at(url);
        let run = args.iter().fold(run, Integrationd::arg);
        let run = self
            .environment()
            .iter()
            .fold(run, |run, (name, value)| run.env(name, value));
        let text = |name: &str| self.path(name).to_str().unwrap().to_owned();
        run.env("IMMUTA_API_KEY", key)
            .env("PATH", programs::path().to_str().unwrap())
            .env(
                "SOPS_AGE_KEY_FILE",
                self.sops.key("key.txt").to_str().unwrap(),
            )
            .env("VAULT_ADDR", &self.vault.url)
            .env("VAULT_TOKEN", ROOT_TOKEN)
            // A rotation of everything is what is asked for.
            .env("INTEGRATIOND_MAX_CHANGE_PERCENT", "100")
            .env("CREDENTIALS_DIRECTORY", &text("credentials"))
            .env("INTEGRATIOND_STATE", &text("state"))
            .env("HOME", &text("home"))
            .env("TMPDIR", &text("tmp"))
    }

    /// Fails the test if one of the files that the process makes holds a value.
    #[track_caller]
    pub(crate) fn keeps_no(&self, canaries: &Canaries) -> usize {
        ["state", "home", "tmp"]
            .iter()
            .map(|name| scan(&self.path(name), canaries))
            .sum()
    }
}

/// Number of files that were searched.
#[track_caller]
fn scan(directory: &Path, canaries: &Canaries) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            count += scan(&path, canaries);
        } else {
            canaries.are_not_in(path.to_str().unwrap(), &std::fs::read(&path).unwrap());
            count += 1;
        }
    }
    count
}
