//! Errors on the wire (rest.md §1.5).
//!
//! A handler's error leaves it as an empty answer that carries the [`Failure`]; the front, which knows the request's
//! path and product, writes the body. So no handler needs to know how it was reached.

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use confab_domain::Error;
use confab_types::ApiError;
use serde::Serialize;

use super::exchange::{Exchange, Product};
use super::render;

/// An error on its way to the front.
#[derive(Clone, Debug)]
pub(crate) struct Failure(Error);

/// Result of a handler.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// An error of the catalogue.
    pub(crate) fn code(code: u32) -> Self {
        Self(Error::code(code))
    }

    /// What the caller must not see and the log must show.
    pub(crate) fn cause(&self) -> Option<String> {
        match &self.0 {
            Error::Store(error) => Some(error.to_string()),
            Error::Api(error) if error.status >= 500 => Some(error.to_string()),
            Error::Api(_) => None,
        }
    }

    fn shown(self) -> ApiError {
        match self.0 {
            Error::Api(error) => error,
            error if error.is_unavailable() => ApiError::new(20503),
            Error::Store(_) => ApiError::new(20500),
        }
    }

    /// Writes the error into the answer that carried it.
    pub(crate) fn write(self, exchange: &Exchange, response: &mut Response) {
        let mut error = self.shown();
        if error.code == 20404 && error.text() == ApiError::new(20404).text() {
            error = ApiError::not_found(exchange.resource_path());
        }
        let refused = error.status == 401;
        let body = View {
            code: error.code,
            // Observed on 2010-04-01 only; its helper libraries print it.
            detail: (refused && exchange.product == Product::Api)
                .then_some("Your AccountSid or AuthToken was incorrect."),
            message: error.text(),
            more_info: error.more_info(),
            status: error.status,
        };
        let mut out = Vec::with_capacity(256);
        render::write(&mut out, &body);
        *response.status_mut() =
            StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        *response.body_mut() = out.into();
        let headers = response.headers_mut();
        // The router wrote the length of the empty answer.
        headers.remove(CONTENT_LENGTH);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(render::JSON));
        if error.status == 429 {
            // Actions are counted by the second.
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if refused {
            headers.insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"Twilio API\""),
            );
        }
    }
}

#[derive(Serialize)]
struct View<'a> {
    code: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
    message: &'a str,
    more_info: String,
    status: u16,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        // Only shown if the front is missing, which would be a bug.
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_database_says_is_logged_and_not_shown() {
        let unavailable = Error::Store(confab_store::Error::Unavailable("at 10.0.0.1".into()));
        let broken = Error::Store(confab_store::Error::Other("syntax".into()));
        for (error, status, code) in [(unavailable, 503, 20503), (broken, 500, 20500)] {
            let failure = Failure::from(error.clone());
            assert_eq!(failure.cause(), Some(error.to_string()));
            let shown = failure.shown();
            assert_eq!((shown.status, shown.code), (status, code));
            assert_eq!(shown.text(), ApiError::new(code).text());
        }
        assert_eq!(Failure::code(20404).cause(), None);
    }
}
