//! "Did you mean": the nearest of the words that were possible.

use crate::platform::Platform;

/// The platform that a word nearly names: by its type, its title or another word for it.
pub(crate) fn meant_platform(
    platforms: &[&'static Platform],
    word: &str,
) -> Option<&'static Platform> {
    let names = |platform: &'static Platform| {
        let own = [platform.wire, platform.title];
        let all = platform.aliases.iter().copied().chain(own);
        all.map(move |name| (name, platform))
    };
    let names: Vec<_> = platforms.iter().copied().flat_map(names).collect();
    let near = nearest(word, names.iter().map(|(name, _)| *name))?;
    let found = names.into_iter().find(|(name, _)| *name == near);
    found.map(|(_, platform)| platform)
}

/// The candidate nearest to what was written, if one is near.
pub(crate) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let folded = fold(word);
    // A third of the letters may be wrong, and one of three or more always.
    let allowed = (folded.chars().count() / 3).max(usize::from(folded.len() > 2));
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&folded, &fold(candidate)),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Case and separators count for nothing: `auto_bootstrap` is `autoBootstrap`.
fn fold(word: &str) -> String {
    let letters = word.chars().filter(|c| !matches!(c, ' ' | '-' | '_'));
    letters
        .flat_map(char::to_lowercase)
        .take(MAX_LENGTH)
        .collect()
}

/// No intended word is longer; the distance takes quadratic time.
const MAX_LENGTH: usize = 64;

/// "`a`", "`a` and `b`", "`a`, `b` and `c`".
pub(super) fn enumerate(words: &[&str], conjunction: &str) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} {conjunction} {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_word_is_suggested_and_a_far_one_is_not() {
        let words = ["warehouse", "role", "autoBootstrap"];
        assert_eq!(nearest("warehosue", words), Some("warehouse"));
        assert_eq!(nearest("auto_bootstrap", words), Some("autoBootstrap"));
        assert_eq!(nearest("roles", words), Some("role"));
        assert_eq!(nearest("x", words), None);
        assert_eq!(nearest("something", words), None);
    }

    #[test]
    fn words_are_listed_as_in_a_sentence() {
        assert_eq!(enumerate(&["a", "b", "c"], "or"), "`a`, `b` or `c`");
        assert_eq!(enumerate(&["a"], "or"), "`a`");
    }
}
