//! Messaging v1 (rest.md §8): messaging services and their numbers.

mod phone_number;
mod service;

use crate::kit::exchange::Product;
use crate::kit::routes::Routes;

/// All routes of the product.
pub(crate) fn routes() -> Routes {
    let mut routes = Routes::new(Product::Messaging);
    for resource in [service::routes, phone_number::routes] {
        resource(&mut routes);
    }
    routes
}
