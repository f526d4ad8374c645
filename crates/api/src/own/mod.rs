//! What this server has and the original does not: its clock, its log of webhooks.

mod clock;
mod webhook_delivery;

use crate::kit::exchange::Product;
use crate::kit::routes::Routes;

/// All routes under `/confab`.
pub(crate) fn routes() -> Routes {
    let mut routes = Routes::new(Product::Own);
    clock::routes(&mut routes);
    webhook_delivery::routes(&mut routes);
    routes
}
