//! The series and labels that an expression of PromQL names.

/// A series, and the labels that matchers of it or an aggregation name.
#[derive(Debug, PartialEq)]
pub(super) struct UsedSeries {
    pub(super) name: String,
    pub(super) labels: Vec<String>,
}

/// Modifiers with a list of labels.
const LISTS: &[&str] = &[
    "by",
    "group_left",
    "group_right",
    "ignoring",
    "on",
    "without",
];

/// The series of an expression. Labels in the list of an aggregation or of a comparison
/// belong to the first series after it: each of ours has one family on either side.
pub(super) fn used_series(expression: &str) -> Vec<UsedSeries> {
    let (mut found, mut listed): (Vec<UsedSeries>, Vec<String>) = (Vec::new(), Vec::new());
    let mut rest = expression;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic() || c == '"') {
        rest = &rest[start..];
        if let Some(text) = rest.strip_prefix('"') {
            rest = text.split_once('"').map_or("", |(_, after)| after);
            continue;
        }
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        let after = after.trim_start();
        rest = after;
        if LISTS.contains(&word) {
            let (list, behind) = after.strip_prefix('(').unwrap().split_once(')').unwrap();
            let labels = list
                .split(',')
                .map(str::trim)
                .filter(|label| !label.is_empty());
            listed.extend(labels.map(str::to_owned));
            rest = behind;
        } else if word.starts_with("integrationd_") {
            let mut labels = std::mem::take(&mut listed);
            if let Some(list) = after.strip_prefix('{') {
                let (matchers, behind) = list.split_once('}').unwrap();
                labels.extend(matched(matchers));
                rest = behind;
            }
            found.push(UsedSeries {
                name: word.to_owned(),
                labels,
            });
        }
    }
    assert_eq!(
        listed, [""; 0],
        "a list of labels without a series: {expression}"
    );
    found
}

/// The labels of matchers. No value of ours contains a comma or a brace.
fn matched(matchers: &str) -> impl Iterator<Item = String> {
    let matchers = matchers.split(',').map(str::trim);
    let labels = matchers.filter_map(|it| it.split(['=', '!']).next());
    labels.map(str::trim).map(str::to_owned)
}

#[test]
fn series_and_labels_of_an_expression_are_found() {
    let text = "sum by (a, b) (rate(integrationd_x_total{c=~\"d|e\", f!=\"integrationd_y\"}[5m])) \
        / on (job) integrationd_z > 3";
    let expected = [
        ("integrationd_x_total", &["a", "b", "c", "f"][..]),
        ("integrationd_z", &["job"]),
    ];
    let expected = expected.map(|(name, labels)| UsedSeries {
        name: name.to_owned(),
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
    });
    assert_eq!(used_series(text), expected);
}
