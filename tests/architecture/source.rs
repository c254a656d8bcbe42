//! The sources as text: which module a file is, what of it is code, and which
//! modules of the crate that code names.

use std::fs;
use std::path::Path;

/// One file below `src/`.
pub(crate) struct SourceFile {
    /// The path as shown to people: `src/plan/mod.rs`.
    pub(crate) path: String,
    /// The path without `src/` and `.rs`: `plan/mod`.
    pub(crate) module: String,
    /// All of it but modules inside of it, which count as files of their own.
    pub(crate) text: String,
    /// True if the whole file is a test.
    is_test: bool,
}

/// The first part of a module's path: `plan` of `plan/diff`.
pub(crate) fn top(module: &str) -> &str {
    module.split_once('/').map_or(module, |(top, _)| top)
}

/// Reads every Rust file of a directory and below it.
pub(crate) fn read_all(root: &Path) -> Vec<SourceFile> {
    let mut files = Vec::new();
    let top = root.file_name().unwrap().to_str().unwrap();
    read_below(root, top, "", &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let tests: Vec<String> = files.iter().flat_map(SourceFile::test_modules).collect();
    for file in &mut files {
        file.is_test = tests.iter().any(|test| is_within(&file.module, test));
    }
    files
}

fn read_below(directory: &Path, top: &str, prefix: &str, files: &mut Vec<SourceFile>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            read_below(&path, top, &format!("{prefix}{name}/"), files);
        } else if let Some(stem) = name.strip_suffix(".rs") {
            files.extend(split(SourceFile {
                path: format!("{top}/{prefix}{name}"),
                module: format!("{prefix}{stem}"),
                text: fs::read_to_string(&path).unwrap(),
                is_test: false,
            }));
        }
    }
}

/// A file, and each module that stands in it: other rules may hold for the module. Every
/// line keeps its number.
fn split(file: SourceFile) -> Vec<SourceFile> {
    let mut outer = String::new();
    let mut inner: Vec<SourceFile> = Vec::new();
    let mut is_inside = false;
    let mut is_tested = false;
    for (number, line) in file.text.lines().enumerate() {
        if !line.starts_with(char::is_whitespace) && opens_module(line) && !is_tested {
            let name = line.trim_end_matches(" {").rsplit(' ').next().unwrap();
            inner.push(SourceFile {
                path: file.path.clone(),
                module: file.declared(name, None),
                text: "\n".repeat(number),
                is_test: false,
            });
            is_inside = true;
        }
        is_tested = line == "#[cfg(test)]";
        let (to, other) = match inner.last_mut() {
            Some(inner) if is_inside => (&mut inner.text, &mut outer),
            _ => (&mut outer, &mut String::new()),
        };
        to.push_str(line);
        to.push('\n');
        other.push('\n');
        is_inside &= line != "}";
    }
    let file = SourceFile {
        text: outer,
        ..file
    };
    std::iter::once(file).chain(inner).collect()
}

fn is_within(module: &str, ancestor: &str) -> bool {
    module == ancestor || module.starts_with(&format!("{ancestor}/"))
}

impl SourceFile {
    /// A file that is not there, for tests of the readers themselves.
    pub(crate) fn of_text(module: &str, text: &str) -> Self {
        Self {
            path: format!("src/{module}.rs"),
            module: module.to_owned(),
            text: text.to_owned(),
            is_test: false,
        }
    }

    /// The first part of the module's path.
    pub(crate) fn top(&self) -> &str {
        top(&self.module)
    }

    /// Number of its lines, without tests.
    pub(crate) fn length(&self) -> usize {
        self.untested().lines().count()
    }

    /// The numbers of the lines of code that contain a word.
    pub(crate) fn code_lines_with<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        let code = self.code();
        let with: Vec<usize> = code
            .lines()
            .enumerate()
            .filter(|(_, line)| has_word(line, word))
            .map(|(index, _)| index + 1)
            .collect();
        with.into_iter()
    }

    /// The modules of the crate that the code names, each with its line.
    /// `modules` are all that exist, as [`SourceFile::module`] writes them.
    pub(crate) fn references(&self, modules: &[&str]) -> Vec<(usize, String)> {
        let paths = self.paths_below("crate::").into_iter();
        let paths = paths.chain(self.paths_above());
        paths
            .map(|(line, path)| (line, module_of(&path, modules)))
            .collect()
    }

    /// The paths that begin with `super::`, as paths below `crate::`, each with its line.
    fn paths_above(&self) -> Vec<(usize, Vec<String>)> {
        let code = self.code();
        let own = self.module.trim_end_matches("/mod");
        let mut found = Vec::new();
        for (start, _) in code.match_indices("super::") {
            let before = &code[..start];
            if before.ends_with(is_inner) || before.ends_with("::") {
                continue;
            }
            let after = code[start..].trim_start_matches("super::");
            let steps = (code.len() - start - after.len()) / "super::".len();
            let mut base: Vec<String> = own.split('/').map(str::to_owned).collect();
            base.truncate(base.len() - steps.min(base.len()));
            let line = before.matches('\n').count() + 1;
            for path in expand(after) {
                found.push((line, base.iter().cloned().chain(path).collect()));
            }
        }
        found
    }

    /// The paths below `crate::` or `std::` that the code names, each with its line.
    pub(crate) fn paths_below(&self, root: &str) -> Vec<(usize, Vec<String>)> {
        let code = self.code();
        let mut found = Vec::new();
        for (start, _) in code.match_indices(root) {
            let (before, after) = (&code[..start], &code[start + root.len()..]);
            if !before.ends_with(is_inner) {
                let line = before.matches('\n').count() + 1;
                found.extend(expand(after).into_iter().map(|path| (line, path)));
            }
        }
        found
    }

    /// The text up to the tests, which stand at the end; nothing if all of it is a test.
    fn untested(&self) -> &str {
        if self.is_test {
            return "";
        }
        let mut offset = 0;
        let mut after_attribute = None;
        for line in self.text.split_inclusive('\n') {
            match after_attribute {
                Some(start) if opens_module(line) => return &self.text[..start],
                _ => after_attribute = (line.trim() == "#[cfg(test)]").then_some(offset),
            }
            offset += line.len();
        }
        &self.text
    }

    /// The same without comments, line for line.
    pub(crate) fn code(&self) -> String {
        let without = |line: &str| {
            let comment = line.trim_start().starts_with("//").then_some(0);
            let end = comment.or_else(|| line.find(" // ")).unwrap_or(line.len());
            format!("{}\n", &line[..end])
        };
        self.untested().lines().map(without).collect()
    }

    /// The modules with files of their own that it declares for tests only.
    fn test_modules(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut lines = self.text.lines().map(str::trim);
        while lines.any(|line| line == "#[cfg(test)]") {
            let mut path = None;
            // Other attributes may stand between the condition and the module.
            for line in lines.by_ref() {
                if let Some(rest) = line.strip_prefix("#[path = \"") {
                    path = rest.strip_suffix(".rs\"]");
                } else if !line.starts_with("#[") {
                    let name = line.strip_suffix(';').and_then(|l| l.split_once("mod "));
                    found.extend(name.map(|(_, name)| self.declared(name, path)));
                    break;
                }
            }
        }
        found
    }

    /// The module that a declaration in this file leads to.
    fn declared(&self, name: &str, path: Option<&str>) -> String {
        let (directory, stem) = self.module.rsplit_once('/').unwrap_or(("", &self.module));
        let holds_its_children = path.is_some() || ["mod", "lib", "main"].contains(&stem);
        let parent = if holds_its_children {
            directory
        } else {
            &self.module
        };
        let child = path.unwrap_or(name);
        if parent.is_empty() {
            child.to_owned()
        } else {
            format!("{parent}/{child}")
        }
    }
}

fn opens_module(line: &str) -> bool {
    line.trim_end().ends_with('{') && line.split_whitespace().any(|word| word == "mod")
}

pub(super) fn is_inner(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(start, _)| {
        !line[..start].ends_with(is_inner) && !line[start + word.len()..].starts_with(is_inner)
    })
}

/// The paths that a tree such as `a::{b, c::d}` at the front of a text stands for.
pub(super) fn expand(text: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    branch(text.trim_start(), &mut Vec::new(), &mut paths);
    paths
}

/// Reads one tree below `prefix`, and returns what comes after it.
fn branch<'a>(text: &'a str, prefix: &mut Vec<String>, paths: &mut Vec<Vec<String>>) -> &'a str {
    if let Some(group) = text.strip_prefix('{') {
        return group_of(group, prefix, paths);
    }
    let end = text.find(|c: char| !is_inner(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    prefix.push(name.to_owned());
    let rest = if let Some(deeper) = rest.strip_prefix("::") {
        branch(deeper, prefix, paths)
    } else {
        paths.push(prefix.clone());
        rest
    };
    prefix.pop();
    rest
}

/// Reads the trees of a group up to its closing brace.
fn group_of<'a>(
    mut text: &'a str,
    prefix: &mut Vec<String>,
    paths: &mut Vec<Vec<String>>,
) -> &'a str {
    loop {
        text = text.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        if let Some(rest) = text.strip_prefix('}') {
            return rest;
        }
        if text.is_empty() {
            return text;
        }
        let rest = branch(text, prefix, paths);
        // Past an `as` or a `*`, to the next tree of the group.
        text = rest.trim_start_matches(|c: char| c != ',' && c != '}');
    }
}

/// The deepest module with a file of its own on a path; the rest of the path is
/// an item of it. A path into a `mod.rs` ends in `mod`.
pub(super) fn module_of(path: &[String], modules: &[&str]) -> String {
    let candidates = (1..=path.len()).rev().map(|depth| path[..depth].join("/"));
    let file = |module: String| {
        let inner = format!("{module}/mod");
        [module, inner]
            .into_iter()
            .find(|candidate| modules.contains(&candidate.as_str()))
    };
    let found = candidates.filter_map(file).next();
    found.unwrap_or_else(|| path.first().cloned().unwrap_or_default())
}

#[test]
fn a_reference_is_resolved_to_the_file_that_it_leads_into() {
    let modules = ["a", "b/mod", "b/c", "b/d/mod"];
    let named = |text: &str| -> Vec<String> {
        let paths = expand(text);
        paths.iter().map(|path| module_of(path, &modules)).collect()
    };
    assert_eq!(named("a::Item;"), ["a"]);
    assert_eq!(named("b::Item)"), ["b/mod"]);
    assert_eq!(named("b::c::Item<T>"), ["b/c"]);
    assert_eq!(
        named("{a::{self, X as Y}, b::{Item, d::*,\n    c::{P, Q}}};"),
        ["a", "a", "b/mod", "b/d/mod", "b/c", "b/c"]
    );
    assert_eq!(named("nothing::Item"), ["nothing"]);
}

#[test]
fn code_is_what_is_neither_comment_nor_test() {
    let file = SourceFile::of_text(
        "a/mod",
        "/// crate::doc\nuse crate::x::{\n    Y,\n}; // crate::remark\n#[cfg(test)]\nmod own;\n\
         #[cfg(test)]\nmod tests {\n    use crate::z;\n}\n",
    );
    assert_eq!(file.references(&["x"]), [(2, "x".to_owned())]);
    assert_eq!(file.length(), 6);
    assert_eq!(file.code_lines_with("use").collect::<Vec<_>>(), [2]);
    assert_eq!(file.code_lines_with("us").count(), 0);
}

#[test]
fn a_path_to_a_parent_is_resolved_as_well() {
    let modules = ["a/mod", "a/x", "a/b/mod", "a/b/y"];
    let text = "use super::{Item, x::Other};\nuse super::super::x;\npub(super) use z;\n";
    let named = |module| SourceFile::of_text(module, text).references(&modules);
    let found = |names: [(usize, &str); 3]| names.map(|(line, name)| (line, name.to_owned()));
    let lines = [(1, "a/b/mod"), (1, "a/b/mod"), (2, "a/x")];
    assert_eq!(named("a/b/y"), found(lines));
    let lines = [(1, "a/mod"), (1, "a/x"), (2, "x")];
    assert_eq!(named("a/b/mod"), found(lines));
}

#[test]
fn a_module_inside_of_a_file_is_one_of_its_own() {
    let text = "use crate::x;\npub mod b {\n    use crate::y;\n}\nuse crate::z;\n\
                #[cfg(test)]\nmod tests {\n}\n";
    let files = split(SourceFile::of_text("a/mod", text));
    let named: Vec<_> = files
        .iter()
        .map(|file| (file.module.as_str(), file.references(&["x", "y", "z"])))
        .collect();
    let outer = vec![(1, "x".to_owned()), (5, "z".to_owned())];
    let inner = vec![(3, "y".to_owned())];
    assert_eq!(named, [("a/mod", outer), ("a/b", inner)]);
    assert_eq!(files[0].length(), 5);
}

#[test]
fn a_test_module_is_found_in_its_file() {
    let named = |module, text| SourceFile::of_text(module, text).test_modules();
    let plain = "#[cfg(test)]\nmod tests;\n";
    assert_eq!(named("a/mod", plain), ["a/tests"]);
    assert_eq!(named("a/b", plain), ["a/b/tests"]);
    assert_eq!(named("lib", plain), ["tests"]);
    let elsewhere = "#[cfg(test)]\n#[path = \"b_tests.rs\"]\nmod tests;\n";
    assert_eq!(named("a/b", elsewhere), ["a/b_tests"]);
    assert!(named("a/b", "mod c;\n#[cfg(test)]\nfn f() {}\n").is_empty());
}
