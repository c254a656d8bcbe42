//! Readers for the parts of a request.

use bytes::Bytes;
use http::header::{ACCEPT, HOST, ORIGIN};
use http::{HeaderMap, Request};
use url::form_urlencoded;

/// The host that a request is for; `None` if it does not say, or says it twice.
pub(super) fn host(request: &Request<Bytes>) -> Option<&str> {
    let mut named = request.headers().get_all(HOST).into_iter();
    let header = named.next()?.to_str().ok()?;
    if named.next().is_some() {
        return None;
    }
    match request.uri().authority() {
        // As a proxy is asked: both have to be meant for us.
        Some(authority) if authority.as_str() != header => None,
        Some(_) | None => Some(header),
    }
}

/// True if a page of ours sent it, as far as the browser shows. A client that sends neither
/// header is not a browser.
pub(super) fn is_same_origin(headers: &HeaderMap, scheme: &str, host: &str) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match (text(ORIGIN.as_str()), text("sec-fetch-site")) {
        (Some(origin), _) => origin.eq_ignore_ascii_case(&format!("{scheme}://{host}")),
        (None, Some(site)) => matches!(site, "same-origin" | "none"),
        (None, None) => true,
    }
}

/// True if the response is for a person at a browser.
pub(super) fn wants_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// The first value of a name in a form, or in a query.
pub(super) fn value(form: &[u8], name: &str) -> String {
    form_urlencoded::parse(form)
        .find(|(own, _)| own == name)
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (name.parse().unwrap(), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn form_of_another_page_is_known_by_the_browsers_headers() {
        let here = |pairs| is_same_origin(&headers(pairs), "http", "127.0.0.1:9464");
        assert!(here(&[]));
        assert!(here(&[("origin", "http://127.0.0.1:9464")]));
        assert!(here(&[("sec-fetch-site", "same-origin")]));
        assert!(!here(&[("origin", "null")]));
        assert!(!here(&[("origin", "https://127.0.0.1:9464")]));
        assert!(!here(&[
            ("origin", "http://evil.example"),
            ("sec-fetch-site", "none")
        ]));
        assert!(!here(&[("sec-fetch-site", "cross-site")]));
    }

    #[test]
    fn a_request_for_two_hosts_is_for_none() {
        let request = |uri: &str, hosts: &[&'static str]| {
            let mut request = Request::builder().uri(uri);
            for host in hosts {
                request = request.header(HOST, *host);
            }
            request.body(Bytes::new()).unwrap()
        };
        assert_eq!(host(&request("/", &["a"])), Some("a"));
        assert_eq!(host(&request("http://a/", &["a"])), Some("a"));
        assert_eq!(host(&request("/", &[])), None);
        assert_eq!(host(&request("/", &["a", "b"])), None);
        assert_eq!(host(&request("http://b/", &["a"])), None);
    }
}
