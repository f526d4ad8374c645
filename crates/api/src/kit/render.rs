//! JSON answers, serialised straight into the body's bytes.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use confab_types::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::failure::{Failure, Result};
use super::openapi::{Components, Describe, Operation};

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

/// A view with a status.
pub(crate) struct Reply<const STATUS: u16, V>(Response, PhantomData<fn() -> V>);

/// 201 with the new resource (B-012).
pub(crate) type Created<V> = Reply<201, V>;
/// 200 with a resource.
pub(crate) type Found<V> = Reply<200, V>;

impl<const STATUS: u16, V> IntoResponse for Reply<STATUS, V> {
    fn into_response(self) -> Response {
        self.0
    }
}

impl<const STATUS: u16, V: JsonSchema> Describe for Reply<STATUS, V> {
    fn describe(operation: &mut Operation, components: &mut Components) {
        let schema = components.reference::<V>();
        operation.response(STATUS, Some(schema));
    }
}

/// An answer with a view; its type says with which status.
pub(crate) fn reply<const STATUS: u16, V: Serialize>(view: &V) -> Reply<STATUS, V> {
    let status = StatusCode::from_u16(STATUS).unwrap_or(StatusCode::OK);
    Reply(json(status, |out| write(out, view)), PhantomData)
}

/// 204 after a deletion.
pub(crate) struct Deleted;

impl IntoResponse for Deleted {
    fn into_response(self) -> Response {
        no_content()
    }
}

impl Describe for Deleted {
    fn describe(operation: &mut Operation, _: &mut Components) {
        operation.response(204, None);
    }
}

/// 307 to another URL.
pub(crate) struct Redirect(HeaderValue);

impl Redirect {
    /// A redirect to an absolute URL.
    pub(crate) fn to(url: String) -> Result<Self> {
        let location = HeaderValue::try_from(url).map_err(|_| Failure::code(20500))?;
        Ok(Self(location))
    }
}

impl IntoResponse for Redirect {
    fn into_response(self) -> Response {
        (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, self.0)]).into_response()
    }
}

impl Describe for Redirect {
    fn describe(operation: &mut Operation, _: &mut Components) {
        operation.response(307, None);
    }
}

/// 204
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

/// The URLs of what is below a resource: names, and what follows the resource's URL.
pub(crate) struct Links {
    /// URL of the resource.
    pub(crate) url: String,
    /// Name and rest of the URL, in the order of the answer.
    pub(crate) below: &'static [(&'static str, &'static str)],
}

impl Serialize for Links {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.below.len()))?;
        for (name, rest) in self.below {
            map.serialize_entry(name, &format_args!("{}{rest}", self.url))?;
        }
        map.end()
    }
}

/// Gives a type the schema of what it is written as.
macro_rules! written_as {
    ($type:ty, $name:literal, $schema:tt) => {
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}
written_as!(Iso, "Iso", { "type": "string", "format": "date-time" });
written_as!(Rfc2822, "Rfc2822", { "type": "string", "format": "date-time-rfc-2822" });
written_as!(Links, "Links", { "type": "object", "additionalProperties": { "type": "string", "format": "uri" } });

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
#[derive(Clone, Copy, Serialize, JsonSchema)]
pub(crate) struct Empty {}
