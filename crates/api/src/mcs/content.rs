//! The bytes of a medium under a temporary URL, which is all the permission that it takes.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use confab_domain::media::{self, Media};
use confab_media::{CONTENT_SECURITY_POLICY, Range, disposition};
use confab_types::{ApiError, Form, MediaSid, Sid as _};
use serde_json::json;

use crate::kit::app::App;
use crate::kit::caller::arrive;
use crate::kit::failure::{Failure, Result};
use crate::kit::openapi::{Components, Describe, Operation};
use crate::kit::routes::{Routes, get};

/// The type of what has a type that no header can hold.
const UNKNOWN: HeaderValue = HeaderValue::from_static("application/octet-stream");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

pub(super) fn routes(routes: &mut Routes) {
    routes.at("/{Sid}", [get("FetchTemporaryContent", fetch)]);
}

/// A request with a temporary URL that is good now.
struct Temporary {
    app: App,
    media: MediaSid,
    range: Option<String>,
}

impl FromRequestParts<App> for Temporary {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let _: Arc<_> = arrive(parts)?;
        let refused = || ApiError::new(20403).message("The temporary URL has expired or is not valid");
        let items = RawPathParams::from_request_parts(parts, app).await.ok();
        let media = items
            .and_then(|items| items.iter().find_map(|(_, value)| MediaSid::parse(value)))
            .ok_or_else(refused)?;
        let query = Form::parse(parts.uri.query().unwrap_or_default().as_bytes())?;
        let given = |name: &str| query.get(name).unwrap_or_default();
        app.library()?
            .links()
            .verify(media, given("Expires"), given("Signature"), app.engine.now())
            .map_err(|_| refused())?;
        let range = parts.headers.get(header::RANGE);
        Ok(Self {
            app: app.clone(),
            media,
            range: range.and_then(|value| value.to_str().ok()).map(str::to_owned),
        })
    }
}

impl Describe for Temporary {
    fn describe(operation: &mut Operation, _: &mut Components) {
        operation.public();
        operation.query("Expires", true, json!({ "type": "integer" }));
        operation.query("Signature", true, json!({ "type": "string" }));
        operation.header("Range", json!({ "type": "string" }));
    }
}

/// Bytes with their headers.
struct Content(Response);

impl IntoResponse for Content {
    fn into_response(self) -> Response {
        self.0
    }
}

impl Describe for Content {
    fn describe(operation: &mut Operation, _: &mut Components) {
        operation.response(200, None);
        operation.response(206, None);
        operation.response(416, None);
    }
}

async fn fetch(temporary: Temporary) -> Result<Content> {
    let (app, media, now) = (&temporary.app, temporary.media, temporary.app.engine.now());
    let found = app
        .engine
        .read(move |tx| media::find(tx, media, now))
        .await?
        .ok_or_else(|| Failure::code(20404))?;
    let size = u64::try_from(found.size).unwrap_or(0);
    let (status, start, length) = match Range::parse(temporary.range.as_deref(), size) {
        Range::Whole => (StatusCode::OK, 0, size),
        Range::Part { start, length } => (StatusCode::PARTIAL_CONTENT, start, length),
        Range::Unsatisfiable => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
            return Ok(Content(
                (StatusCode::RANGE_NOT_SATISFIABLE, range).into_response(),
            ));
        }
    };
    let reader = app
        .library()?
        .objects()
        .read(media, start, length)
        .await
        .map_err(|error| {
            if error.kind() == std::io::ErrorKind::NotFound {
                // Its message was removed between row and file.
                return Failure::code(20404);
            }
            tracing::error!(%error, %media, "a medium cannot be read");
            Failure::code(20503)
        })?;
    let mut response = Response::new(Body::from_stream(reader.stream()));
    *response.status_mut() = status;
    put_headers(&mut response, &found, length);
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {start}-{}/{size}", start + length - 1);
        put(&mut response, header::CONTENT_RANGE, &range);
    }
    Ok(Content(response))
}

fn put(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn put_headers(response: &mut Response, media: &Media, length: u64) {
    let content_type = HeaderValue::from_str(&media.content_type).unwrap_or(UNKNOWN);
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    let disposition = disposition(&media.content_type, media.filename.as_deref());
    for (name, value) in [
        (header::CONTENT_LENGTH, length.to_string().as_str()),
        (header::CONTENT_DISPOSITION, &disposition),
        (header::ACCEPT_RANGES, "bytes"),
        // As long as the URL; the bytes never change.
        (header::CACHE_CONTROL, "private, max-age=300"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        // Apps of other origins show them.
        (RESOURCE_POLICY, "cross-origin"),
    ] {
        put(response, name, value);
    }
}
