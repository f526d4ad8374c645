//! Monitor v1 (rest.md §12): the debugger's alerts, and the log of what people did to the account.

mod alert;
mod event;

use crate::kit::exchange::Product;
use crate::kit::routes::Routes;

/// All routes of the product.
pub(crate) fn routes() -> Routes {
    let mut routes = Routes::new(Product::Monitor);
    alert::routes(&mut routes);
    event::routes(&mut routes);
    routes
}
