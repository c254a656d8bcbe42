//! The page in a real Chromium, with JavaScript and without.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use crate::common::{Files, eventually, lake, snowflake};
use crate::programs::{CHROMIUM, is_declared, needs};
use crate::stub::Stub;
use crate::web::{Served, Web};

/// Further flags: an isolated browser without requests of its own.
const FLAGS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--enable-logging=stderr",
    "--window-size=1280,900",
];

/// Script setting of the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scripts {
    Run,
    Blocked,
}

/// Rendered page, and the browser's messages about it.
struct Seen {
    dom: String,
    said: String,
}

fn chromium(scripts: Scripts, args: &[&str], url: &str) -> Seen {
    is_declared(CHROMIUM);
    let profile = TempDir::new().unwrap();
    if scripts == Scripts::Blocked {
        let place = profile.path().join("Default");
        std::fs::create_dir(&place).unwrap();
        let blocked = r#"{"profile":{"default_content_setting_values":{"javascript":2}}}"#;
        std::fs::write(place.join("Preferences"), blocked).unwrap();
    }
    let output = Command::new("chromium")
        .args(FLAGS)
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(args)
        .arg(url)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", output.status);
    Seen {
        dom: String::from_utf8(output.stdout).unwrap(),
        said: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Seen {
    fn of(scripts: Scripts, url: &str, args: &[&str]) -> Self {
        let args: Vec<&str> = args.iter().copied().chain(["--dump-dom"]).collect();
        let seen = chromium(scripts, &args, url);
        // What a policy forbade, and what a script threw.
        for line in seen.said.lines().filter(|line| line.contains("CONSOLE")) {
            assert!(
                !line.contains("Refused") && !line.contains("Uncaught"),
                "{line}"
            );
            assert!(!line.contains("violates"), "{line}");
        }
        seen
    }

    /// The names of the rows that are shown.
    fn shown(&self) -> Vec<&str> {
        let rows = self.dom.split("<tbody").skip(1);
        let shown = rows.filter(|row| !row.split('>').next().unwrap().contains("hidden"));
        shown
            .map(|row| {
                let (_, rest) = row.split_once("class=\"name\">").unwrap();
                rest.split('<').next().unwrap()
            })
            .collect()
    }
}

fn served() -> (Web, Served) {
    let files = Files::none()
        .with("lake.yaml", &lake("lake", "${env:LAKE_TOKEN}"))
        .with("warehouse.yaml", &snowflake("acme"))
        .with("<script>alert(1)<script>.yaml", "type: Trino\nwhat: 1\n");
    let web = Web::new(files);
    let served = web.ready(&[]);
    (web, served)
}

#[test]
fn filter_of_the_address_is_kept_and_never_executed() {
    needs!(CHROMIUM);
    let (_web, served) = served();
    let url = |query: &str| format!("{}/{query}", served.url());
    for scripts in [Scripts::Run, Scripts::Blocked] {
        let all = Seen::of(scripts, &url(""), &[]);
        let hostile = "&lt;script&gt;alert(1)&lt;script&gt;";
        assert_eq!(all.shown(), [hostile, "lake", "warehouse"], "{scripts:?}");
        // Neither sends an alert, which would have to be answered first.
        assert!(!all.said.contains("alert"), "{}", all.said);
        let query = url("?platform=Snowflake&q=WAREhouse.yaml");
        let one = Seen::of(scripts, &query, &[]);
        assert_eq!(one.shown(), ["warehouse"], "{scripts:?}");
        assert!(one.dom.contains("1 of 3 shown"), "{scripts:?}");
        let times = all.dom.matches("<time").count();
        assert!(times > 3);
        match scripts {
            Scripts::Run => assert_eq!(all.dom.matches(" ago</time>").count(), times),
            Scripts::Blocked => assert_eq!(all.dom.matches(" UTC</time>").count(), times),
        }
    }
    served.end();
}

#[test]
fn the_page_keeps_itself_fresh_and_its_filter_set() {
    needs!(CHROMIUM);
    let (web, served) = served();
    let before = served.get("/?q=unity").body;
    web.files
        .write("later.yaml", &lake("later", "${env:LAKE_TOKEN}"));
    let mut after = String::new();
    eventually("the page has it", || {
        after = served.get("/").body;
        after.contains(">later<")
    });
    assert!(!before.contains(">later<"));
    let script = served.get("/page.js").body;
    served.end();
    // The same addresses, at which something happens in between.
    let asked = AtomicUsize::new(0);
    let stub = Stub::start(move |line| match line {
        "GET /page.js" => (200, script.clone()),
        line if line.starts_with("GET / ") || line.starts_with("GET /?") || line == "GET /" => {
            let is_first = asked.fetch_add(1, Ordering::Relaxed) == 0;
            (
                200,
                if is_first {
                    before.clone()
                } else {
                    after.clone()
                },
            )
        }
        _ => (404, String::new()),
    });
    let url = format!("{}/?q=unity", stub.url);
    let seen = Seen::of(Scripts::Run, &url, &["--virtual-time-budget=12000"]);
    assert_eq!(seen.shown(), ["lake", "later"]);
}

/// Size of a picture of a page: one without content compresses to almost nothing.
fn picture(place: &Path, name: &str, url: &str, args: &[&str]) -> u64 {
    let path = place.join(name);
    let to = format!("--screenshot={}", path.display());
    let args: Vec<&str> = args.iter().copied().chain([&*to]).collect();
    chromium(Scripts::Run, &args, url);
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(&bytes[1..4], b"PNG");
    bytes.len().try_into().unwrap()
}

#[test]
fn a_picture_of_it_is_not_blank() {
    needs!(CHROMIUM);
    let (_web, served) = served();
    let place = TempDir::new().unwrap();
    let blank = picture(place.path(), "blank.png", "about:blank", &[]);
    let page = picture(place.path(), "page.png", &served.url(), &[]);
    assert!(page > 5 * blank, "{page} and {blank} bytes");
    served.end();
}
