//! The service that a request is about, and the form of the URLs that its answer shows.

use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use confab_types::{ServiceSid, Sid};

use crate::kit::app::App;
use crate::kit::caller::Caller;
use crate::kit::failure::{Failure, Result};
use crate::kit::openapi::Describe;

/// An authenticated request within a conversation service.
pub(super) struct Scope {
    caller: Caller,
    /// The service of the path, or the account's default one (B-029).
    pub(super) service: ServiceSid,
    /// The service once more where the answer shows it: in the service form (B-028).
    pub(super) shown_service: Option<ServiceSid>,
    /// What stands before `/Conversations` in URLs.
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
        let named = match caller.find("ChatServiceSid")? {
            None => None,
            Some(text) => Some(ServiceSid::parse(text).ok_or_else(|| Failure::code(20404))?),
        };
        let (service, root) = match named {
            None => (
                caller.principal.credentials.default_service,
                format!("{}/v1", caller.exchange.base),
            ),
            Some(service) => {
                if !app.has_service(caller.account(), service).await? {
                    return Err(Failure::code(20404));
                }
                (service, format!("{}/v1/Services/{service}", caller.exchange.base))
            }
        };
        Ok(Self {
            caller,
            service,
            shown_service: named,
            root,
        })
    }
}
