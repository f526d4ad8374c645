//! The configuration of a service (rest.md §2.15).

use confab_domain::service::{self, Service};
use confab_types::{RoleSid, ServiceSid};
use schemars::JsonSchema;
use serde::Serialize;

use super::scope::Scope;
use crate::kit::failure::Result;
use crate::kit::input::{Bool, Input, SidText, input};
use crate::kit::render::{Found, Links, reply};
use crate::kit::routes::{Routes, get, post};

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/v1/Services/{ChatServiceSid}/Configuration",
        [
            get("FetchServiceConfiguration", fetch),
            post("UpdateServiceConfiguration", update),
        ],
    );
}

async fn fetch(scope: Scope) -> Result<Found<View>> {
    let (account, sid) = (scope.account(), scope.service);
    let found = scope.read(move |tx| service::fetch(tx, account, sid)).await?;
    Ok(reply(&view(&scope, found)))
}

input! {
    /// What may change of a configuration.
    struct Changes {
        conversation_creator_role: SidText<RoleSid> = "DefaultConversationCreatorRoleSid",
        conversation_role: SidText<RoleSid> = "DefaultConversationRoleSid",
        service_role: SidText<RoleSid> = "DefaultChatServiceRoleSid",
        reachability_enabled: Bool = "ReachabilityEnabled",
    }
}

async fn update(scope: Scope, Input(changes): Input<Changes>) -> Result<Found<View>> {
    let command = service::Configure {
        account: scope.account(),
        service: scope.service,
        conversation_creator_role: changes.conversation_creator_role,
        conversation_role: changes.conversation_role,
        service_role: changes.service_role,
        reachability_enabled: changes.reachability_enabled,
    };
    let changed = scope.execute(command).await?;
    Ok(reply(&view(&scope, changed)))
}

fn view(scope: &Scope, service: Service) -> View {
    let url = format!("{}/Configuration", scope.root);
    View {
        chat_service_sid: service.sid,
        default_conversation_creator_role_sid: service.conversation_creator_role,
        default_conversation_role_sid: service.conversation_role,
        default_chat_service_role_sid: service.service_role,
        reachability_enabled: service.reachability_enabled,
        url: url.clone(),
        links: Links {
            url,
            below: &[("notifications", "/Notifications"), ("webhooks", "/Webhooks")],
        },
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    chat_service_sid: ServiceSid,
    default_conversation_creator_role_sid: RoleSid,
    default_conversation_role_sid: RoleSid,
    default_chat_service_role_sid: RoleSid,
    reachability_enabled: bool,
    url: String,
    links: Links,
}
