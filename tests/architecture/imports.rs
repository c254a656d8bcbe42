//! Imports of every file, and their circles.
//!
//! A module and the modules below it count as one room: the code in `a/mod` and in `a/b` may
//! name each other. An item that is imported from a module that exports it again is an import
//! of the file that declares it.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{SourceFile, expand, is_inner, module_of};

/// The files that each file imports.
pub(crate) type Imports<'f> = BTreeMap<&'f str, BTreeSet<String>>;

/// Imports of every file.
pub(crate) fn imports(files: &[SourceFile]) -> Imports<'_> {
    let modules: Vec<&str> = files.iter().map(|file| file.module.as_str()).collect();
    let paths: BTreeMap<&str, Vec<Used>> = files
        .iter()
        .map(|file| (file.module.as_str(), used(file)))
        .collect();
    let exports = exports(&paths);
    let import = |module: &str, used: &Used| {
        let file = declaring(&used.path, &modules, &exports, 0);
        (!is_one_room(module, &file) && modules.contains(&file.as_str())).then_some(file)
    };
    let of_file = |(module, used): (&&'_ str, &Vec<Used>)| {
        let imported = used.iter().filter(|used| !used.is_exported);
        imported.filter_map(|used| import(module, used)).collect()
    };
    modules
        .iter()
        .map(|module| (*module, of_file((module, &paths[module]))))
        .collect()
}

/// The groups of files that import each other in a circle, each with more than one.
pub(crate) fn circles(imports: &Imports<'_>) -> Vec<BTreeSet<String>> {
    let reached: BTreeMap<&str, BTreeSet<String>> = imports
        .keys()
        .map(|file| (*file, reached_from(file, imports)))
        .collect();
    let circle_of = |file: &str| -> BTreeSet<String> {
        let back = |other: &&String| {
            reached
                .get(other.as_str())
                .is_some_and(|r| r.contains(file))
        };
        reached[file].iter().filter(back).cloned().collect()
    };
    let all: BTreeSet<BTreeSet<String>> = imports.keys().map(|file| circle_of(file)).collect();
    all.into_iter().filter(|circle| circle.len() > 1).collect()
}

fn reached_from(start: &str, imports: &Imports<'_>) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut left = vec![start.to_owned()];
    while let Some(file) = left.pop() {
        for next in imports.get(file.as_str()).into_iter().flatten() {
            if reached.insert(next.clone()) {
                left.push(next.clone());
            }
        }
    }
    reached
}

/// A path that a file names, from the root of the crate.
struct Used {
    path: Vec<String>,
    /// True if the file exports it again.
    is_exported: bool,
}

fn used(file: &SourceFile) -> Vec<Used> {
    let own = own_path(&file.module);
    let code = file.code();
    let mut found = Vec::new();
    for (start, _) in code.match_indices("::") {
        let before = &code[..start];
        let word_at = before.rfind(|c: char| !is_inner(c)).map_or(0, |at| at + 1);
        if before[..word_at].ends_with("::") {
            continue;
        }
        let Some(base) = base(&code[word_at..], &own) else {
            continue;
        };
        let is_exported = before[..word_at]
            .rsplit(['\n', ';'])
            .next()
            .is_some_and(|line| line.starts_with("pub") && line.trim_end().ends_with("use"));
        for path in expand(base.rest) {
            found.push(Used {
                path: base.path.iter().cloned().chain(path).collect(),
                is_exported,
            });
        }
    }
    found
}

/// Start of a path.
struct Base<'c> {
    path: Vec<String>,
    /// The text behind it.
    rest: &'c str,
}

/// The beginning of a path in a file with this path; a path may also begin with a module
/// below the file.
fn base<'c>(code: &'c str, own: &[String]) -> Option<Base<'c>> {
    if let Some(rest) = code.strip_prefix("crate::") {
        return Some(Base {
            path: Vec::new(),
            rest,
        });
    }
    if !code.starts_with("super::") {
        let is_module = code.starts_with(|c: char| c.is_ascii_lowercase());
        return is_module.then(|| Base {
            path: own.to_vec(),
            rest: code.strip_prefix("self::").unwrap_or(code),
        });
    }
    let mut path = own.to_vec();
    let mut rest = code;
    while let Some(further) = rest.strip_prefix("super::") {
        path.pop();
        rest = further;
    }
    Some(Base { path, rest })
}

fn own_path(module: &str) -> Vec<String> {
    let path = module.strip_suffix("/mod").unwrap_or(module);
    let is_root = ["lib", "main"].contains(&path);
    let parts = path.split('/').filter(|_| !is_root);
    parts.map(str::to_owned).collect()
}

/// Names that modules export without declaring them: the path below which a name is declared.
type Exports = BTreeMap<Vec<String>, Vec<String>>;

fn exports(paths: &BTreeMap<&str, Vec<Used>>) -> Exports {
    let mut exports = Exports::new();
    for (module, used) in paths {
        for used in used.iter().filter(|used| used.is_exported) {
            let name = used.path.last().cloned();
            let exported = own_path(module).into_iter().chain(name).collect();
            exports.insert(exported, used.path.clone());
        }
    }
    exports
}

/// The file that declares what a path names.
fn declaring(path: &[String], modules: &[&str], exports: &Exports, depth: usize) -> String {
    let exported = (1..=path.len())
        .rev()
        .find_map(|length| exports.get(&path[..length]));
    match exported.filter(|exported| depth < 5 && *exported != path) {
        Some(exported) => declaring(exported, modules, exports, depth + 1),
        None => module_of(path, modules),
    }
}

fn is_one_room(module: &str, other: &str) -> bool {
    let holds = |outer: &str, inner: &str| {
        let outer = outer.strip_suffix("/mod").unwrap_or(outer);
        inner == outer || inner.starts_with(&format!("{outer}/"))
    };
    holds(module, other) || holds(other, module)
}

#[test]
fn a_circle_is_found_through_exports_and_relative_paths() {
    let file = |module: &str, text: &str| SourceFile::of_text(module, text);
    let files = [
        file("a/mod", "mod b;\nmod c;\npub use b::Thing;\nuse c::f;\n"),
        file("a/b", "use super::c;\npub struct Thing;\n"),
        file("a/c", "use crate::{a::Thing, d};\npub fn f() {}\n"),
        file("d", "pub fn g() {}\n"),
    ];
    let imports = imports(&files);
    let of = |file: &str| imports[file].iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(of("a/b"), ["a/c"]);
    assert_eq!(of("a/c"), ["a/b", "d"]);
    assert!(of("a/mod").is_empty());
    let circle: BTreeSet<String> = ["a/b".to_owned(), "a/c".to_owned()].into();
    assert_eq!(circles(&imports), [circle]);
}
