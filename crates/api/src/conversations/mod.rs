//! Conversations v1 (rest.md §2).

mod account_webhook;
mod address_configuration;
mod binding;
mod configuration;
mod conversation;
mod conversation_with_participants;
mod credential;
mod message;
mod participant;
mod participant_conversation;
mod receipt;
mod role;
mod scope;
mod service;
mod service_configuration;
mod service_notification;
mod service_webhook;
mod user;
mod user_conversation;
mod webhook;

use crate::kit::exchange::Product;
use crate::kit::routes::{Endpoint, Routes};

/// All routes of the product.
pub(crate) fn routes() -> Routes {
    let mut routes = Routes::new(Product::Conversations);
    for resource in [
        configuration::routes,
        account_webhook::routes,
        address_configuration::routes,
        service::routes,
        service_configuration::routes,
        service_notification::routes,
        service_webhook::routes,
        binding::routes,
        credential::routes,
        role::routes,
        conversation::routes,
        conversation_with_participants::routes,
        participant::routes,
        participant_conversation::routes,
        message::routes,
        receipt::routes,
        user::routes,
        webhook::routes,
        user_conversation::routes,
    ] {
        resource(&mut routes);
    }
    routes
}

/// Registers a path in its short form and in that of a named service; [`scope::Scope`] tells them apart. The operation
/// ids of the latter have `Service` after their verb.
fn both<const N: usize>(routes: &mut Routes, path: &str, endpoints: [Endpoint; N]) {
    routes.at(&format!("/v1{path}"), endpoints.clone());
    let scoped = endpoints.map(|endpoint| endpoint.renamed(in_service));
    routes.at(&format!("/v1/Services/{{ChatServiceSid}}{path}"), scoped);
}

fn in_service(id: &str) -> String {
    let verb = id
        .char_indices()
        .skip(1)
        .find(|(_, c)| c.is_ascii_uppercase())
        .map_or(id.len(), |(at, _)| at);
    format!("{}Service{}", &id[..verb], &id[verb..])
}
