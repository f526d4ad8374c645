//! Monitor v1 (rest.md §12): the debugger's alerts. Its other resource, the log of what people did to the account, is
//! not there: nothing of it is kept.

mod alert;

use crate::kit::exchange::Product;
use crate::kit::routes::Routes;

/// All routes of the product.
pub(crate) fn routes() -> Routes {
    let mut routes = Routes::new(Product::Monitor);
    alert::routes(&mut routes);
    routes
}
