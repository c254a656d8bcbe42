//! Commands to copy from a text.
//!
//! A command that is printed names the same files, ledger and tenant as the command that prints
//! it: the flags that select them are repeated. They are those of this process, or, in a daemon
//! that carries out the command of a client, those of the client. They influence texts only.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use crate::text::shell_text;

/// The name of the program.
const PROGRAM: &str = env!("CARGO_PKG_NAME");

/// The flag for the directory of integration files.
const DIRECTORY: &str = "--dir";

/// The flags on a command line that select the files, the ledger and the tenant, as words for
/// each command that accepts them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelectingFlags(pub BTreeMap<String, Vec<String>>);

static OF_PROCESS: OnceLock<SelectingFlags> = OnceLock::new();

thread_local! {
    static OF_CLIENT: RefCell<Option<Arc<SelectingFlags>>> = const { RefCell::new(None) };
}

impl SelectingFlags {
    /// Declares the flags of this process. The first declaration counts.
    pub fn of_process(self) {
        let _later = OF_PROCESS.set(self);
    }

    /// The flags of the command that is being carried out.
    #[must_use]
    pub fn current() -> Self {
        let of_client = OF_CLIENT.with_borrow(|flags| flags.as_deref().cloned());
        of_client.unwrap_or_else(|| OF_PROCESS.get().cloned().unwrap_or_default())
    }

    /// Does the work of a client with these flags.
    pub fn during<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        let (flags, mut work) = (Arc::new(self), Box::pin(work));
        poll_fn(move |context| {
            let _scope = ClientScope(OF_CLIENT.replace(Some(Arc::clone(&flags))));
            work.as_mut().poll(context)
        })
    }

    fn command(&self, name: &str, directory: Option<&str>, words: &[&str]) -> String {
        let own = self.0.get(name).map(Vec::as_slice).unwrap_or_default();
        let missing = directory.filter(|_| !own.iter().any(|word| word == DIRECTORY));
        let directory = missing.map(|directory| [DIRECTORY, directory]);
        let own = own.iter().map(String::as_str);
        let flags = directory.into_iter().flatten().chain(own);
        let all = [PROGRAM, name].into_iter().chain(words.iter().copied());
        let all = all.chain(flags);
        let quoted: Vec<String> = all.map(shell_text).collect();
        quoted.join(" ")
    }
}

/// Restores the flags of another client when it is dropped.
struct ClientScope(Option<Arc<SelectingFlags>>);

impl Drop for ClientScope {
    fn drop(&mut self) {
        OF_CLIENT.set(self.0.take());
    }
}

/// A command with these words, and with the flags that select the same files, ledger and tenant.
#[must_use]
pub(crate) fn command(name: &str, words: &[&str]) -> String {
    SelectingFlags::current().command(name, None, words)
}

/// A command for the files in this directory.
#[must_use]
pub(crate) fn command_in(directory: &str, name: &str, words: &[&str]) -> String {
    SelectingFlags::current().command(name, Some(directory), words)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn flags() -> SelectingFlags {
        let words = ["--dir", "it's here", "--config", "a.yaml"].map(str::to_owned);
        SelectingFlags(BTreeMap::from([("script".to_owned(), words.to_vec())]))
    }

    #[test]
    fn flags_of_a_client_hold_during_its_work() {
        let work = flags().during(async {
            let inner = command("script", &["lake"]);
            (inner, command("sync", &["--only", "a b"]))
        });
        let (script, sync) = work.now_or_never().unwrap();
        assert_eq!(
            script,
            r"integrationd script lake --dir 'it'\''s here' --config a.yaml"
        );
        assert_eq!(sync, "integrationd sync --only 'a b'");
        assert_eq!(command("script", &["lake"]), "integrationd script lake");
    }

    #[test]
    fn directory_is_named_once() {
        let own = flags().command("script", Some("/other"), &[]);
        assert_eq!(
            own,
            r"integrationd script --dir 'it'\''s here' --config a.yaml"
        );
        let given = flags().command("adopt", Some("/o ther"), &["lake"]);
        assert_eq!(given, "integrationd adopt lake --dir '/o ther'");
    }
}
