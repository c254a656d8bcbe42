//! Addresses of repositories.
//!
//! The result ends up in the arguments of a program or in a request, so that nothing else is
//! accepted: no other transport (`git:` proves nothing, `ext:` runs programs), no credentials,
//! nothing that reads as a flag.

use std::fmt;
use std::path::{Path, PathBuf};

use url::{Host, Url};

use crate::net::{ServerUrl, ServerUrlError};
use crate::text::escaped;

/// The address of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GitUrl {
    /// `https://…`, or `http://…` to this machine.
    Http(ServerUrl),
    /// `ssh://…`, or `user@host:path`.
    Ssh(SshAddress),
    /// `file://…`, or an absolute path.
    Local(PathBuf),
}

/// A repository that is reached by ssh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshAddress {
    pub(super) user: Option<String>,
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) path: String,
}

/// Reason why a text is not an address. It repeats nothing of the text, which may contain a
/// password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GitUrlError {
    /// `https` and `http` have rules of their own.
    #[error(transparent)]
    Http(#[from] ServerUrlError),
    /// Neither a URL nor a path.
    #[error("it is neither a URL nor an absolute path")]
    NotAUrl,
    /// Another scheme.
    #[error("its scheme is not https, ssh or file")]
    Scheme,
    /// `ssh://user:password@`.
    #[error("it contains a password: remove it and use an SSH key")]
    Password,
    /// `?query` or `#fragment`.
    #[error("it contains a query or a fragment: remove it")]
    Query,
    /// `file://host/…`.
    #[error("it refers to a file on another machine: use ssh or https")]
    FileHost,
    /// A host, user or path that ssh would not take for one.
    #[error("its host, user or path is empty, begins with `-`, or contains an invalid character")]
    Unsafe,
}

impl GitUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// For everything that could not be one, or would give credentials away.
    pub fn parse(text: &str) -> Result<Self, GitUrlError> {
        let text = text.trim();
        if text.starts_with('/') {
            return local(Path::new(text));
        }
        match text.split_once("://") {
            Some(("https" | "http", _)) => Ok(Self::Http(ServerUrl::parse(text)?)),
            Some(("ssh", _)) => ssh_url(text),
            Some(("file", _)) => {
                let url = Url::parse(text).map_err(|_| GitUrlError::NotAUrl)?;
                local(&url.to_file_path().map_err(|()| GitUrlError::FileHost)?)
            }
            Some(_) => Err(GitUrlError::Scheme),
            None => short(text),
        }
    }
}

fn local(path: &Path) -> Result<GitUrl, GitUrlError> {
    let is_text = path.to_str().is_some_and(|path| !path.contains('\0'));
    is_text
        .then(|| GitUrl::Local(path.to_owned()))
        .ok_or(GitUrlError::Unsafe)
}

fn ssh_url(text: &str) -> Result<GitUrl, GitUrlError> {
    let url = Url::parse(text).map_err(|_| GitUrlError::NotAUrl)?;
    if url.password().is_some() {
        return Err(GitUrlError::Password);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(GitUrlError::Query);
    }
    let host = match url.host() {
        Some(Host::Ipv6(address)) => address.to_string(),
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        None => return Err(GitUrlError::NotAUrl),
    };
    let user = Some(url.username()).filter(|user| !user.is_empty());
    // Not unescaped: what must be escaped in a URL is not let through anyway.
    let path = url.path();
    // As git has it: `/~user/x` is in the home of that user.
    let path = path
        .strip_prefix('/')
        .filter(|path| path.starts_with('~'))
        .unwrap_or(path);
    ssh(user, &host, url.port(), path)
}

/// `user@host:path`.
fn short(text: &str) -> Result<GitUrl, GitUrlError> {
    let (place, path) = text.split_once(':').ok_or(GitUrlError::NotAUrl)?;
    let (user, host) = match place.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        // `user:password@host:path`, cut at its first colon.
        None if path.contains('@') => return Err(GitUrlError::Password),
        None => (None, place),
    };
    // `ext::…` and the like.
    if path.starts_with(':') {
        return Err(GitUrlError::Scheme);
    }
    ssh(user, host, None, path)
}

fn ssh(
    user: Option<&str>,
    host: &str,
    port: Option<u16>,
    path: &str,
) -> Result<GitUrl, GitUrlError> {
    let is_name = |text: &str| is_plain(text, "._-:");
    let is_path = is_plain(path, "._-/~+=,");
    if !is_name(host) || !user.is_none_or(is_name) || !is_path || path == "/" {
        return Err(GitUrlError::Unsafe);
    }
    Ok(GitUrl::Ssh(SshAddress {
        user: user.map(str::to_owned),
        host: host.to_owned(),
        port,
        path: path.to_owned(),
    }))
}

/// Letters, digits and these, and nothing that reads as a flag.
fn is_plain(text: &str, others: &str) -> bool {
    let is_known = |c: char| c.is_ascii_alphanumeric() || others.contains(c);
    !text.is_empty() && !text.starts_with('-') && text.chars().all(is_known)
}

/// As it may be shown anywhere: there are no credentials in it.
impl fmt::Display for GitUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(server) => write!(f, "{server}"),
            Self::Ssh(address) => write!(f, "{address}"),
            Self::Local(path) => f.write_str(&escaped(&path.to_string_lossy())),
        }
    }
}

impl fmt::Display for SshAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            user,
            host,
            port,
            path,
        } = self;
        f.write_str("ssh://")?;
        if let Some(user) = user {
            write!(f, "{user}@")?;
        }
        if host.contains(':') {
            write!(f, "[{host}]")?;
        } else {
            f.write_str(host)?;
        }
        if let Some(port) = port {
            write!(f, ":{port}")?;
        }
        let slash = if path.starts_with('/') { "" } else { "/" };
        write!(f, "{slash}{path}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, GitUrlError> {
        GitUrl::parse(text).map(|url| url.to_string())
    }

    #[test]
    fn the_usual_forms_are_read() {
        for (text, expected) in [
            (
                "https://git.example.com/a/b.git",
                "https://git.example.com/a/b.git",
            ),
            (
                "ssh://git@example.com:2222/a/b",
                "ssh://git@example.com:2222/a/b",
            ),
            ("git@example.com:a/b.git", "ssh://git@example.com/a/b.git"),
            ("ssh://[::1]/~me/b", "ssh://[::1]/~me/b"),
            ("file:///srv/git/a.git", "/srv/git/a.git"),
            ("/srv/git/a.git", "/srv/git/a.git"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_ssh_could_take_for_a_flag_or_a_command_is_refused() {
        for text in [
            "ssh://-oProxyCommand=x/a",
            "ssh://-l@example.com/a",
            "-oProxyCommand=x:a",
            "git@-x:a",
            "git@example.com:-a",
            "git@example.com:a'b",
            "git@example.com:",
            "ssh://example.com/a%20b",
            "ssh://example.com/",
        ] {
            assert_eq!(shown(text), Err(GitUrlError::Unsafe), "{text}");
        }
    }

    #[test]
    fn other_transports_and_credentials_are_refused() {
        for (text, error) in [
            ("git://example.com/a", GitUrlError::Scheme),
            ("ext::sh -c x", GitUrlError::Scheme),
            ("ext::/bin/x", GitUrlError::Scheme),
            ("file://host/a", GitUrlError::FileHost),
            ("integrations.d", GitUrlError::NotAUrl),
            ("ssh://a:b@example.com/a", GitUrlError::Password),
            ("a:b@example.com:a", GitUrlError::Password),
            ("https://a:b@example.com/a", ServerUrlError::UserInfo.into()),
            (
                "https://token@example.com/a",
                ServerUrlError::UserInfo.into(),
            ),
            ("http://example.com/a", ServerUrlError::PlainHttp.into()),
            ("ssh://example.com/a?b", GitUrlError::Query),
        ] {
            assert_eq!(shown(text), Err(error), "{text}");
        }
    }
}
