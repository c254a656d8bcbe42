//! `simulator`: a tenant of one's own, on loopback.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::common::{Files, Integrationd, Running, eventually, snowflake};

/// The simulator under way, and its address.
fn started() -> (Running, String) {
    started_with(&[])
}

fn started_with(args: &[&str]) -> (Running, String) {
    let run = Integrationd::new(["simulator", "--listen=127.0.0.1:0", "--settle=1ms"]);
    let running = args.iter().fold(run, Integrationd::arg).start();
    running.prints("Control: ");
    let text = running.printed();
    let (_, rest) = text.split_once("http://").unwrap();
    let address = rest.split_whitespace().next().unwrap().to_owned();
    (running, address)
}

/// Response to a request as `curl` would send it.
fn request(address: &str, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_says_how_to_use_it_and_serves_until_it_is_interrupted() {
    let (running, address) = started();
    let text = running.printed().replace(&address, "[ADDRESS]");
    insta::assert_snapshot!(text, @r"
    Simulated tenant on http://[ADDRESS]

      export IMMUTA_URL=http://[ADDRESS] IMMUTA_API_KEY=simulator0key0with0every0permission

    Control: http://[ADDRESS]/_simulator/  (log, state, faults, drift, connections, options, reset)
    ");
    let files = Files::none().with("a.yaml", &snowflake("a"));
    let url = format!("http://{address}");
    Integrationd::new(["sync", "--yes"])
        .at(&url)
        .with(&files)
        .run()
        .exits_with(0);
    let state = request(&address, "GET", "/_simulator/state", "");
    assert!(state.contains("a.snowflakecomputing.com"), "{state}");
    running.signal("INT");
    assert_eq!(running.wait().code, 0);
}

#[test]
fn it_goes_wrong_on_demand() {
    let (running, address) = started();
    let fault = r#"{"kind": {"server_error": {"code": 503}}}"#;
    let answer = request(&address, "POST", "/_simulator/faults", fault);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let url = format!("http://{address}");
    let ran = Integrationd::new(["ping"]).at(&url).run().exits_with(1);
    assert!(ran.stdout.contains("503"), "{}", ran.stdout);
    Integrationd::new(["ping"]).at(&url).run().exits_with(0);
    running.signal("TERM");
    running.wait();
    eventually("nobody listens any more", || {
        TcpStream::connect(&address).is_err()
    });
}

#[test]
fn simulator_has_connections_on_demand() {
    let (running, address) = started_with(&["--connections=works"]);
    let url = format!("http://{address}");
    let seed = r#"{"type": "Glue"}"#;
    request(&address, "POST", "/_simulator/seed", seed);
    let connection = r#"{"key": "Sales", "technology": "Glue", "integration": 1}"#;
    let answer = request(&address, "POST", "/_simulator/connections", connection);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let ran = Integrationd::new(["list"]).at(&url).run().exits_with(0);
    insta::assert_snapshot!(ran.stdout, @"
    ID  TYPE  IDENTITY  SET-UP  STATUS   CONNECTION
    1   Glue                    enabled  Sales
    ");
    running.signal("INT");
    running.wait();
    let (running, address) = started();
    let options = request(&address, "GET", "/_simulator/options", "");
    assert!(options.contains(r#""connections":"missing""#), "{options}");
    running.signal("INT");
    running.wait();
}

#[test]
fn it_asks_for_the_key_that_it_says() {
    let (running, address) = started();
    let answer = request(&address, "GET", "/integrations", "");
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    running.signal("INT");
    running.wait();
}

#[test]
fn it_listens_on_loopback_only() {
    let ran = Integrationd::new(["simulator", "--listen", "0.0.0.0:0"]).run();
    insta::assert_snapshot!(ran.exits_with(64).stderr, @"
    error: the simulator cannot listen on 0.0.0.0, which is not a loopback address
     help: give a loopback address, such as 127.0.0.1:8080: the simulator's credentials are public, and its control endpoint needs none
    ");
}

#[test]
fn port_in_use_is_reported() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = Integrationd::new(["simulator", "--listen", &address]).run();
    let stderr = ran.exits_with(1).stderr.replace(&address, "[ADDRESS]");
    insta::assert_snapshot!(stderr, @r"
    error: the simulator cannot listen on [ADDRESS]: Address already in use (os error 98)
     help: choose another port with `--listen`; port 0 selects a free one
    ");
}
