use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::*;

fn scrubber(secrets: &[&str]) -> Scrubber {
    let secrets: Vec<Secret> = secrets.iter().map(|s| Secret::new((*s).into())).collect();
    Scrubber::new(&secrets)
}

fn scrubbed(text: &str, secrets: &[&str]) -> String {
    scrubber(secrets).scrub(text)
}

#[test]
fn a_secret_is_replaced_wherever_it_stands() {
    assert_eq!(
        scrubbed("hunter2 and hunter2!", &["hunter2"]),
        "(secret) and (secret)!"
    );
}

#[test]
fn the_longer_of_two_secrets_is_replaced_first() {
    assert_eq!(
        scrubbed("token-extended", &["token", "token-extended"]),
        "(secret)"
    );
}

#[test]
fn one_of_many_secrets_is_found() {
    let secrets: Vec<String> = (0..1_000).map(|n| format!("hunter{n:03}")).collect();
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    assert_eq!(
        scrubbed("hunter 7 is no hunter007é", &secrets),
        "hunter 7 is no (secret)é"
    );
}

#[test]
fn very_short_secret_is_not_redacted() {
    assert_eq!(scrubbed("abc abcd", &["abc", ""]), "abc abcd");
    assert_eq!(scrubbed("abc abcd", &["abcd"]), "abc (secret)");
    // White space is left out of a long secret only.
    assert_eq!(scrubbed("latest at usual", &["tatu"]), "latest at usual");
}

#[test]
fn escaped_and_encoded_forms_are_found() {
    let secret = "p\"a/s s\nw+rd";
    for form in [
        r#"p\"a/s s\nw+rd"#,
        "p%22a%2Fs+s%0Aw%2Brd",
        "p%22a%2Fs%20s%0Aw%2Brd",
        r#"p"a/s s\nw+rd"#,
    ] {
        assert_eq!(scrubbed(&format!("<{form}>"), &[secret]), "<(secret)>");
    }
}

/// Forms of a value in the output of servers, drivers and logs.
fn forms_of(value: &str) -> Vec<(&'static str, String)> {
    let utf16 = |to_bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        value.encode_utf16().flat_map(to_bytes).collect()
    };
    let each = |write: &dyn Fn(u8) -> String| value.bytes().map(write).collect::<String>();
    let unicode =
        |write: &dyn Fn(u16) -> String| value.encode_utf16().map(write).collect::<String>();
    let colons: Vec<String> = value.bytes().map(|b| format!("{b:02x}")).collect();
    let base64 = STANDARD.encode(value);
    let (left, right) = value.split_at(value.len() / 2);
    vec![
        ("upper case", value.to_uppercase()),
        ("lower case", value.to_lowercase()),
        ("a suffix", value.chars().skip(9).collect()),
        ("the middle", value.chars().skip(6).take(12).collect()),
        ("with a space in it", format!("{left} {right}")),
        ("with a soft hyphen in it", format!("{left}\u{ad}{right}")),
        ("with a line break in it", format!("{left}\n{right}")),
        ("percent of every byte", each(&|b| format!("%{b:02X}"))),
        ("percent twice", each(&|b| format!("%25{b:02x}"))),
        ("decimal entities", each(&|b| format!("&#{b};"))),
        ("hexadecimal entities", each(&|b| format!("&#x{b:X};"))),
        ("units of UTF-16", unicode(&|u| format!("\\u{u:04x}"))),
        (
            "units of UTF-16 in JSON",
            unicode(&|u| format!("\\\\u{u:04X}")),
        ),
        ("escaped bytes", each(&|b| format!("\\x{b:02x}"))),
        ("base64", base64.clone()),
        ("base64 for URLs", URL_SAFE_NO_PAD.encode(value)),
        (
            "base64 behind a user",
            STANDARD.encode(format!("u:{value}")),
        ),
        ("base64 of base64", STANDARD.encode(&base64)),
        (
            "base64 in a URL",
            base64.replace('=', "%3D").replace('+', "%2B"),
        ),
        (
            "base64 in small UTF-16",
            STANDARD.encode(utf16(u16::to_le_bytes)),
        ),
        (
            "base64 in big UTF-16",
            STANDARD.encode(utf16(u16::to_be_bytes)),
        ),
        (
            "base64 of percent",
            STANDARD_NO_PAD.encode(each(&|b| format!("%{b:02x}"))),
        ),
        ("hexadecimal", each(&|b| format!("{b:02x}"))),
        ("hexadecimal with colons", colons.join(":")),
        (
            "hexadecimal of UTF-16",
            utf16(u16::to_le_bytes)
                .iter()
                .map(|b| format!("{b:02X}"))
                .collect(),
        ),
    ]
}

#[test]
fn everyday_forms_of_a_secret_are_found() {
    let secret = "vK3xQ-9pZr7Wd4Tb!mGh2";
    for (name, form) in forms_of(secret) {
        let text = format!("login <{form}> is wrong");
        let clean = scrubbed(&text, &[secret]);
        let rest = clean.replace(MASK, "");
        assert!(clean.contains(MASK), "{name}: {clean}");
        assert!(
            rest.len() <= "login <> is wrong".len() + 3,
            "{name}: {clean}"
        );
    }
}

#[test]
fn base32_of_a_secret_is_found() {
    // printf 'vK3xQ-9pZr7Wd4Tb!mGh2' | base32
    let encoded = "OZFTG6CRFU4XAWTSG5LWINCUMIQW2R3IGI";
    let clean = scrubbed(&format!("<{encoded}>"), &["vK3xQ-9pZr7Wd4Tb!mGh2"]);
    assert!(
        clean.starts_with("<(secret)") && clean.len() < 16,
        "{clean}"
    );
}

#[test]
fn the_second_line_of_wrapped_base64_is_found() {
    let secret: String = ('!'..'~').collect();
    let encoded = STANDARD.encode(&secret);
    let clean = scrubbed(&format!("<{}>", &encoded[64..]), &[&secret]);
    assert!(
        clean.starts_with("<(secret)") && clean.len() < 16,
        "{clean}"
    );
}

#[test]
fn base64_is_known_wherever_the_secret_begins_and_ends() {
    let secret = "hunter2-swordfish";
    for before in ["", "a", "ab", "abc", "abcd"] {
        for after in ["", "a", "ab", "abc"] {
            let text = STANDARD_NO_PAD.encode(format!("{before}{secret}{after}"));
            assert!(
                scrubbed(&text, &[secret]).contains(MASK),
                "{before}…{after}"
            );
        }
    }
}

#[test]
fn encoded_secret_that_is_too_short_is_not_searched() {
    assert_eq!(scrubbed("cGFzcw== pass", &["pass"]), "cGFzcw== (secret)");
}

#[test]
fn words_that_a_secret_shares_with_a_message_stay() {
    let secrets = ["password-of-immuta-2024!", "https://user:x9@proxy.corp.net"];
    for text in [
        "the password is wrong",
        "see https://docs.example.com",
        "Authentication failed for user IMMUTA",
    ] {
        assert_eq!(scrubbed(text, &secrets), text);
    }
}

#[test]
fn a_line_of_a_key_is_found_alone() {
    let key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\n-----END KEY-----\n";
    assert_eq!(
        scrubbed(
            "bad line MIIEvQIBADANBgkqhkiG in -----BEGIN KEY-----",
            &[key]
        ),
        "bad line (secret) in -----BEGIN KEY-----"
    );
}

#[test]
fn a_string_inside_a_key_file_is_found_alone() {
    let file = r#"{"type": "service_account", "a": {"private_key": "line-of-the-key-one\nline-of-the-key-two\n"}}"#;
    assert_eq!(
        scrubbed("cannot read line-of-the-key-two", &[file]),
        "cannot read (secret)"
    );
    assert_eq!(
        scrubbed("no such service_account", &[file]),
        "no such service_account"
    );
    assert_eq!(
        scrubbed(&format!("{file} is wrong"), &[file]),
        "(secret) is wrong"
    );
}

#[test]
fn a_secret_that_was_cut_off_is_found_by_its_start() {
    assert_eq!(scrubbed("login hunt…", &["hunter2"]), "login (secret)…");
    assert_eq!(scrubbed("login hun…", &["hunter2"]), "login hun…");
    assert_eq!(scrubbed("login hunt", &["hunter2"]), "login hunt");
    assert_eq!(
        scrubbed("hunt... is cut", &["hunter2"]),
        "(secret)... is cut"
    );
}

#[test]
fn long_beginning_of_a_secret_is_found_without_a_sign_of_a_cut() {
    let secret = ["swordfish-and-hunter2"];
    assert_eq!(
        scrubbed("<swordfish-an> is wrong", &secret),
        "<(secret)> is wrong"
    );
    assert_eq!(scrubbed("a sword is wrong", &secret), "a sword is wrong");
}

#[test]
fn a_value_holds_a_secret_only_if_it_is_a_long_one() {
    let scrubber = scrubber(&["8443", "immuta", "hunter2-swordfish-42"]);
    for value in ["8443", "immuta", "immuta.example.com", "hunter2-sword"] {
        assert!(!scrubber.is_in(value), "{value}");
    }
    for value in [
        "hunter2-swordfish-42",
        "jdbc:x;password=HUNTER2-SWORDFISH-42",
        "aHVudGVyMi1zd29yZGZpc2gtNDI=",
    ] {
        assert!(scrubber.is_in(value), "{value}");
    }
}

#[test]
fn a_secret_is_found_anywhere_in_a_long_value() {
    let secret = "hunter2-swordfish-42";
    let scrubber = scrubber(&[secret]);
    for before in [0, LONGEST - 10, LONGEST - OVERLAP, 3 * LONGEST] {
        let value = format!("{}{secret}{}", "é".repeat(before / 2), "x".repeat(LONGEST));
        assert!(scrubber.is_in(&value), "{before}");
    }
    assert!(!scrubber.is_in(&"x".repeat(5 * LONGEST)));
}

#[test]
fn text_longer_than_the_limit_of_the_search_is_cut() {
    let text = format!("{}hunter2", "x".repeat(LONGEST));
    let clean = scrubbed(&text, &["hunter2"]);
    assert!(
        clean.ends_with("xx…") && clean.len() < LONGEST,
        "{}",
        clean.len()
    );
}

/// A secret may contain two characters that resemble an escape of another kind.
#[test]
fn escapes_of_one_kind_are_read_without_the_others() {
    let secret = Secret::new("E9V\"abc\\n12<4%41Z&99\\u0041".to_owned());
    let html = "E9V&quot;abc\\n12&lt;4%41Z&amp;99\\u0041";
    let json = "E9V\\\"abc\\\\n12<4%41Z&99\\\\u0041";
    let url = "E9V%22abc%5Cn12%3C4%2541Z%2699%5Cu0041";
    for text in [html, json, url] {
        let scrubbed = scrub(&format!("{text} is wrong"), [&secret]);
        assert_eq!(scrubbed, "(secret) is wrong", "{text}");
    }
}
