//! Watches a directory of integration files.
//!
//! An event means only "read again": the directory is read as a whole, and a run is triggered
//! if its content differs from the content that the last run has read. So editors that rename,
//! the symbolic link of a Kubernetes `ConfigMap`, a file in a folder that was created a moment
//! ago and our own reads need no rules of their own. Since events can be lost, the directory is
//! also read periodically; and since a watch stays with a directory that was moved away, its
//! identity is checked each time. The directory around it may be a busy one, such as `/etc`: it
//! is watched only if nothing else would report a change, and events of its other entries are
//! ignored.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{Notify, watch as published};
use tokio::time::sleep;

use super::Trigger;
use crate::source::{Content, content_of, read_with_variables};
use crate::text::chain;

/// Options of the watch.
#[derive(Debug, Clone, Copy)]
pub struct WatchOptions {
    /// Quiet time before the directory is read.
    pub debounce: Duration,
    /// Interval of reads without an event.
    pub poll: Duration,
    /// True if events are used: network file systems have none.
    pub events: bool,
}

/// The places that are watched.
#[derive(Debug, Clone)]
pub struct WatchedPlaces {
    /// The directory of integration files, or a single one.
    pub directory: PathBuf,
    /// Files with variables.
    pub variables: Vec<PathBuf>,
}

impl WatchedPlaces {
    fn all(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.directory).chain(&self.variables)
    }
}

/// The longest that a directory which is never quiet is waited for, in debounces.
const MAX_DEBOUNCES: u32 = 10;

/// Identity of the directory at a path: its device and inode; `None` without a directory.
type Identity = Option<(u64, u64)>;

/// Triggers a run whenever the content of the directory differs from the content that the last
/// run has read, which `read` returns. Never ends.
pub async fn watch(
    places: WatchedPlaces,
    options: WatchOptions,
    trigger: Trigger,
    mut read: published::Receiver<Option<Content>>,
) {
    let events = Arc::new(DirectoryEvents::default());
    // The content for which a run was triggered, until a run has read something.
    let mut notified_for = None;
    loop {
        let identity = identities(&places);
        // Before the first read, so that no later change is missed.
        let armed = options.events.then(|| arm(&places, &events)).flatten();
        let mut now = content(&places).await;
        while identities(&places) == identity {
            let is_new = read.borrow_and_update().is_some_and(|read| read != now);
            if is_new && notified_for != Some(now) {
                notified_for = Some(now);
                trigger.notify_source_changed();
            }
            tokio::select! {
                () = events.changed.notified(), if armed.is_some() => settle(&events.changed, options.debounce).await,
                Ok(()) = read.changed() => {
                    notified_for = None;
                    // Mostly it is what was seen here, too.
                    if *read.borrow() == Some(now) {
                        continue;
                    }
                }
                () = sleep(options.poll) => {}
            }
            now = content(&places).await;
        }
    }
}

/// Waits until it is quiet, but not for ever.
async fn settle(events: &Notify, debounce: Duration) {
    let longest = sleep(debounce.saturating_mul(MAX_DEBOUNCES));
    tokio::pin!(longest);
    loop {
        tokio::select! {
            () = events.notified() => {}
            () = sleep(debounce) => return,
            () = &mut longest => return,
        }
    }
}

/// Says that something has happened.
#[derive(Debug, Default)]
struct DirectoryEvents {
    changed: Notify,
    /// True if the log already reports that events may be missed.
    is_reported: AtomicBool,
}

impl DirectoryEvents {
    fn event(&self, event: &notify::Result<notify::Event>, counted: &[PathBuf]) {
        match event {
            Ok(event) if !counts(event, counted) => return,
            Ok(_) => {}
            // Such as a folder that was created when the system had no more watches.
            Err(error) => self.blind(error),
        }
        self.changed.notify_one();
    }

    /// It is said once: what follows is of the same kind.
    fn blind(&self, error: &notify::Error) {
        if !self.is_reported.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                error = chain(error),
                "cannot watch the whole directory; polling it instead"
            );
        }
    }
}

/// Begins to watch; `None` where that is not possible, and the log says so.
fn arm(places: &WatchedPlaces, events: &Arc<DirectoryEvents>) -> Option<RecommendedWatcher> {
    let own: Vec<PathBuf> = places.all().map(|place| absolute(place)).collect();
    let swapped: Vec<PathBuf> = own.iter().flat_map(|place| swapped(place)).collect();
    let counted: Vec<PathBuf> = swapped.iter().chain(&own).cloned().collect();
    let sender = Arc::clone(events);
    let watcher = notify::recommended_watcher(move |event| sender.event(&event, &counted));
    let armed = watcher.and_then(|mut watcher| {
        for around in swapped.iter().filter_map(|at| at.parent()) {
            watcher.watch(around, RecursiveMode::NonRecursive)?;
        }
        for place in own.iter().filter(|place| place.exists()) {
            watcher.watch(place, RecursiveMode::Recursive)?;
        }
        Ok(watcher)
    });
    armed.inspect_err(|error| events.blind(error)).ok()
}

/// A path from the root, without the slash at the end, by which a link would pass for a
/// directory.
fn absolute(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute.components().collect()
}

/// Paths that may be swapped without an event, or reappear: the links on the way to the
/// directory, such as `current` in `current/integrations.d`, and the directory itself if it
/// does not exist. Otherwise the watch reports that it was moved or removed.
fn swapped(directory: &Path) -> Vec<PathBuf> {
    let links = directory.ancestors().filter(|at| at.is_symlink());
    let absent = Some(directory).filter(|at| std::fs::symlink_metadata(at).is_err());
    links.chain(absent).map(Path::to_owned).collect()
}

/// True if an event may mean a changed content of the directory: it concerns one of these
/// paths, or something below them.
fn counts(event: &notify::Event, counted: &[PathBuf]) -> bool {
    // Reading is an event, too: ours would be one after the other.
    let is_read = matches!(event.kind, EventKind::Access(_));
    let is_ours = |path: &PathBuf| counted.iter().any(|own| path.starts_with(own));
    // Where events were lost, none is named.
    !is_read && (event.paths.is_empty() || event.paths.iter().any(is_ours))
}

fn identities(places: &WatchedPlaces) -> Vec<Identity> {
    places.all().map(|place| identity(place)).collect()
}

fn identity(directory: &Path) -> Identity {
    let metadata = std::fs::metadata(directory).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

async fn content(places: &WatchedPlaces) -> Content {
    let WatchedPlaces {
        directory,
        variables,
    } = places.clone();
    let read = move || content_of(&read_with_variables(&directory, &variables));
    let read = tokio::task::spawn_blocking(read).await;
    // Treat a panic of the reader as a change: the run will report it.
    read.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::read_directory;

    const OPTIONS: WatchOptions = WatchOptions {
        debounce: Duration::from_millis(30),
        // Far away: what is seen is seen by an event.
        poll: Duration::from_secs(600),
        events: true,
    };

    impl WatchedPlaces {
        fn of(directory: PathBuf) -> Self {
            Self {
                directory,
                variables: Vec::new(),
            }
        }
    }

    /// A directory in a directory, watched.
    struct Watched {
        around: tempfile::TempDir,
        directory: PathBuf,
        trigger: Trigger,
        read: published::Sender<Option<Content>>,
        task: tokio::task::JoinHandle<()>,
    }

    impl Watched {
        async fn with(options: WatchOptions) -> Self {
            let around = tempfile::tempdir().unwrap();
            std::fs::create_dir(around.path().join("files")).unwrap();
            Self::begin(around, "files", options).await
        }

        async fn begin(around: tempfile::TempDir, path: &str, options: WatchOptions) -> Self {
            let trigger = Trigger::default();
            let (read, changed) = published::channel(None);
            let directory = around.path().join(path);
            let places = WatchedPlaces::of(directory.clone());
            let task = tokio::spawn(watch(places, options, trigger.clone(), changed));
            let watched = Self {
                around,
                directory,
                trigger,
                read,
                task,
            };
            // The first run, and the first read.
            watched.run();
            sleep(Duration::from_millis(200)).await;
            watched
        }

        /// Simulates a run.
        fn run(&self) {
            let read = read_directory(&self.path(""));
            self.read.send_replace(Some(content_of(&read)));
        }

        fn path(&self, name: &str) -> PathBuf {
            self.directory.join(name)
        }

        /// True if a run is triggered; the run then follows.
        async fn rings(&self) -> bool {
            let longest = Duration::from_secs(10);
            let notified_for = tokio::time::timeout(longest, self.trigger.notified()).await;
            self.run();
            notified_for.is_ok()
        }

        async fn is_quiet(&self) -> bool {
            let longest = Duration::from_millis(500);
            tokio::time::timeout(longest, self.trigger.notified())
                .await
                .is_err()
        }
    }

    impl Drop for Watched {
        fn drop(&mut self) {
            self.task.abort();
        }
    }

    fn write(path: &Path, text: &str) {
        std::fs::write(path, text).unwrap();
    }

    #[tokio::test]
    async fn changed_file_triggers_once_and_an_equal_rewrite_does_not() {
        let watched = Watched::with(OPTIONS).await;
        write(&watched.path("a.yaml"), "one");
        assert!(watched.rings().await);
        write(&watched.path("a.yaml"), "one");
        write(&watched.path("notes.txt"), "not ours");
        assert!(watched.is_quiet().await);
    }

    #[tokio::test]
    async fn rename_by_an_editor_and_removal_of_a_file_trigger() {
        let watched = Watched::with(OPTIONS).await;
        write(&watched.path(".a.yaml.swp"), "one");
        std::fs::rename(watched.path(".a.yaml.swp"), watched.path("a.yaml")).unwrap();
        assert!(watched.rings().await);
        std::fs::remove_file(watched.path("a.yaml")).unwrap();
        assert!(watched.rings().await);
    }

    #[tokio::test]
    async fn file_in_a_new_folder_triggers() {
        let watched = Watched::with(OPTIONS).await;
        std::fs::create_dir(watched.path("team")).unwrap();
        write(&watched.path("team/a.yaml"), "one");
        assert!(watched.rings().await);
        sleep(Duration::from_millis(200)).await;
        write(&watched.path("team/a.yaml"), "two");
        assert!(watched.rings().await);
    }

    #[tokio::test]
    async fn swap_of_a_config_map_triggers() {
        let watched = Watched::with(OPTIONS).await;
        let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, watched.path(at)).unwrap();
        std::fs::create_dir(watched.path("..1")).unwrap();
        write(&watched.path("..1/a.yaml"), "one");
        link("..1", "..data");
        link("..data/a.yaml", "a.yaml");
        assert!(watched.rings().await);
        std::fs::create_dir(watched.path("..2")).unwrap();
        write(&watched.path("..2/a.yaml"), "two");
        link("..2", "..data_tmp");
        std::fs::rename(watched.path("..data_tmp"), watched.path("..data")).unwrap();
        std::fs::remove_dir_all(watched.path("..1")).unwrap();
        assert!(watched.rings().await);
    }

    #[tokio::test]
    async fn directory_that_moves_away_and_back_is_watched_again() {
        let watched = Watched::with(OPTIONS).await;
        write(&watched.path("a.yaml"), "one");
        assert!(watched.rings().await);
        let away = watched.around.path().join("away");
        std::fs::rename(watched.path(""), &away).unwrap();
        assert!(watched.rings().await);
        std::fs::create_dir(watched.path("")).unwrap();
        write(&watched.path("a.yaml"), "two");
        assert!(watched.rings().await);
        sleep(Duration::from_millis(200)).await;
        write(&watched.path("a.yaml"), "three");
        assert!(watched.rings().await);
    }

    #[tokio::test]
    async fn file_saved_while_the_first_run_reads_triggers() {
        let watched = Watched::with(OPTIONS).await;
        // A run that read before, and reports afterwards, the read that saw the file.
        let before = content_of(&read_directory(&watched.path("")));
        watched.read.send_replace(None);
        write(&watched.path("a.yaml"), "one");
        assert!(watched.is_quiet().await);
        watched.read.send_replace(Some(before));
        assert!(watched.rings().await);
        assert!(watched.is_quiet().await);
    }

    #[tokio::test]
    async fn reverted_file_triggers_again_if_a_run_has_read_the_change() {
        let watched = Watched::with(OPTIONS).await;
        write(&watched.path("a.yaml"), "one");
        assert!(watched.rings().await);
        write(&watched.path("a.yaml"), "two");
        assert!(watched.rings().await);
        write(&watched.path("a.yaml"), "one");
        assert!(watched.rings().await);
    }

    #[tokio::test]
    async fn swap_of_a_link_above_the_directory_triggers() {
        let around = tempfile::tempdir().unwrap();
        for release in ["1", "2"] {
            let files = around.path().join(release).join("files");
            std::fs::create_dir_all(&files).unwrap();
            write(&files.join("a.yaml"), release);
        }
        let link = |to: &str, at: &str| {
            std::os::unix::fs::symlink(to, around.path().join(at)).unwrap();
        };
        link("1", "current");
        link("2", "next");
        let watched = Watched::begin(around, "current/files", OPTIONS).await;
        let at = |name: &str| watched.around.path().join(name);
        std::fs::rename(at("next"), at("current")).unwrap();
        assert!(watched.rings().await);
    }

    #[tokio::test]
    async fn relinked_directory_triggers_and_its_new_files_do() {
        let around = tempfile::tempdir().unwrap();
        let link = |to: &str, at: &str| {
            std::os::unix::fs::symlink(to, around.path().join(at)).unwrap();
        };
        for release in ["1", "2"] {
            std::fs::create_dir(around.path().join(release)).unwrap();
            write(&around.path().join(release).join("a.yaml"), release);
        }
        link("1", "files");
        link("2", "next");
        let watched = Watched::begin(around, "files", OPTIONS).await;
        let at = |name: &str| watched.around.path().join(name);
        std::fs::rename(at("next"), at("files")).unwrap();
        assert!(watched.rings().await);
        sleep(Duration::from_millis(200)).await;
        write(&at("2/a.yaml"), "three");
        assert!(watched.rings().await);
    }

    #[tokio::test]
    async fn changes_next_to_the_directory_are_ignored() {
        let around = tempfile::tempdir().unwrap();
        let path = |name: &str| around.path().join(name);
        std::fs::create_dir(path("real")).unwrap();
        // Of it, and of what is not there, the directory around is watched.
        std::os::unix::fs::symlink("real", path("link")).unwrap();
        for name in ["real", "link", "link/", "absent"] {
            let events = Arc::new(DirectoryEvents::default());
            let _watcher = arm(&WatchedPlaces::of(path(name)), &events).unwrap();
            let nudged =
                || tokio::time::timeout(Duration::from_millis(300), events.changed.notified());
            write(&path("neighbour"), "one");
            std::fs::remove_file(path("neighbour")).unwrap();
            assert!(nudged().await.is_err(), "{name}");
            std::fs::create_dir_all(path(name)).unwrap();
            write(&path(name).join("a.yaml"), "one");
            assert!(nudged().await.is_ok(), "{name}");
        }
    }

    #[tokio::test]
    async fn without_events_it_is_read_regularly() {
        let watched = Watched::with(WatchOptions {
            poll: Duration::from_millis(100),
            events: false,
            ..OPTIONS
        })
        .await;
        write(&watched.path("a.yaml"), "one");
        assert!(watched.rings().await);
    }
}
