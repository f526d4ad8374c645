//! Content v1 and v2 (rest.md §7), the only product that takes JSON.

mod approval;
mod legacy;
mod template;
mod templates_v2;
mod with_approval;

use crate::kit::exchange::Product;
use crate::kit::routes::Routes;

/// All routes of the product.
pub(crate) fn routes() -> Routes {
    let mut routes = Routes::new(Product::Content);
    for resource in [
        template::routes,
        approval::routes,
        with_approval::routes,
        legacy::routes,
        templates_v2::routes,
    ] {
        resource(&mut routes);
    }
    routes
}
