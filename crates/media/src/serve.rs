//! How bytes of strangers are handed to browsers: nothing of them may run on the server's origin.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// A page that is shown all the same may load and run nothing.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// Characters of RFC 5987 that stand for themselves.
const ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// Whether a browser may show it in place: pictures, sound, video, plain text and PDF. All else, above all what can
/// carry script (HTML, SVG, XML), is only to be saved.
fn is_shown(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    let kind = kind.to_ascii_lowercase();
    let harmless = ["image/", "audio/", "video/"].iter().any(|p| kind.starts_with(p))
        || matches!(kind.as_str(), "text/plain" | "application/pdf");
    // A browser takes the last of several types.
    let one = !kind.contains(|c: char| c == ',' || c.is_whitespace());
    harmless && one && !content_type.contains(',') && !kind.contains("svg") && !kind.contains("xml")
}

/// The value of `Content-Disposition` (RFC 6266), with the name in ASCII for old clients and as RFC 5987 has it.
#[must_use]
pub fn disposition(content_type: &str, filename: Option<&str>) -> String {
    let kind = if is_shown(content_type) {
        "inline"
    } else {
        "attachment"
    };
    let Some(name) = filename.filter(|name| !name.is_empty()) else {
        return kind.to_owned();
    };
    let plain: String = name
        .chars()
        .map(|c| match c {
            ' '..='~' if !matches!(c, '"' | '\\' | '/' | '%') => c,
            _ => '_',
        })
        .collect();
    format!(
        "{kind}; filename=\"{plain}\"; filename*=UTF-8''{}",
        utf8_percent_encode(name, ATTR_CHAR)
    )
}

/// The part of a body that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// All of it.
    Whole,
    /// A part.
    Part {
        /// First byte.
        start: u64,
        /// Bytes, at least one.
        length: u64,
    },
    /// None that the body has.
    Unsatisfiable,
}

impl Range {
    /// Reads the header `Range` for a body of `size` bytes (RFC 9110 §14). Several parts, other units and what is no
    /// range are answered with the whole.
    #[must_use]
    pub fn parse(header: Option<&str>, size: u64) -> Self {
        let parsed = header
            .and_then(|text| text.trim().strip_prefix("bytes="))
            .and_then(|text| text.split_once('-'));
        let Some((first, last)) = parsed else {
            return Self::Whole;
        };
        let number = |text: &str| text.trim().parse::<u64>().ok();
        let (start, end) = match (number(first), number(last)) {
            (Some(start), Some(last)) if last >= start => (start, last.saturating_add(1)),
            (Some(start), None) if last.trim().is_empty() => (start, size),
            (None, Some(0)) if first.trim().is_empty() => return Self::Unsatisfiable,
            (None, Some(suffix)) if first.trim().is_empty() => (size.saturating_sub(suffix), size),
            _ => return Self::Whole,
        };
        if start >= size {
            return Self::Unsatisfiable;
        }
        Self::Part {
            start,
            length: end.min(size) - start,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_run_is_saved_and_not_shown() {
        for kind in [
            "image/png",
            "video/mp4",
            "text/plain; charset=utf-8",
            "application/pdf",
        ] {
            assert_eq!(disposition(kind, None), "inline", "{kind}");
        }
        for kind in [
            "text/html",
            "image/svg+xml",
            "IMAGE/SVG+XML",
            "application/xhtml+xml",
            "text/xml",
            "text/javascript",
            "application/octet-stream",
            "x",
        ] {
            assert_eq!(disposition(kind, None), "attachment", "{kind}");
        }
    }

    #[test]
    fn names_pass_as_rfc_5987_and_cannot_break_out() {
        assert_eq!(
            disposition("image/png", Some("b c.png")),
            "inline; filename=\"b c.png\"; filename*=UTF-8''b%20c.png"
        );
        assert_eq!(
            disposition("text/html", Some("ä\"\r\n;/é.html")),
            "attachment; filename=\"____;__.html\"; filename*=UTF-8''%C3%A4%22%0D%0A%3B%2F%C3%A9.html"
        );
    }

    #[test]
    fn one_range_of_bytes_is_understood() {
        let part = |start, length| Range::Part { start, length };
        for (header, range) in [
            ("bytes=0-0", part(0, 1)),
            ("bytes=2-5", part(2, 4)),
            ("bytes=2-", part(2, 8)),
            ("bytes=-3", part(7, 3)),
            ("bytes=-30", part(0, 10)),
            ("bytes=9-100", part(9, 1)),
            ("bytes=10-", Range::Unsatisfiable),
            ("bytes=-0", Range::Unsatisfiable),
            ("bytes=5-2", Range::Whole),
            ("bytes=0-1,3-4", Range::Whole),
            ("items=0-1", Range::Whole),
            ("bytes=x-y", Range::Whole),
        ] {
            assert_eq!(Range::parse(Some(header), 10), range, "{header}");
        }
        assert_eq!(Range::parse(None, 10), Range::Whole);
    }
}
