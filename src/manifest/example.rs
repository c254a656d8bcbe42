//! Examples of mistakes, loaded like files of a user.

use super::{Bindings, DeniedWarnings, FileChecks, Manifest, SourceFile, Variables, load_checked};
use crate::diagnostic::ExampleSetting;
use crate::platform::PLATFORMS;

/// Name of the file that the text of an example stands for.
const FILE: &str = "example.yaml";

/// Loads the text of an example, with the settings that it needs.
#[must_use]
pub fn load_example(text: &str, settings: &[ExampleSetting]) -> Manifest {
    let mut variables = Vec::new();
    let mut bindings = Vec::new();
    for setting in settings {
        match setting {
            ExampleSetting::Variable(name, value) => {
                variables.push(((*name).to_owned(), (*value).to_owned()));
            }
            // A test loads every example: all of them can be parsed.
            ExampleSetting::Binding(binding) => bindings.extend(binding.parse()),
        }
    }
    let file = SourceFile {
        path: FILE.to_owned(),
        content: Ok(text.as_bytes().to_vec()),
    };
    let bindings: Bindings = bindings.into_iter().collect();
    let checks = FileChecks {
        variables: &Variables::from_iter(variables),
        bindings: &bindings,
        denied: &DeniedWarnings::default(),
        platforms: PLATFORMS,
    };
    load_checked("", &[file], checks)
}
