//! The Media Content Service (rest.md §3, realtime.md §6).

mod content;
mod media;
mod media_set;
mod metered;
mod scope;
mod service;
mod upload;

use confab_types::MediaSid;

use crate::kit::app::App;
use crate::kit::exchange::{Exchange, Product};
use crate::kit::failure::Result;
use crate::kit::routes::Routes;

/// All routes of the product.
pub(crate) fn routes() -> Routes {
    let mut routes = Routes::new(Product::Mcs);
    for resource in [service::routes, media::routes, media_set::routes] {
        resource(&mut routes);
    }
    routes
}

/// The routes of the media host, where temporary URLs lead.
pub(crate) fn content_routes() -> Routes {
    let mut routes = Routes::new(Product::Media);
    content::routes(&mut routes);
    routes
}

/// A fresh temporary URL (B-278), on the address by which the request came.
pub(crate) fn temporary_url(app: &App, exchange: &Exchange, media: MediaSid) -> Result<String> {
    let mut url = exchange.base_of(Product::Media);
    url.push_str(&app.library()?.links().sign(media, app.engine.now()));
    Ok(url)
}
