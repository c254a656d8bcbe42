//! Plain words: the ones that no text of this project uses, and the openings that no doc
//! comment has.

/// Words that this project once used for terms of art or for people, and that have a plain
/// equivalent: report, fix, next to, operator, someone, anyone who, no longer, permission.
const NOT_PLAIN: &[&str] = &[
    "any more",
    "farewell",
    "human",
    "left alone",
    "mend",
    "mended",
    "mends",
    "rung",
    "stranger",
    "strangers",
    "there was no leave",
    "told",
    "whoever",
];

/// Words that the code and its messages do not use either. Pages may use them in their plain
/// sense.
const NOT_PLAIN_IN_CODE: &[&str] = &[
    "a look",
    "anybody",
    "beside",
    "everybody",
    "is leave",
    "leave for",
    "leave to",
    "look again",
    "look at",
    "looked at",
    "looked for",
    "looks at",
    "no leave",
    "nobody",
    "somebody",
    "tell",
    "telling",
    "tells",
];

/// Words that the name of a test does not use either: run or read, trigger, permission or
/// keep.
const NOT_PLAIN_IN_TEST_NAMES: &[&str] = &[
    "bell", "leave", "leaves", "look", "looked", "looks", "ring", "rings",
];

/// Beginnings of a relative clause, where a doc comment has a noun or a verb.
const OPENINGS: &[&str] = &[
    "how", "what", "whatever", "when", "where", "wherever", "whether", "which", "who", "whoever",
    "whom", "whose", "why",
];

/// The first word of a text that is not plain. Text in backticks is code.
pub(crate) fn not_plain(text: &str) -> Option<&'static str> {
    first_of(NOT_PLAIN.iter(), text)
}

/// The first word of a comment, or of a string in the code, that is not plain.
pub(crate) fn not_plain_in_code(text: &str) -> Option<&'static str> {
    first_of(NOT_PLAIN.iter().chain(NOT_PLAIN_IN_CODE), text)
}

/// The first word of the name of a test that is not plain.
pub(crate) fn not_plain_in_test_name(name: &str) -> Option<&'static str> {
    let words = name.replace('_', " ");
    let banned = NOT_PLAIN.iter().chain(NOT_PLAIN_IN_CODE);
    first_of(banned.chain(NOT_PLAIN_IN_TEST_NAMES), &words)
}

/// The word with which a doc comment opens, if it is one that opens a relative clause.
pub(crate) fn clause(comment: &str) -> Option<&'static str> {
    let first = comment.split(|c: char| !c.is_alphabetic()).next();
    let first = first.unwrap_or_default().to_lowercase();
    OPENINGS.iter().find(|opening| **opening == first).copied()
}

fn first_of(
    mut all: impl Iterator<Item = &'static &'static str>,
    text: &str,
) -> Option<&'static str> {
    let text = text.to_lowercase();
    let prose: String = text.split('`').step_by(2).collect();
    let prose = prose.replace(|c: char| !c.is_alphanumeric(), " ");
    let prose: Vec<&str> = prose.split_whitespace().collect();
    let prose = format!(" {} ", prose.join(" "));
    all.find(|word| prose.contains(&format!(" {word} ")))
        .copied()
}
