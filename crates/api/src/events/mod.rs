//! Event Streams v1 (rest.md §11): sinks, subscriptions, and the types of events with their schemas.

mod event_type;
mod raw_schema;
mod schema;
mod sink;
mod subscribed_event;
mod subscription;

use crate::kit::exchange::Product;
use crate::kit::routes::Routes;

/// All routes of the product.
pub(crate) fn routes() -> Routes {
    let mut routes = Routes::new(Product::Events);
    for resource in [
        sink::routes,
        subscription::routes,
        subscribed_event::routes,
        event_type::routes,
        schema::routes,
    ] {
        resource(&mut routes);
    }
    routes
}

/// The schemas themselves, which have a host of their own.
pub(crate) fn schema_routes() -> Routes {
    let mut routes = Routes::new(Product::EventsSchemas);
    raw_schema::routes(&mut routes);
    routes
}
