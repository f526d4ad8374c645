//! Chat v2 and v3 (rest.md §5, §6): conversation services under the names that they had before.

mod binding;
mod channel;
mod channel_v3;
mod member;
mod message;
mod role;
mod scope;
mod service;
mod user;

use crate::kit::exchange::Product;
use crate::kit::routes::Routes;

/// All routes of the product.
pub(crate) fn routes() -> Routes {
    let mut routes = Routes::new(Product::Chat);
    for resource in [
        service::routes,
        channel::routes,
        channel_v3::routes,
        member::routes,
        message::routes,
        role::routes,
        user::routes,
        binding::routes,
    ] {
        resource(&mut routes);
    }
    routes
}
