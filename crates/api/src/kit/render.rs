//! JSON answers, serialised straight into the body's bytes.

use std::fmt;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use confab_types::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Serialize, Serializer};

/// Content type of all answers with a body.
pub(crate) const JSON: &str = "application/json; charset=utf-8";

/// Appends a view. Views are plain structs, whose serialisation has no way to fail.
pub(crate) fn write<T: Serialize>(out: &mut Vec<u8>, view: &T) {
    if let Err(error) = serde_json::to_writer(&mut *out, view) {
        tracing::error!(%error, "a view could not be written");
    }
}

/// An answer whose body is written by a closure.
pub(crate) fn json(status: StatusCode, body: impl FnOnce(&mut Vec<u8>)) -> Response {
    let mut out = Vec::with_capacity(1024);
    body(&mut out);
    let mut response = Response::new(out.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
}

/// 201 with the new resource (B-012).
pub(crate) fn created(body: impl FnOnce(&mut Vec<u8>)) -> Response {
    json(StatusCode::CREATED, body)
}

/// 200 with a resource or list.
pub(crate) fn ok(body: impl FnOnce(&mut Vec<u8>)) -> Response {
    json(StatusCode::OK, body)
}

/// 204 after a deletion.
pub(crate) fn no_content() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// A date in the form of all products but one (B-015).
#[derive(Clone, Copy)]
pub(crate) struct Iso(pub(crate) Timestamp);

impl Serialize for Iso {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.iso_seconds())
    }
}

/// A date in the form of 2010-04-01 (B-886).
#[derive(Clone, Copy)]
pub(crate) struct Rfc2822(pub(crate) Timestamp);

impl Serialize for Rfc2822 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.rfc2822())
    }
}

/// The URL of something below a resource.
#[derive(Clone, Copy)]
pub(crate) struct Below<'a>(pub(crate) &'a str, pub(crate) &'static str);

impl fmt::Display for Below<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)?;
        f.write_str(self.1)
    }
}

impl Serialize for Below<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text as one segment of a path. Digits, letters and `+`, which stands for itself in a path, stay readable.
pub(crate) fn segment(text: &str) -> impl fmt::Display + '_ {
    const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~')
        .remove(b'+');
    utf8_percent_encode(text, SEGMENT)
}

/// `{}`
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Empty {}
