//! Who calls the Media Content Service: an account with a service of its own, or a chat user in that of his token.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use confab_domain::{Actor, Transaction};
use confab_types::{ApiError, ServiceSid, Sid};

use crate::kit::app::App;
use crate::kit::caller::{Caller, arrive};
use crate::kit::exchange::Exchange;
use crate::kit::failure::{Failure, Result};
use crate::kit::openapi::{Components, Describe, Operation};

/// Header with an access token, as SDK clients send it.
const TOKEN: &str = "x-twilio-token";

/// An authenticated request within a service.
pub(super) struct Scope {
    pub(super) app: App,
    pub(super) exchange: Arc<Exchange>,
    pub(super) actor: Actor,
    pub(super) service: ServiceSid,
    /// The medium of the path, where it names one.
    item: String,
}

impl Scope {
    /// The medium that the path names.
    pub(super) fn item(&self) -> &str {
        &self.item
    }

    /// Collection of the service's media.
    pub(super) fn root(&self) -> String {
        format!("{}/v1/Services/{}/Media", self.exchange.base, self.service)
    }

    /// Reads for this caller.
    pub(super) async fn read<T, F>(&self, unit: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Transaction<'_>) -> confab_domain::Result<T> + Send + 'static,
    {
        Ok(self.app.engine.read(unit).await?)
    }
}

impl Describe for Scope {
    fn describe(operation: &mut Operation, _: &mut Components) {
        operation.header("X-Twilio-Token", serde_json::json!({ "type": "string" }));
    }
}

impl FromRequestParts<App> for Scope {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let exchange = arrive(parts)?;
        let token = match parts.headers.get(TOKEN) {
            None => None,
            Some(token) => Some(token.to_str().map_err(|_| Failure::code(20101))?.to_owned()),
        };
        let missing = || Failure::code(20404);
        let items = RawPathParams::from_request_parts(parts, app)
            .await
            .map_err(|_| missing())?;
        let find = |name: &str| items.iter().find(|(n, _)| *n == name).map(|(_, value)| value);
        let service = find("ServiceSid").and_then(ServiceSid::parse);
        let item = find("Sid").unwrap_or_default().to_owned();
        let (actor, service) = match token {
            Some(token) => {
                let token = app.engine.verify_token(&token).await?;
                let service = service.ok_or_else(missing)?;
                if token.service != service {
                    // A grant for another service (rest.md §3).
                    return Err(ApiError::new(20106).into());
                }
                (Actor::Client(Arc::new(app.engine.client(&token).await?)), service)
            }
            None => {
                let caller = Caller::from_request_parts(parts, app).await?;
                let service = service.ok_or_else(missing)?;
                if !app.has_service(caller.account(), service).await? {
                    return Err(missing());
                }
                (Actor::Rest, service)
            }
        };
        Ok(Self {
            app: app.clone(),
            exchange,
            actor,
            service,
            item,
        })
    }
}
