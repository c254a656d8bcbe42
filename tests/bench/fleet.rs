//! Many integration files, made from the examples.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The examples whose platform has an identity, by the stem of their files.
const TEMPLATES: [(&str, &str); 5] = [
    (
        "snowflake",
        include_str!("../../integrations.d/snowflake.yaml"),
    ),
    (
        "databricks",
        include_str!("../../integrations.d/databricks.yaml"),
    ),
    (
        "redshift",
        include_str!("../../integrations.d/redshift.yaml"),
    ),
    ("synapse", include_str!("../../integrations.d/synapse.yaml")),
    ("s3", include_str!("../../integrations.d/s3.yaml")),
];

/// Prefixes of the identities and unique values of the examples.
const DISTINCT: [&str; 3] = ["acme", "analytics.", "snowflake-prod"];

/// The environment variables that the examples name.
pub(crate) const SECRETS: [&str; 6] = [
    "SNOWFLAKE_PASSWORD",
    "DATABRICKS_CLIENT_SECRET",
    "REDSHIFT_PASSWORD",
    "SYNAPSE_PASSWORD",
    "AWS_IMMUTA_ACCESS_KEY_ID",
    "AWS_IMMUTA_SECRET_ACCESS_KEY",
];

/// A directory of integration files, and one for the same data as JSON.
pub(crate) struct Fleet {
    directory: TempDir,
    len: usize,
}

impl Fleet {
    /// Writes so many files, a directory for each platform.
    pub(crate) fn write(len: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (stem, _) in TEMPLATES {
            std::fs::create_dir_all(files(directory.path()).join(stem)).unwrap();
        }
        std::fs::create_dir(as_json(directory.path())).unwrap();
        for number in 0..len {
            let (path, text) = file(number);
            std::fs::write(files(directory.path()).join(path), text).unwrap();
        }
        Self { directory, len }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The directory of both.
    pub(crate) fn directory(&self) -> &str {
        self.directory.path().to_str().unwrap()
    }
}

/// A file of every fleet, by its number: its path in the directory of files, and its text.
pub(crate) fn file(number: usize) -> (String, String) {
    let (stem, text) = TEMPLATES[template(number)];
    let path = format!("{stem}/{stem}-{number:05}.yaml");
    (path, distinct(text, number))
}

/// Index of the example that a file was made from.
pub(crate) fn template(number: usize) -> usize {
    number % TEMPLATES.len()
}

/// The same with a port, which every platform lets one edit.
pub(crate) fn with_port(text: &str, port: u16) -> String {
    let lines = text.lines().filter(|line| !line.starts_with("  port:"));
    let lines = lines.map(|line| match line {
        "config:" => format!("config:\n  port: {port}\n"),
        line => format!("{line}\n"),
    });
    lines.collect()
}

fn distinct(template: &str, number: usize) -> String {
    DISTINCT.iter().fold(template.to_owned(), |text, word| {
        text.replace(word, &format!("n{number:05}-{word}"))
    })
}

/// The integration files of a fleet.
pub(crate) fn files(fleet: &Path) -> PathBuf {
    fleet.join("integrations.d")
}

/// The same integrations as JSON: a file for each, and one for the list of the tenant.
pub(crate) fn as_json(fleet: &Path) -> PathBuf {
    fleet.join("json")
}
