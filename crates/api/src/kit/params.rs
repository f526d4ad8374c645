//! The raw parameters of a request (rest.md §1.3); [`super::input`] gives them their types.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, Method};
use confab_types::Form;
use confab_types::form::parse_bool;

use super::app::App;
use super::failure::{Failure, Result};

/// The parameters of body and query.
pub(crate) struct Params(pub(crate) Form);

impl FromRequest<App> for Params {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        let (parts, body) = request.into_parts();
        let limit = app.options.body_limit;
        let length = parts
            .headers
            .get(CONTENT_LENGTH)
            .and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
        if length.is_some_and(|length| length > limit) {
            return Err(Failure::code(20413));
        }
        let mut form = if parts.method == Method::POST && is_form(&parts.headers) {
            Form::parse(&bytes(body, limit).await?)?
        } else {
            Form::default()
        };
        if let Some(query) = parts.uri.query() {
            form.append(Form::parse(query.as_bytes())?);
        }
        Ok(Self(form))
    }
}

/// Anything but a form counts as no parameters (B-009).
fn is_form(headers: &HeaderMap) -> bool {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let kind = value.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// A whole body of at most `limit` bytes.
pub(crate) async fn bytes(body: Body, limit: usize) -> Result<Bytes> {
    to_bytes(body, limit).await.map_err(|error| {
        let too_large = error.into_inner().is::<http_body_util::LengthLimitError>();
        // Else the client broke off, and nobody reads the answer.
        Failure::code(if too_large { 20413 } else { 20001 })
    })
}

/// The header that switches webhooks on for a REST action.
pub(crate) const WEBHOOK_ENABLED: &str = "X-Twilio-Webhook-Enabled";

/// Reads [`WEBHOOK_ENABLED`]: `true` or `false` in any letter case (B-033); absent is `false`.
pub(crate) fn webhook_header(headers: &HeaderMap) -> Result<bool> {
    match headers.get(WEBHOOK_ENABLED) {
        None => Ok(false),
        Some(value) => value
            .to_str()
            .ok()
            .and_then(parse_bool)
            .ok_or_else(|| confab_types::ApiError::invalid(WEBHOOK_ENABLED).into()),
    }
}
