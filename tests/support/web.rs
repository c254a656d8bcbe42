//! A daemon that serves, and a client for it that sends given bytes, one by one.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tempfile::TempDir;

use crate::common::{Files, Integrationd, Running, Tenant, eventually};

/// Token of the page.
pub(crate) const TOKEN: &str = "token-of-the-page-Wq8z-Kd3v";

/// A tenant, files, and the place of the ledger.
pub(crate) struct Web {
    pub(crate) tenant: Tenant,
    pub(crate) files: Files,
    pub(crate) state: TempDir,
}

impl Web {
    pub(crate) fn new(files: Files) -> Self {
        Self {
            tenant: Tenant::empty(),
            files,
            state: TempDir::new().unwrap(),
        }
    }

    /// The daemon, quick to look, on a free port.
    pub(crate) fn daemon(&self, args: &[&str]) -> Integrationd {
        let run = Integrationd::new(["daemon", "--debounce", "50ms", "--state"]);
        let run = run.arg(self.state.path());
        let run = args.iter().fold(run, Integrationd::arg);
        let run = match args.contains(&"--listen") {
            true => run,
            false => run.arg("--listen").arg("127.0.0.1:0"),
        };
        run.on(&self.tenant)
            .with(&self.files)
            .env("LAKE_TOKEN", "token-of-the-lake")
            .env("INTEGRATIOND_LOG_LEVEL", "info")
    }

    pub(crate) fn serve(&self, args: &[&str]) -> Served {
        Served::of(self.daemon(args).start())
    }

    /// With a token, and after a run that has seen everything.
    pub(crate) fn serve_with_token(&self) -> Served {
        let daemon = self.daemon(&[]).env("INTEGRATIOND_LISTEN_TOKEN", TOKEN);
        let served = Served::of(daemon.start());
        eventually("it is ready", || served.get("/readyz").code == 200);
        served
    }

    /// After a run that has seen everything.
    pub(crate) fn ready(&self, args: &[&str]) -> Served {
        let served = self.serve(args);
        eventually("it is ready", || served.get("/readyz").code == 200);
        served
    }
}

/// A daemon that listens.
pub(crate) struct Served {
    pub(crate) daemon: Running,
    pub(crate) address: SocketAddr,
}

impl Served {
    pub(crate) fn of(daemon: Running) -> Self {
        Self::at(daemon, "serving the status page at http")
    }

    /// At the address that follows this in the log.
    pub(crate) fn at(daemon: Running, said: &str) -> Self {
        let address = address(&daemon, said);
        Self { daemon, address }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "")
    }

    /// With the token.
    pub(crate) fn get_as_bearer(&self, path: &str) -> Answer {
        self.ask(
            "GET",
            path,
            &[("authorization", &format!("Bearer {TOKEN}"))],
            "",
        )
    }

    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "host") {
            head.push_str(&format!("host: {}\r\n", self.address));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str("content-type: application/x-www-form-urlencoded\r\n");
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        self.send(&format!("{head}\r\n{body}"))
    }

    /// Sends this as it stands.
    pub(crate) fn send(&self, text: &str) -> Answer {
        send(self.address, text)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        connect(self.address)
    }

    /// The status, as a document.
    pub(crate) fn status(&self) -> serde_json::Value {
        let answer = self.get("/status");
        assert_eq!(answer.code, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    /// The row of an integration in the status.
    pub(crate) fn row(&self, name: &str) -> serde_json::Value {
        let status = self.status();
        let rows = status["seen"]["integrations"].as_array().unwrap();
        let row = rows.iter().find(|row| row["name"] == name);
        row.unwrap_or_else(|| panic!("no {name} in {status:#}"))
            .clone()
    }

    /// Ends it as systemd does.
    pub(crate) fn end(self) {
        self.daemon.signal("TERM");
        self.daemon.wait().exits_with(0);
    }
}

/// The address that follows this in the log.
pub(crate) fn address(daemon: &Running, said: &str) -> SocketAddr {
    daemon.prints(said);
    let mut address = None;
    // The end of the line may come later than its beginning.
    eventually("the whole address", || {
        let printed = daemon.printed();
        let (_, rest) = printed.split_once(said).unwrap();
        let rest = rest.trim_start_matches('s').trim_start_matches("://");
        address = rest
            .split_once('/')
            .and_then(|(found, _)| found.parse().ok());
        address.is_some()
    });
    let mut address: SocketAddr = address.unwrap();
    if address.ip().is_unspecified() {
        address.set_ip([127, 0, 0, 1].into());
    }
    address
}

/// Sends this as it stands.
pub(crate) fn send(address: SocketAddr, text: &str) -> Answer {
    let mut stream = connect(address);
    // It may be answered, and closed, before all of it was read.
    let _ = stream.write_all(text.as_bytes());
    Answer::read(&mut stream)
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// Reads until the server closes; what it has sent before a reset counts.
    pub(crate) fn read(stream: &mut impl Read) -> Self {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Self {
            code: code.unwrap_or(0),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(own, _)| own.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value)
    }

    /// The name and the value of the cookie that it sets.
    pub(crate) fn cookie(&self) -> &str {
        let cookie = self.header("set-cookie").expect("a cookie");
        cookie.split(';').next().unwrap()
    }

    /// The proof in the forms of a page.
    pub(crate) fn csrf(&self) -> &str {
        let (_, rest) = self
            .body
            .split_once("name=\"csrf\" value=\"")
            .expect("a form");
        rest.split('"').next().unwrap()
    }
}
