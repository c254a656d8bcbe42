//! Recorded webhooks, and attempts by a sender without the secret.

use http::{HeaderName, HeaderValue};

use super::*;

const SECRET: &str = "It's a Secret to Everybody";

const PUSH: &[u8] = include_bytes!("../../../tests/data/webhooks/github-push-master.json");
const TAG: &[u8] = include_bytes!("../../../tests/data/webhooks/github-push-tag.json");
const TAG_GONE: &[u8] = include_bytes!("../../../tests/data/webhooks/github-push-tag-deleted.json");
const PING: &[u8] = include_bytes!("../../../tests/data/webhooks/github-ping.json");

/// As GitHub's documentation has it, under "Validating webhook deliveries".
const DOCUMENTED: &str = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pairs = pairs.iter().map(|(name, value)| {
        let name: HeaderName = name.parse().unwrap();
        (name, HeaderValue::from_str(value).unwrap())
    });
    pairs.collect()
}

fn sign(secret: &str, body: &[u8]) -> String {
    let tag = mac(secret.as_bytes(), body).unwrap().finalize();
    let bytes = tag.into_bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn judged(pairs: &[(&str, &str)], body: &[u8], branch: Option<&str>) -> WebhookVerdict {
    let secret = Secret::new(SECRET.to_owned());
    judge(&headers(pairs), body, &secret, branch)
}

/// As GitHub sends it.
fn github(event: &str, body: &[u8], branch: Option<&str>) -> WebhookVerdict {
    let signature = format!("sha256={}", sign(SECRET, body));
    let pairs = [
        ("x-github-event", event),
        ("x-hub-signature-256", signature.as_str()),
        ("content-type", "application/json"),
    ];
    judged(&pairs, body, branch)
}

#[test]
fn the_documented_signature_is_the_right_one() {
    let body = b"Hello, World!";
    assert_eq!(sign(SECRET, body), DOCUMENTED);
    assert_eq!(github("push", body, None), WebhookVerdict::Push);
    let signature = format!("sha256={DOCUMENTED}");
    let pairs = [
        ("x-github-event", "push"),
        ("x-hub-signature-256", signature.as_str()),
    ];
    assert_eq!(judged(&pairs, body, None), WebhookVerdict::Push);
    assert_eq!(
        judged(&pairs, b"Hello, World?", None),
        WebhookVerdict::Unsigned
    );
}

#[test]
fn recorded_webhooks_are_judged_by_what_was_pushed() {
    for (event, body, branch, expected) in [
        ("push", PUSH, None, WebhookVerdict::Push),
        ("push", PUSH, Some("master"), WebhookVerdict::Push),
        ("push", PUSH, Some("main"), WebhookVerdict::OtherBranch),
        (
            "push",
            PUSH,
            Some("refs/heads/master"),
            WebhookVerdict::OtherBranch,
        ),
        ("push", TAG, None, WebhookVerdict::Push),
        ("push", TAG, Some("simple-tag"), WebhookVerdict::OtherBranch),
        (
            "push",
            TAG_GONE,
            Some("master"),
            WebhookVerdict::OtherBranch,
        ),
        ("ping", PING, Some("master"), WebhookVerdict::Ping),
        ("push", PING, Some("master"), WebhookVerdict::Unreadable),
        ("issues", PUSH, None, WebhookVerdict::NoPush),
        ("push", b"{", Some("master"), WebhookVerdict::Unreadable),
    ] {
        assert_eq!(github(event, body, branch), expected, "{event} {branch:?}");
    }
}

#[test]
fn a_push_in_a_form_is_read_like_one_in_json() {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", std::str::from_utf8(PUSH).unwrap())
        .finish();
    let signature = format!("sha256={}", sign(SECRET, form.as_bytes()));
    // A media type has no case.
    for kind in [
        "application/x-www-form-urlencoded",
        "APPLICATION/X-WWW-FORM-URLENCODED",
        "Application/x-www-form-urlencoded ; charset=utf-8",
    ] {
        let pairs = [
            ("x-github-event", "push"),
            ("x-hub-signature-256", signature.as_str()),
            ("content-type", kind),
        ];
        let body = form.as_bytes();
        assert_eq!(
            judged(&pairs, body, Some("master")),
            WebhookVerdict::Push,
            "{kind}"
        );
        assert_eq!(
            judged(&pairs, body, Some("main")),
            WebhookVerdict::OtherBranch
        );
    }
}

/// As Gitea 1.22 and Forgejo 9 send it, with the content type of a form: every name
/// has the signature of the document.
#[test]
fn a_form_of_gitea_or_forgejo_is_signed_in_its_document() {
    let form = |document: &[u8]| {
        let document = std::str::from_utf8(document).unwrap();
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("payload", document).finish()
    };
    let tag = sign(SECRET, PUSH);
    let hub = format!("sha256={tag}");
    let gitea = [("x-gitea-event", "push"), ("x-gitea-signature", &tag)];
    let github = [("x-github-event", "push"), ("x-hub-signature-256", &hub)];
    let forgejo = [("x-forgejo-event", "push"), ("x-forgejo-signature", &tag)];
    for forge in [
        gitea.to_vec(),
        [gitea, github].concat(),
        [forgejo, gitea, github].concat(),
    ] {
        let kind = ("content-type", "application/x-www-form-urlencoded");
        let pairs = [forge.as_slice(), &[kind]].concat();
        let judged = |form: &str, branch| judged(&pairs, form.as_bytes(), Some(branch));
        assert_eq!(
            judged(&form(PUSH), "master"),
            WebhookVerdict::Push,
            "{pairs:?}"
        );
        assert_eq!(judged(&form(PUSH), "main"), WebhookVerdict::OtherBranch);
        // The signature of one document does not cover another one before or instead of it.
        assert_eq!(judged(&form(TAG), "master"), WebhookVerdict::Unsigned);
        let before = format!("{}&{}", form(TAG), form(PUSH));
        assert_eq!(judged(&before, "master"), WebhookVerdict::Unsigned);
        assert_eq!(judged("other=1", "master"), WebhookVerdict::Unsigned);
        let refused = judge(
            &headers(&pairs),
            form(PUSH).as_bytes(),
            &Secret::new("another secret, as long".to_owned()),
            None,
        );
        assert_eq!(refused, WebhookVerdict::Unsigned);
    }
}

#[test]
fn every_forge_is_known_by_its_own_header() {
    let tag = sign(SECRET, PUSH);
    let hub = format!("sha256={tag}");
    for pairs in [
        vec![("x-gitea-event", "push"), ("x-gitea-signature", &tag)],
        vec![("x-forgejo-event", "push"), ("x-forgejo-signature", &tag)],
        vec![("x-gitlab-event", "Push Hook"), ("x-gitlab-token", SECRET)],
        // As Forgejo sends it: under the names of those that it descends from, too.
        vec![
            ("x-forgejo-event", "push"),
            ("x-forgejo-signature", &tag),
            ("x-gitea-event", "push"),
            ("x-gitea-signature", &tag),
            ("x-github-event", "push"),
            ("x-hub-signature-256", &hub),
        ],
    ] {
        let verdict = judged(&pairs, PUSH, Some("master"));
        assert_eq!(verdict, WebhookVerdict::Push, "{pairs:?}");
        let verdict = judged(&pairs, PUSH, Some("main"));
        assert_eq!(verdict, WebhookVerdict::OtherBranch, "{pairs:?}");
    }
}

#[test]
fn sender_without_the_secret_is_rejected() {
    let right = sign(SECRET, PUSH);
    let hub = format!("sha256={right}");
    let other = format!("sha256={}", sign("another secret, as long", PUSH));
    let (short, long) = (&hub[..hub.len() - 1], format!("{hub}00"));
    let bare = format!("sha1={right}");
    let sha1 = format!("sha256={}", &right[..40]);
    for proofs in [
        vec![],
        vec![("x-hub-signature-256", "")],
        vec![("x-hub-signature-256", "sha256=")],
        vec![("x-hub-signature-256", &right)],
        vec![("x-hub-signature-256", &bare)],
        vec![("x-hub-signature-256", &sha1)],
        vec![("x-hub-signature-256", short)],
        vec![("x-hub-signature-256", &long)],
        vec![("x-hub-signature-256", &other)],
        vec![("x-hub-signature", &hub)],
        vec![("x-hub-signature-256", "sha256=+f")],
        vec![("x-gitea-signature", &hub)],
        vec![("x-forgejo-signature", "")],
        vec![("x-gitlab-token", "")],
        vec![("x-gitlab-token", "It's a Secret to Everybod")],
        vec![("x-gitlab-token", "It's a Secret to Everybody!")],
        // One that is right does not make up for one that is wrong.
        vec![("x-hub-signature-256", &hub), ("x-gitlab-token", "guess")],
        vec![("x-gitea-signature", &right), ("x-forgejo-signature", "00")],
        vec![
            ("x-hub-signature-256", &other),
            ("x-hub-signature-256", &hub),
        ],
    ] {
        let mut pairs = vec![("x-github-event", "push")];
        pairs.extend(proofs.iter().copied());
        let verdict = judged(&pairs, PUSH, Some("master"));
        assert_eq!(verdict, WebhookVerdict::Unsigned, "{proofs:?}");
    }
    assert_eq!(judged(&[], b"", None), WebhookVerdict::Unsigned);
}

#[test]
fn sender_without_the_secret_gets_no_reason() {
    let (status, said) = WebhookVerdict::Unsigned.answer();
    assert_eq!((status.as_u16(), said), (401, "refused\n"));
}
