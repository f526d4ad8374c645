//! The 2010-04-01 API (rest.md §9): dates in RFC 2822, list URIs relative to the host (B-886).

mod account;
mod key;
mod media;
mod message;
mod number;
mod period;
mod signing_key;

use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use confab_domain::subaccount;
use confab_types::{AccountSid, Sid};

use crate::kit::app::App;
use crate::kit::caller::Caller;
use crate::kit::exchange::Product;
use crate::kit::failure::{Failure, Result};
use crate::kit::openapi::Describe;
use crate::kit::routes::Routes;

/// All routes of the product.
pub(crate) fn routes() -> Routes {
    let mut routes = Routes::new(Product::Api);
    for resource in [
        account::routes,
        key::routes,
        signing_key::routes,
        number::routes,
        message::routes,
        media::routes,
    ] {
        resource(&mut routes);
    }
    routes
}

/// An authenticated request below the path of the caller's account or of one of its subaccounts (rest.md §1.2).
struct Owner {
    caller: Caller,
    account: AccountSid,
}

impl Deref for Owner {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl Owner {
    /// The account of the path.
    fn account(&self) -> AccountSid {
        self.account
    }

    /// The account of the caller.
    fn viewer(&self) -> AccountSid {
        self.caller.account()
    }

    /// A last path segment, `{Sid}.json`, without its extension. Without one the original speaks XML, which no client of
    /// today asks for.
    fn json_item(&self, name: &str) -> Result<&str> {
        self.item(name)?
            .strip_suffix(".json")
            .ok_or_else(|| Failure::code(20404))
    }

    /// The SID of a last path segment.
    fn json_sid<S: Sid>(&self, name: &str) -> Result<S> {
        S::parse(self.json_item(name)?).ok_or_else(|| Failure::code(20404))
    }

    /// The path of the account's resources.
    fn path(&self) -> String {
        format!("/2010-04-01/Accounts/{}", self.account)
    }
}

impl Describe for Owner {}

impl FromRequestParts<App> for Owner {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let named = match caller.find("AccountSid")? {
            Some(named) => named,
            None => caller
                .item("Sid")?
                .strip_suffix(".json")
                .ok_or_else(|| Failure::code(20404))?,
        };
        let account = AccountSid::parse(named).ok_or_else(|| Failure::code(20404))?;
        let viewer = caller.account();
        if account != viewer {
            // A key acts for its own account only.
            if caller.principal.credentials.key.is_some() {
                return Err(Failure::code(20404));
            }
            caller
                .read(move |tx| subaccount::fetch(tx, viewer, account))
                .await?;
        }
        Ok(Self { caller, account })
    }
}

/// Refuses API keys, which may not see accounts and keys (rest.md §1.2).
fn refuse_keys(caller: &Caller) -> Result<()> {
    match caller.principal.credentials.key {
        None => Ok(()),
        Some(_) => Err(confab_types::ApiError::new(20003).status(403).into()),
    }
}

/// As [`Owner`], with an account's own token.
struct Master(Owner);

impl Deref for Master {
    type Target = Owner;

    fn deref(&self) -> &Owner {
        &self.0
    }
}

impl Describe for Master {}

impl FromRequestParts<App> for Master {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let owner = Owner::from_request_parts(parts, app).await?;
        refuse_keys(&owner)?;
        Ok(Self(owner))
    }
}
