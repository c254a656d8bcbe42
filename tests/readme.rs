//! The README and the pages of `docs/`: their promises name tests, their commands can be
//! run, their links lead somewhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Command;

use crate::plain;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A page: its path below the checkout, and its text.
struct Page {
    path: PathBuf,
    text: String,
}

/// Every page that people read.
fn pages() -> Vec<Page> {
    let mut paths: Vec<PathBuf> = [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
    ]
    .map(PathBuf::from)
    .into();
    for directory in ["docs", "docs/decisions", "docs/guides"] {
        let entries = std::fs::read_dir(root().join(directory)).unwrap();
        let names = entries.map(|entry| Path::new(directory).join(entry.unwrap().file_name()));
        paths.extend(names.filter(|path| path.extension().is_some_and(|e| e == "md")));
    }
    paths.sort();
    assert!(paths.len() > 25, "{paths:?}");
    let pages = paths.into_iter().map(|path| Page {
        text: text(&path),
        path,
    });
    pages.collect()
}

impl Page {
    /// The lines of its blocks of code in a language.
    fn code(&self, language: &str) -> Vec<String> {
        let (mut lines, mut inside) = (Vec::new(), None);
        for line in self.text.lines() {
            match (line.strip_prefix("```"), inside) {
                (Some(_), Some(_)) => inside = None,
                (Some(word), None) => inside = Some(word == language),
                (None, Some(true)) => lines.push(line.to_owned()),
                (None, _) => {}
            }
        }
        lines
    }

    /// Its text without blocks of code.
    fn prose(&self) -> String {
        let pieces = self.text.split("\n```").step_by(2);
        pieces.collect::<Vec<_>>().join("\n")
    }

    /// Its prose without the blocks that are made from the code.
    fn by_hand(&self) -> String {
        let prose = self.prose();
        let pieces = prose.split("<!-- begin ");
        let pieces = pieces.map(|piece| match piece.split_once("<!-- end ") {
            Some((_, after)) => after,
            None => piece,
        });
        pieces.collect::<Vec<_>>().join("<!-- ")
    }

    /// Its text in backticks, outside of blocks of code.
    fn quoted(&self) -> Vec<String> {
        let prose = self.prose();
        let quoted = prose.split('`').skip(1).step_by(2);
        quoted.map(str::to_owned).collect()
    }

    /// The targets of its links and pictures.
    fn links(&self) -> Vec<String> {
        let prose = self.prose();
        let ends = prose.split("](").skip(1);
        let targets = ends.filter_map(|rest| rest.split_once(')'));
        targets.map(|(target, _)| target.to_owned()).collect()
    }

    /// The anchors that its headings have, as forges make them.
    fn anchors(&self) -> BTreeSet<String> {
        let prose = self.prose();
        let headings = prose.lines().filter(|line| line.starts_with('#'));
        let anchor = |heading: &str| {
            let title = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = title
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.collect::<String>().replace(' ', "-")
        };
        headings.map(anchor).collect()
    }
}

/// Every `theme::test` that the promises name in backticks.
fn named() -> Vec<(String, String)> {
    let promises = text("docs/promises.md");
    let quoted = promises.split('`').skip(1).step_by(2);
    quoted
        .filter_map(|word| word.split_once("::"))
        .map(|(theme, test)| (theme.to_owned(), test.to_owned()))
        .collect()
}

/// The source of a theme: a file, or a directory of them.
fn source(theme: &str) -> String {
    let directory = format!("tests/{theme}/mod.rs");
    let is_directory = root().join(&directory).exists();
    text(if is_directory {
        directory
    } else {
        format!("tests/{theme}.rs")
    })
}

#[test]
fn every_promise_names_tests_that_exist() {
    let named = named();
    assert!(named.len() > 15, "the promises name {} tests", named.len());
    for (theme, test) in named {
        let is_there = source(&theme).contains(&format!("fn {test}("));
        assert!(is_there, "{theme}::{test} is named and does not exist");
    }
}

#[test]
fn every_promise_is_held_by_a_test() {
    let promises = text("docs/promises.md");
    let promises: Vec<&str> = promises.split('\n').collect();
    let is_promise = |line: &&str| line.as_bytes().first().is_some_and(u8::is_ascii_digit);
    let starts: Vec<usize> = (0..promises.len())
        .filter(|n| is_promise(&promises[*n]))
        .collect();
    assert_eq!(starts.len(), 8);
    for (nth, start) in starts.iter().enumerate() {
        let end = starts.get(nth + 1).copied().unwrap_or(promises.len());
        let is_held = promises[*start..end]
            .iter()
            .any(|line| line.starts_with("   - `"));
        assert!(is_held, "{}", promises[*start]);
    }
}

#[test]
fn readme_is_short_and_lines_fit() {
    let lines = text("README.md").lines().count();
    assert!(
        lines <= 200,
        "the README has {lines} lines: move some to docs/"
    );
    for page in pages() {
        let prose = page.by_hand();
        for line in prose
            .lines()
            .filter(|line| !line.starts_with(['|', '#', '<', '!']))
        {
            let width = line.chars().count();
            assert!(
                width <= 120,
                "{}: {width} columns: {line}",
                page.path.display()
            );
        }
    }
}

#[test]
fn pages_use_plain_words() {
    for page in pages() {
        let word = plain::not_plain(&page.by_hand());
        assert_eq!(word, None, "{}", page.path.display());
    }
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    for page in &pages {
        let directory = root().join(page.path.parent().unwrap());
        for link in page.links().iter().filter(|link| !link.contains("://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() {
                root().join(&page.path)
            } else {
                directory.join(path)
            };
            let target = target
                .canonicalize()
                .unwrap_or_else(|error| panic!("{}: {link}: {error}", page.path.display()));
            if !anchor.is_empty() {
                let target = Page {
                    text: std::fs::read_to_string(&target).unwrap(),
                    path: target,
                };
                let is_there = target.anchors().contains(anchor);
                assert!(is_there, "{}: {link}", page.path.display());
            }
        }
    }
}

#[test]
fn index_names_every_page() {
    let index = pages();
    let index = index
        .iter()
        .find(|page| page.path == Path::new("docs/README.md"));
    let linked = index.unwrap().links();
    for page in pages() {
        let name = page.path.strip_prefix("docs").unwrap_or(&page.path);
        let is_decision = name.starts_with("decisions") && !name.ends_with("README.md");
        let is_start = name.ends_with("README.md") && name.components().count() == 1;
        let name = name.display().to_string();
        let is_named = linked
            .iter()
            .any(|link| link.trim_start_matches("../") == name);
        assert!(
            is_named || is_decision || is_start,
            "docs/README.md lacks {name}"
        );
    }
    let decisions = text("docs/decisions/README.md");
    for entry in std::fs::read_dir(root().join("docs/decisions")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let is_named = name == "README.md" || decisions.contains(&format!("]({name})"));
        assert!(is_named, "docs/decisions/README.md lacks {name}");
    }
}

/// The words of a command line as a shell would split them, up to a pipe, a redirection
/// or a comment.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            ('#', None) if word.is_none() => break,
            ('|' | '>' | ';' | '&' | ')', None) => break,
            (' ', None) => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// The command lines of `integrationd` in the examples of a page.
fn examples(page: &Page) -> Vec<Vec<String>> {
    let mut all = page.code("sh").join("\n").replace("\\\n", " ");
    all = all.replace("cargo run -- ", "integrationd ");
    let mut found = Vec::new();
    for line in all.lines() {
        let words = words(line.trim_start_matches("$ "));
        let start = words.iter().position(|word| word == "integrationd");
        let is_command = |start: &usize| {
            words[..*start]
                .iter()
                .all(|word| word == "sudo" || word.contains('='))
        };
        if let Some(start) = start.filter(is_command) {
            found.push(words[start..].to_vec());
        }
    }
    found
}

#[test]
fn every_example_can_be_run() {
    let mut count = 0;
    for page in pages() {
        for words in examples(&page) {
            let parsed = integrationd::cli::command().try_get_matches_from(&words);
            let path = page.path.display();
            assert!(parsed.is_ok(), "{path}: {words:?}: {}", parsed.unwrap_err());
            count += 1;
        }
    }
    assert!(count > 30, "{count} examples");
}

/// Every flag of a command and the commands below it.
fn flags(command: &Command, found: &mut BTreeSet<String>) {
    let longs = command.get_arguments().filter_map(clap::Arg::get_long);
    found.extend(longs.map(|long| format!("--{long}")));
    for inner in command.get_subcommands() {
        flags(inner, found);
    }
}

/// Flags of other programs that the pages name.
const FOREIGN_FLAGS: &[&str] = &["--create", "--minutes", "--rounds", "--seed", "--served"];

#[test]
fn every_flag_that_a_page_names_exists() {
    let mut known: BTreeSet<String> = FOREIGN_FLAGS.iter().map(|&flag| flag.to_owned()).collect();
    flags(&integrationd::cli::command(), &mut known);
    let mut count = 0;
    for page in pages() {
        for quoted in page.quoted() {
            let is_ours = quoted.starts_with("--") || quoted.starts_with("integrationd ");
            let flags = quoted
                .split_whitespace()
                .filter(|word| word.starts_with("--"));
            for word in flags.filter(|_| is_ours) {
                let flag = word.split(['=', '[']).next().unwrap();
                let is_known = flag == "--" || known.contains(flag);
                assert!(is_known, "{}: `{quoted}`", page.path.display());
                count += 1;
            }
        }
    }
    assert!(count > 60, "{count} flags");
}

#[test]
fn page_of_secrets_has_the_reference_of_every_provider() {
    let page = text("docs/secrets.md");
    for form in integrationd::secret::provider_forms() {
        assert!(page.contains(&format!("| `{form}` |")), "{form}");
    }
}

/// The sources, as one text.
fn sources() -> String {
    fn read(directory: &Path, text: &mut String) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, text);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut text = String::new();
    read(&root().join("src"), &mut text);
    text
}

#[test]
fn every_variable_that_a_page_names_is_read() {
    let sources = sources();
    let mut names = BTreeSet::new();
    for page in pages() {
        let is_part = |c: char| !(c.is_ascii_uppercase() || c == '_');
        let words = page.text.split(is_part);
        let own = words.filter(|word| word.len() > 13 && word.starts_with("INTEGRATIOND_"));
        names.extend(own.map(str::to_owned));
    }
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        assert!(sources.contains(&format!("\"{name}\"")), "{name}");
    }
}

#[test]
fn fields_of_the_status_document_exist() {
    let page = text("docs/status-page.md");
    let (_, section) = page.split_once("\n## `/status`\n").unwrap();
    let (_, section) = section.split_once("\n```\n\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let is_field = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let fields = section.split('`').skip(1).step_by(2).filter(is_field);
    let fields: Vec<&str> = fields.collect();
    assert!(fields.len() > 30, "{fields:?}");
    let document = text("tests/data/status.json");
    for field in fields {
        assert!(document.contains(&format!("\"{field}\": ")), "{field}");
    }
}

/// Comments cite `docs/API.md` as "API.md 4.1" or "API.md section 5".
#[test]
fn cited_sections_of_the_api_exist() {
    let api = text("docs/API.md");
    let headings: BTreeSet<&str> = api
        .lines()
        .filter_map(|line| line.trim_start_matches('#').strip_prefix(' '))
        .filter_map(|title| title.split(' ').next())
        .map(|number| number.trim_end_matches('.'))
        .collect();
    let sources = sources();
    let mut count = 0;
    for citation in sources.split("API.md").skip(1) {
        let words = citation.split_whitespace();
        let mut words =
            words.filter(|word| !word.starts_with("//") && !word.starts_with("section"));
        let number = words.next().unwrap_or_default();
        let number = number.trim_end_matches(|c: char| !c.is_ascii_digit());
        let number = number
            .split(|c: char| c != '.' && !c.is_ascii_digit())
            .next()
            .unwrap();
        assert!(headings.contains(number), "API.md {number}: {headings:?}");
        count += 1;
    }
    assert!(count > 40, "{count} citations");
}

#[test]
fn architecture_names_every_module() {
    let page = text("docs/architecture.md");
    let (_, layers) = page.split_once("\n## Layers\n").unwrap();
    let (layers, _) = layers.split_once("\n## ").unwrap();
    for entry in std::fs::read_dir(root().join("src")).unwrap() {
        let path = entry.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap();
        let is_named = layers.contains(&format!("`{module}`"));
        assert!(is_named || ["lib", "main"].contains(&module), "{module}");
    }
}

/// A guide that names a file sends its reader to it.
#[test]
fn files_that_a_page_names_exist() {
    let mut count = 0;
    for page in pages() {
        for quoted in page.quoted() {
            let is_path = ["src/", "tests/", "docs/", "systemd/", "integrations.d/"]
                .iter()
                .any(|start| quoted.starts_with(start));
            let is_pattern =
                quoted.contains(['*', ' ']) || quoted.contains("NAME") || quoted.contains("NUMBER");
            if is_path && !is_pattern {
                let is_there = root().join(&quoted).exists();
                assert!(is_there, "{}: `{quoted}`", page.path.display());
                count += 1;
            }
        }
    }
    assert!(count > 30, "{count} files");
}

#[test]
fn pictures_are_small_and_name_no_machine() {
    let directory = root().join("docs/images");
    let home = std::env::var("HOME").unwrap_or_else(|_| "/root".to_owned());
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        assert!(
            bytes.len() < 200_000,
            "{}: {} bytes",
            path.display(),
            bytes.len()
        );
        let text = String::from_utf8_lossy(&bytes);
        let is_picture = path.extension().is_some_and(|extension| extension == "svg");
        for word in [home.as_str(), "/tmp/", "/work/"] {
            assert!(
                !is_picture || !text.contains(word),
                "{}: {word}",
                path.display()
            );
        }
    }
}
