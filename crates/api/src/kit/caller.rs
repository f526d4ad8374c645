//! Who calls. Every handler takes a [`Caller`] (or an extractor made of one) first, so none can forget to ask.

use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath, RawPathParams};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use confab_domain::{Command, Origin, Requester, Transaction};
use confab_engine::Principal;
use confab_types::{AccountSid, Sid};

use super::app::App;
use super::exchange::Exchange;
use super::failure::{Failure, Result};
use super::openapi::Describe;
use super::params;

/// Some clients leave the padding away.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// An authenticated request.
pub(crate) struct Caller {
    pub(crate) app: App,
    pub(crate) principal: Principal,
    pub(crate) exchange: Arc<Exchange>,
    /// Whether webhooks hear of what the caller does (B-382).
    webhook_enabled: bool,
    /// Items of the path, decoded; `None` when one of them is not UTF-8.
    items: Option<RawPathParams>,
}

impl Caller {
    pub(crate) fn account(&self) -> AccountSid {
        self.principal.account()
    }

    /// An item of the path by its name in the route. axum splits the path on `/` before it decodes, so an item may
    /// hold an encoded slash; one that is broken UTF-8 or holds a NUL names nothing, since no row can.
    pub(crate) fn item(&self, name: &str) -> Result<&str> {
        self.find(name)?
            .filter(|value| !value.contains('\0'))
            .ok_or_else(|| Failure::code(20404))
    }

    /// An item that some routes of a handler do not have.
    pub(crate) fn find(&self, name: &str) -> Result<Option<&str>> {
        let items = self.items.as_ref().ok_or_else(|| Failure::code(20404))?;
        Ok(items.iter().find(|(n, _)| *n == name).map(|(_, value)| value))
    }

    /// An item of the path that can only be a SID (B-005).
    pub(crate) fn sid<S: Sid>(&self, name: &str) -> Result<S> {
        S::parse(self.item(name)?).ok_or_else(|| Failure::code(20404))
    }

    /// Runs a command for this caller.
    pub(crate) async fn execute<C: Command>(&self, command: C) -> Result<C::Output> {
        Ok(self.app.engine.execute(self.origin(), command).await?)
    }

    /// Who acts, for what the engine does besides commands.
    pub(crate) fn origin(&self) -> Origin {
        let credentials = &self.principal.credentials;
        Origin::rest(self.webhook_enabled).by(Requester {
            account: credentials.account,
            key: credentials.key,
            ip: self.exchange.peer,
        })
    }

    /// Reads for this caller.
    pub(crate) async fn read<T, F>(&self, unit: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Transaction<'_>) -> confab_domain::Result<T> + Send + 'static,
    {
        Ok(self.app.engine.read(unit).await?)
    }
}

impl Describe for Caller {}

impl FromRequestParts<App> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let exchange = arrive(parts)?;
        let (name, secret) = basic(parts).ok_or_else(|| Failure::code(20003))?;
        let principal = app.engine.authenticate(&name, &secret).await?;
        let items = RawPathParams::from_request_parts(parts, app).await.ok();
        Ok(Self {
            app: app.clone(),
            principal,
            exchange,
            // A wrong value is refused where the header is documented, and says nothing elsewhere.
            webhook_enabled: params::webhook_header(&parts.headers).unwrap_or(false),
            items,
        })
    }
}

/// The request as the front saw it; it has reached a handler now.
pub(crate) fn arrive(parts: &Parts) -> Result<Arc<Exchange>> {
    let exchange = parts
        .extensions
        .get::<Arc<Exchange>>()
        .cloned()
        .ok_or_else(|| Failure::code(20500))?;
    if let Some(route) = parts.extensions.get::<MatchedPath>() {
        let _ = exchange.route.set(route.clone());
    }
    Ok(exchange)
}

/// User and password of a Basic header.
fn basic(parts: &Parts) -> Option<(String, String)> {
    let (scheme, encoded) = parts.headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let mut name = String::from_utf8(BASE64.decode(encoded.trim()).ok()?).ok()?;
    let at = name.find(':')?;
    let secret = name.split_off(at + 1);
    name.truncate(at);
    Some((name, secret))
}
