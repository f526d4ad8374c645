//! What this server has and the original does not: its clock, its log of webhooks.

mod clock;

use crate::kit::exchange::Product;
use crate::kit::routes::Routes;

/// All routes under `/confab`.
pub(crate) fn routes() -> Routes {
    let mut routes = Routes::new(Product::Own);
    clock::routes(&mut routes);
    routes
}
