//! git over HTTP as it is mostly served: nginx, fcgiwrap and git's own program.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use super::repository::command;
use crate::common::{eventually, send_signal};
use crate::programs::{NGINX, is_declared, output};

pub(crate) const USER: &str = "reader";
pub(crate) const PASSWORD: &str = "s3cr3t-of-git-Wm4q";
pub(crate) const TOKEN: &str = "s3cr3t-bearer-of-git-Yk8v";

/// User who may push.
pub(crate) const PUSHER: &str = "pusher";
pub(crate) const PUSHERS_PASSWORD: &str = "s3cr3t-of-the-pusher-Hn2c";

/// Two tests may find the same free port; so often another one is tried.
const ATTEMPTS: usize = 5;

/// Serves every repository below a directory: `/basic/` and `/bearer/` ask for
/// credentials, `/open/` for none, `/moved/` leads to `/basic/`, `/page/` is a web
/// page and `/busy/` has no time. To `/push/` the pusher may push.
pub(crate) struct Server {
    https: u16,
    http: u16,
    place: TempDir,
    _processes: Vec<Process>,
}

/// A process that ends with its test.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        let started = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(started.unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // nginx ends its workers on TERM alone.
        send_signal(self.0.id(), "TERM");
        let _ = self.0.wait();
    }
}

/// An unused port of this machine.
pub(crate) fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().port()
}

pub(crate) fn answers(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

impl Server {
    pub(crate) fn start(repositories: &Path) -> Self {
        is_declared(NGINX);
        let mut started = (0..ATTEMPTS).filter_map(|_| Self::try_start(repositories));
        started.next().expect("nginx does not start")
    }

    fn try_start(repositories: &Path) -> Option<Self> {
        let place = TempDir::new().unwrap();
        let (https, http) = (free_port(), free_port());
        certificates(place.path());
        for (name, user, password) in [
            ("passwords", USER, PASSWORD),
            ("pushers", PUSHER, PUSHERS_PASSWORD),
        ] {
            let plain = format!("{user}:{{PLAIN}}{password}\n");
            fs::write(place.path().join(name), plain).unwrap();
        }
        let settings = place.path().join("nginx.conf");
        fs::write(
            &settings,
            configuration(place.path(), repositories, https, http),
        )
        .unwrap();
        let socket = place.path().join("fcgi");
        let mut fcgiwrap = command("/usr/sbin/fcgiwrap", place.path());
        fcgiwrap.arg("-s").arg(format!("unix:{}", socket.display()));
        let mut nginx = command("/usr/sbin/nginx", place.path());
        nginx.arg("-p").arg(place.path()).arg("-c").arg(&settings);
        nginx.args(["-e", "stderr"]);
        let mut processes = vec![Process::start(&mut fcgiwrap), Process::start(&mut nginx)];
        let mut has_ended = false;
        eventually("nginx answers", || {
            has_ended = processes[1].has_ended();
            has_ended || (socket.exists() && answers(https) && answers(http))
        });
        (!has_ended).then_some(Self {
            https,
            http,
            place,
            _processes: processes,
        })
    }

    /// The certificate of the authority that signed the server's.
    pub(crate) fn ca(&self) -> PathBuf {
        self.place.path().join("ca.pem")
    }

    pub(crate) fn https(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}/{path}", self.https)
    }

    /// With the credentials of the pusher, as git takes them.
    pub(crate) fn as_pusher(&self, path: &str) -> String {
        let port = self.https;
        format!("https://{PUSHER}:{PUSHERS_PASSWORD}@127.0.0.1:{port}/push/{path}")
    }

    pub(crate) fn http(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.http)
    }

    pub(crate) fn http_port(&self) -> u16 {
        self.http
    }

    /// Requests so far, with their credentials.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.place.path().join("access.log")).unwrap()
    }
}

fn certificates(place: &Path) {
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let server = server.signed_by(&key, &ca).unwrap();
    for (name, pem) in [
        ("ca.pem", ca.pem()),
        ("server.pem", server.pem()),
        ("server.key", key.serialize_pem()),
    ] {
        fs::write(place.join(name), pem).unwrap();
    }
}

fn configuration(place: &Path, repositories: &Path, https: u16, http: u16) -> String {
    let backend = output(command("git", place).arg("--exec-path"));
    let (place, repositories) = (place.display(), repositories.display());
    let git = format!(
        "fastcgi_pass unix:{place}/fcgi;
         fastcgi_param SCRIPT_FILENAME {}/git-http-backend;
         fastcgi_param GIT_PROJECT_ROOT {repositories};
         fastcgi_param GIT_HTTP_EXPORT_ALL 1;
         fastcgi_param PATH_INFO $1;
         fastcgi_param QUERY_STRING $query_string;
         fastcgi_param REQUEST_METHOD $request_method;
         fastcgi_param CONTENT_TYPE $content_type;
         fastcgi_param CONTENT_LENGTH $content_length;",
        backend.trim()
    );
    // The worker must see the files of the user who runs the tests.
    let user = if rustix::process::getuid().is_root() {
        "user root;"
    } else {
        ""
    };
    format!(
        "{user} daemon off; pid {place}/pid; worker_processes 1;
         events {{ worker_connections 64; }}
         http {{
           log_format with '$request_uri $status [$http_authorization]';
           access_log {place}/access.log with;
           client_body_temp_path {place}/1; proxy_temp_path {place}/2;
           fastcgi_temp_path {place}/3; uwsgi_temp_path {place}/4; scgi_temp_path {place}/5;
           server {{
             listen 127.0.0.1:{https} ssl; listen 127.0.0.1:{http};
             ssl_certificate {place}/server.pem; ssl_certificate_key {place}/server.key;
             location ~ ^/open(/.*)$ {{ {git} }}
             location ~ ^/basic(/.*)$ {{
               auth_basic x; auth_basic_user_file {place}/passwords; {git}
             }}
             location ~ ^/push(/.*)$ {{
               auth_basic x; auth_basic_user_file {place}/pushers; {git}
               fastcgi_param REMOTE_USER $remote_user;
             }}
             location ~ ^/bearer(/.*)$ {{
               if ($http_authorization != 'Bearer {TOKEN}') {{ return 403; }} {git}
             }}
             location ~ ^/moved(/.*)$ {{ return 307 /basic$1?$query_string; }}
             location /page {{ default_type text/html; return 200 '<h1>Log in</h1>'; }}
             location /busy {{ return 503; }}
           }}
         }}"
    )
}
