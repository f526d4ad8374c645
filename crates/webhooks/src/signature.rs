//! The signature of a call, by which the called knows who calls (B-392…B-395).

use std::borrow::Cow;

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Name of the header.
pub(crate) const HEADER: &str = "X-Twilio-Signature";

/// What of a URL is signed: all but a name and password, which the called does not see in it (B-394). Port and query stay.
pub(crate) fn signed_url(url: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.into();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest.get(..end).and_then(|authority| authority.rfind('@')) {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]).into(),
        None => url.into(),
    }
}

/// Signs a URL, and for a form the parameters in its body: each name and value, sorted by name.
pub(crate) fn sign(auth_token: &[u8], url: &str, parameters: &[(String, String)]) -> String {
    let mut sorted: Vec<&(String, String)> = parameters.iter().collect();
    sorted.sort();
    let mut text = signed_url(url).into_owned();
    for (name, value) in sorted {
        text.push_str(name);
        text.push_str(value);
    }
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, auth_token);
    STANDARD.encode(hmac::sign(&key, text.as_bytes()))
}

/// What stands in the query for a body that is no form: its digest, in hexadecimal (B-393).
pub(crate) fn digest_of(body: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, body);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_signed_sorted_by_name_b392() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let sorted = [pair("A", "1"), pair("B.C", "ü"), pair("a", "")];
        let other = [pair("a", ""), pair("B.C", "ü"), pair("A", "1")];
        let signature = sign(b"token", "https://example.com/x?y=z", &sorted);
        assert_eq!(signature, sign(b"token", "https://example.com/x?y=z", &other));
        assert_ne!(signature, sign(b"other", "https://example.com/x?y=z", &sorted));
        assert_ne!(signature, sign(b"token", "https://example.com/x", &sorted));
        assert_eq!(signature, sign(b"token", "https://example.com/x?y=zA1B.Cüa", &[]));
    }

    #[test]
    fn a_name_and_password_are_not_signed_b394() {
        for (url, signed) in [
            (
                "https://u:p@example.com:8443/x?y=a@b",
                "https://example.com:8443/x?y=a@b",
            ),
            ("http://u@example.com", "http://example.com"),
            ("http://u:p@@example.com?q", "http://example.com?q"),
            ("http://example.com/@x?y=@", "http://example.com/@x?y=@"),
            ("http://example.com?y=@", "http://example.com?y=@"),
            ("http://u:p@[::1]:80/", "http://[::1]:80/"),
        ] {
            assert_eq!(signed_url(url), signed);
            assert_eq!(sign(b"token", url, &[]), sign(b"token", signed, &[]));
        }
    }

    #[test]
    fn a_digest_is_that_of_fips_180() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest_of(b"abc"), expected);
    }
}
