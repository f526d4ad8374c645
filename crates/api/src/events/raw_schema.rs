//! The JSON schema of an event's data, for everybody: who reads an event finds its URL there, and has no credentials.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use confab_domain::stream::EventType;
use serde_json::Value;

use super::schema::version;
use crate::kit::app::App;
use crate::kit::caller::arrive;
use crate::kit::failure::{Failure, Result};
use crate::kit::openapi::{Components, Describe, Operation};
use crate::kit::render::{Found, reply};
use crate::kit::routes::{Routes, get};

pub(super) fn routes(routes: &mut Routes) {
    routes.at("/{Id}/{SchemaVersion}", [get("FetchRawSchema", fetch)]);
}

/// A schema as a path names it.
struct Named(Value);

impl FromRequestParts<App> for Named {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let _: Arc<_> = arrive(parts)?;
        let items = RawPathParams::from_request_parts(parts, app).await.ok();
        let item = |name| {
            items
                .iter()
                .flatten()
                .find(|(n, _)| *n == name)
                .map(|(_, value)| value)
        };
        let schema = item("Id").and_then(EventType::of_schema);
        let version = item("SchemaVersion").and_then(version);
        schema
            .zip(version)
            .and_then(|(schema, version)| schema.schema(version))
            .map(Self)
            .ok_or_else(|| Failure::code(20404))
    }
}

impl Describe for Named {
    fn describe(operation: &mut Operation, _: &mut Components) {
        operation.public();
    }
}

async fn fetch(Named(schema): Named) -> Result<Found<Value>> {
    Ok(reply(&schema))
}
