//! The body of an upload: the bytes themselves, or a form with one file. It is read piece by piece on its way to the
//! disk.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use bytes::Bytes;
use confab_domain::media::{Category, Media, Owner};
use confab_media::{Error, SILENCE};
use confab_types::{ApiError, Form};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use multer::{Constraints, Multipart, SizeLimit};
use serde_json::json;

use super::media::CategoryWord;
use super::metered::{Ahead, Metered};
use super::scope::Scope;
use crate::kit::app::App;
use crate::kit::failure::{Failure, Result};
use crate::kit::input::{Kind as _, OneOf, Text};
use crate::kit::openapi::{Components, Describe, Operation};

/// Longest MIME type.
const CONTENT_TYPE_BYTES: usize = 256;
/// What the form around a file may have at most.
const FORM_BYTES: u64 = 64 * 1024;
/// What is read of an upload that is refused, and for how long: most clients look at the answer only when they have
/// sent all, and a connection that is closed before takes the answer with it.
const DRAIN_BYTES: usize = 256 << 20;
const DRAIN_WITHIN: Duration = Duration::from_secs(30);

/// An upload whose body has not been read.
pub(super) struct Upload {
    category: Category,
    filename: Option<String>,
    content_type: Option<String>,
    /// Of a form.
    boundary: Option<String>,
    length: Option<u64>,
    body: Body,
}

impl FromRequest<App> for Upload {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &App) -> Result<Self> {
        let (parts, body) = request.into_parts();
        let query = Form::parse(parts.uri.query().unwrap_or_default().as_bytes())?;
        let category = OneOf::<CategoryWord>::read(&query, "Category")?;
        let content_type = content_type(&parts.headers)?;
        let boundary = content_type
            .as_deref()
            .and_then(|kind| multer::parse_boundary(kind).ok());
        Ok(Self {
            category: category.as_deref().and_then(Category::parse).unwrap_or_default(),
            filename: Text::read(&query, "Filename")?.filter(|name| !name.is_empty()),
            content_type,
            boundary,
            length: parts
                .headers
                .get(CONTENT_LENGTH)
                .and_then(|value| value.to_str().ok()?.parse().ok()),
            body,
        })
    }
}

impl Describe for Upload {
    fn describe(operation: &mut Operation, _: &mut Components) {
        operation.query("Category", false, OneOf::<CategoryWord>::schema());
        operation.query("Filename", false, Text::schema());
        operation.body = Some(("*/*", json!({ "type": "string", "format": "binary" })));
    }
}

fn content_type(headers: &HeaderMap) -> Result<Option<String>> {
    match headers.get(CONTENT_TYPE) {
        None => Ok(None),
        Some(value) => match value.to_str() {
            Ok(text) if text.len() <= CONTENT_TYPE_BYTES => Ok(Some(text.to_owned())),
            _ => Err(ApiError::invalid("Content-Type").into()),
        },
    }
}

impl Upload {
    /// Reads the body into the store.
    pub(super) async fn store(self, scope: &Scope) -> Result<Media> {
        let limit = u64::try_from(scope.app.engine.limits().media_bytes).unwrap_or(u64::MAX);
        let around = if self.boundary.is_some() { FORM_BYTES } else { 0 };
        let mut body = self.body.into_data_stream();
        if self
            .length
            .is_some_and(|length| length > limit.saturating_add(around))
        {
            drain(&mut body).await;
            return Err(Failure::code(20413));
        }
        let upload = confab_media::Upload {
            owner: Owner::Service(scope.service),
            category: self.category,
            filename: self.filename,
            content_type: self.content_type,
            // No more than was announced can come, and what was not announced may be all that is allowed.
            max_bytes: self.length.map_or(limit, |length| length.min(limit)),
        };
        let stored = match self.boundary {
            None => store(scope, upload, &mut body).await,
            Some(boundary) => {
                let size = SizeLimit::new().whole_stream(limit.saturating_add(FORM_BYTES));
                let constraints = Constraints::new().size_limit(size);
                let ahead = Ahead::default();
                let metered = Metered::new(&mut body, ahead.clone(), SILENCE);
                let form = Multipart::with_constraints(metered, boundary, constraints);
                store_file(scope, upload, form, ahead).await
            }
        };
        if stored.is_err() {
            drain(&mut body).await;
        }
        stored
    }
}

/// Stores the file of a form; its name and type win over those of the request (rest.md §3).
async fn store_file(
    scope: &Scope,
    mut upload: confab_media::Upload,
    mut form: Multipart<'_>,
    ahead: Ahead,
) -> Result<Media> {
    let broken = |error: multer::Error| match error {
        multer::Error::StreamSizeExceeded { .. } => Failure::code(20413),
        error => ApiError::new(20001)
            .message(format!("The form cannot be read: {error}"))
            .into(),
    };
    let file = loop {
        match form.next_field().await.map_err(broken)? {
            Some(field) if field.file_name().is_some() => break field,
            Some(_) => {}
            None => return Err(ApiError::missing("file").into()),
        }
    };
    if let Some(name) = file.file_name().filter(|name| !name.is_empty()) {
        upload.filename = Some(name.to_owned());
    }
    upload.content_type = match file.headers().get(CONTENT_TYPE) {
        None => None,
        Some(_) => content_type(file.headers())?,
    };
    let file = file.inspect_ok(move |piece| ahead.handed_on(piece.len()));
    let stored = store(scope, upload, file).await?;
    // To its end, so that the connection can be used again.
    while let Ok(Some(_)) = form.next_field().await {}
    Ok(stored)
}

async fn store<S, E>(scope: &Scope, upload: confab_media::Upload, body: S) -> Result<Media>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: std::fmt::Display,
{
    let library = scope.app.library()?;
    library
        .store(scope.actor.clone(), upload, body)
        .await
        .map_err(|error| match error {
            Error::TooLarge => Failure::code(20413),
            Error::Empty => ApiError::new(20001).message("The body is empty").into(),
            Error::Broken(why) => {
                tracing::debug!(why, "an upload broke off");
                ApiError::new(20001)
                    .message("The body did not come to its end")
                    .into()
            }
            Error::Storage(error) => {
                tracing::error!(%error, "a medium cannot be stored");
                Failure::code(20503)
            }
            Error::Domain(error) => error.into(),
        })
}

async fn drain(body: &mut BodyDataStream) {
    let read = async {
        let mut left = DRAIN_BYTES;
        while let Some(Ok(piece)) = body.next().await {
            match left.checked_sub(piece.len()) {
                Some(less) => left = less,
                None => break,
            }
        }
    };
    // Whoever sends more than this, or slower, may miss the answer.
    let _ = tokio::time::timeout(DRAIN_WITHIN, read).await;
}
