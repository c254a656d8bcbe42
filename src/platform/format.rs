//! Rules for the format of strings, shared by the tables.
//!
//! A rule is lenient if the documentation is vague: the server can still reject a value that
//! passes it, but a value that it rejects wrongly cannot be used at all.

use super::{Evidence, Shape, StringRule};

/// The name of a host. No document says that a scheme, a path or a port would
/// be refused; every example goes without, and the port is an attribute of its own.
pub(super) const HOST: Shape = Shape::Text(StringRule {
    expected: HOST_NAME,
    accepts: is_host,
    pattern: Some(HOST_PATTERN),
    evidence: Evidence::Inferred,
});

/// The name of a host, where the documents ask for one in so many words.
pub(super) const DOCUMENTED_HOST: Shape = Shape::Text(StringRule {
    expected: HOST_NAME,
    accepts: is_host,
    pattern: Some(HOST_PATTERN),
    evidence: Evidence::Documented,
});

/// [`is_host`] for ASCII; every other character passes.
const HOST_PATTERN: &str =
    r"^(?!-)[A-Za-z0-9_\u0080-\uffff-]+(?:\.(?!-)[A-Za-z0-9_\u0080-\uffff-]+)*$";

const HOST_NAME: &str = "the name of a host, without a scheme, a path or a port";

/// Letters, digits and underscores, and no digit in front.
pub(super) const IDENTIFIER: Shape = Shape::Text(StringRule {
    expected: "a name of letters, digits and underscores that does not start with a digit",
    accepts: is_identifier,
    pattern: Some("^[A-Za-z_][A-Za-z0-9_]*$"),
    evidence: Evidence::Documented,
});

/// The ARN of an IAM role, with the evidence that it is checked.
pub(super) const fn role_arn(evidence: Evidence) -> Shape {
    Shape::Text(StringRule {
        expected: "the ARN of an IAM role, such as arn:aws:iam::123456789012:role/name",
        accepts: is_role_arn,
        pattern: Some("^arn:[^:]+:iam:[^:]*:[^:]+:role/.+$"),
        evidence,
    })
}

/// The number of an AWS account.
pub(super) const AWS_ACCOUNT: Shape = Shape::Text(StringRule {
    expected: "the 12 digits of an AWS account ID, in quotes",
    accepts: |text| text.len() == 12 && is_digits(text),
    pattern: Some("^[0-9]{12}$"),
    evidence: Evidence::Inferred,
});

/// The name of an AWS region. One page writes `us-east1`, which is none.
pub(super) const AWS_REGION: Shape = Shape::Text(StringRule {
    expected: "the name of an AWS region, such as us-east-1",
    accepts: is_aws_region,
    pattern: Some("^[a-z]+(?:-[a-z]+)+-[0-9]+$"),
    evidence: Evidence::Inferred,
});

/// A place in S3, in the form in which AWS scopes a location of access grants.
pub(super) const S3_PREFIX: Shape = Shape::Text(StringRule {
    expected: "an S3 prefix, such as s3://bucket/prefix",
    accepts: |text| text.starts_with("s3://"),
    pattern: Some("^s3://"),
    evidence: Evidence::Inferred,
});

/// Something to be put at the end of a name.
pub(super) const SUFFIX: Shape = Shape::Text(StringRule {
    expected: "a suffix that starts with an underscore",
    accepts: |text| text.starts_with('_'),
    pattern: Some("^_"),
    evidence: Evidence::Documented,
});

/// A JSON object inside a string. Only a warning: the documented sample itself
/// holds raw line ends within its key and does not parse.
pub(super) const JSON_OBJECT: Shape = Shape::Text(StringRule {
    expected: "a JSON object, written as one string",
    accepts: is_json_object,
    // A schema cannot look into a string.
    pattern: None,
    evidence: Evidence::Inferred,
});

fn is_host(text: &str) -> bool {
    text.split('.').all(|label| {
        // Underscores are no part of a host name and occur in account names nevertheless.
        let inner = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        !label.is_empty() && !label.starts_with('-') && label.chars().all(inner)
    })
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn is_role_arn(text: &str) -> bool {
    let mut parts = text.splitn(6, ':');
    let [arn, partition, service, _region, account, resource] =
        std::array::from_fn(|_| parts.next().unwrap_or_default());
    let name = resource.strip_prefix("role/").unwrap_or_default();
    arn == "arn" && service == "iam" && ![partition, account, name].contains(&"")
}

fn is_aws_region(text: &str) -> bool {
    let Some((area, number)) = text.rsplit_once('-') else {
        return false;
    };
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase());
    is_digits(number) && area.contains('-') && area.split('-').all(is_word)
}

fn is_json_object(text: &str) -> bool {
    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_ok()
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(shape: Shape, good: &[&str], bad: &[&str]) {
        let Shape::Text(format) = shape else {
            panic!("{shape:?} is no string");
        };
        let schema = format
            .pattern
            .map(|pattern| serde_json::json!({ "pattern": pattern }));
        let pattern = schema.map(|schema| jsonschema::validator_for(&schema).unwrap());
        let matches = |text: &str| {
            pattern
                .as_ref()
                .map(|pattern| pattern.is_valid(&text.into()))
        };
        for text in good {
            assert!((format.accepts)(text), "{text:?} is {}", format.expected);
            assert_ne!(
                matches(text),
                Some(false),
                "{text:?} is {}",
                format.expected
            );
        }
        for text in bad {
            assert!(
                !(format.accepts)(text),
                "{text:?} is not {}",
                format.expected
            );
            assert_ne!(
                matches(text),
                Some(true),
                "{text:?} is not {}",
                format.expected
            );
        }
    }

    #[test]
    fn a_host_has_no_scheme_path_or_port() {
        check(
            HOST,
            &[
                "organization.us-east-1.snowflakecomputing.com",
                "my_org-account.example.com",
                "10.0.0.7",
                "localhost",
            ],
            &[
                "",
                "https://example.com",
                "example.com/sql",
                "example.com:443",
                "example..com",
                "exa mple.com",
            ],
        );
    }

    #[test]
    fn an_identifier_does_not_start_with_a_digit() {
        check(
            IDENTIFIER,
            &["immuta", "_immuta", "Immuta_2"],
            &["", "2immuta", "immuta-prod", "immuta prod", "immüta"],
        );
    }

    #[test]
    fn a_role_is_named_by_an_arn_of_any_partition() {
        check(
            role_arn(Evidence::Documented),
            &[
                "arn:aws:iam::123456789012:role/immuta",
                "arn:aws-us-gov:iam::123456789012:role/path/immuta",
                "arn:aws-cn:iam::123456789012:role/immuta",
            ],
            &[
                "",
                "immuta",
                "arn:aws:iam::123456789012:user/immuta",
                "arn:aws:s3:::bucket",
                "arn:aws:iam::123456789012:role/",
                "arn:aws:iam:::role/immuta",
            ],
        );
    }

    #[test]
    fn an_account_has_twelve_digits() {
        check(
            AWS_ACCOUNT,
            &["012345678901"],
            &["", "12345678901", "12345678901a"],
        );
    }

    #[test]
    fn a_region_has_words_and_a_number() {
        check(
            AWS_REGION,
            &["us-east-1", "us-gov-west-1", "ap-southeast-2"],
            &[
                "",
                "us-east1",
                "us-1",
                "US-EAST-1",
                "us-east-",
                "us--east-1",
            ],
        );
    }

    #[test]
    fn a_location_is_an_s3_prefix() {
        check(S3_PREFIX, &["s3://bucket/prefix", "s3://"], &["", "bucket"]);
    }

    #[test]
    fn a_suffix_starts_with_an_underscore() {
        check(SUFFIX, &["_secure", "_"], &["", "secure"]);
    }

    #[test]
    fn a_keyfile_is_a_json_object() {
        check(
            JSON_OBJECT,
            &[r#"{"type":"service_account","private_key":"-----BEGIN\n"}"#],
            &["", "[]", "\"{}\"", "{\"private_key\":\"raw\nline end\"}"],
        );
    }
}
