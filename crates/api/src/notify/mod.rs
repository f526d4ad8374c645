//! Notify v1 (rest.md §4).

mod binding;
mod notification;
mod segment;
mod service;
mod user;

use confab_domain::{Page, Transaction};
use confab_types::ServiceSid;

use crate::kit::caller::Caller;
use crate::kit::exchange::Product;
use crate::kit::failure::Result;
use crate::kit::paging::{Paging, Rows};
use crate::kit::routes::Routes;

/// All routes of the product.
pub(crate) fn routes() -> Routes {
    let mut routes = Routes::new(Product::Notify);
    for resource in [
        service::routes,
        notification::routes,
        binding::routes,
        user::routes,
        segment::routes,
    ] {
        resource(&mut routes);
    }
    routes
}

/// The rows below a service of what this server has none of yet: the service must be there, and a page token real.
fn none_below(
    caller: &Caller,
    what: &str,
) -> Result<impl FnMut(&mut Transaction<'_>, &Paging) -> confab_domain::Result<Rows<Never>> + Send + use<>> {
    let account = caller.account();
    let service: ServiceSid = caller.sid("ServiceSid")?;
    let url = format!("{}/v1/Services/{service}/{what}", caller.exchange.base);
    Ok(move |tx: &mut Transaction<'_>, paging: &Paging| {
        confab_domain::notify::service::fetch(tx, account, service)?;
        paging.window(&url)?;
        Ok((url.clone(), Page::default()))
    })
}

/// A row that there is none of.
enum Never {}
