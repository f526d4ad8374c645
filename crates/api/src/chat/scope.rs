//! The service that a request is about.

use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use confab_types::ServiceSid;

use crate::kit::app::App;
use crate::kit::caller::Caller;
use crate::kit::failure::{Failure, Result};
use crate::kit::openapi::Describe;

/// An authenticated request within a service.
pub(super) struct Scope {
    caller: Caller,
    pub(super) service: ServiceSid,
    /// What stands before `/Channels` in URLs.
    pub(super) root: String,
}

impl Deref for Scope {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl Describe for Scope {}

impl FromRequestParts<App> for Scope {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let service: ServiceSid = caller.sid("ServiceSid")?;
        if !app.has_service(caller.account(), service).await? {
            return Err(Failure::code(20404));
        }
        // Of v3 there is one operation, and what it answers lives in v2.
        let root = format!("{}/v2/Services/{service}", caller.exchange.base);
        Ok(Self {
            caller,
            service,
            root,
        })
    }
}
