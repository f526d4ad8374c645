//! Credentials of push services (rest.md §2.19). Secrets go in and never come out (B-070).

use confab_domain::credential::{self, Credential, CredentialType};
use confab_engine::{CredentialFields, Parts};
use confab_types::{AccountSid, CredentialSid};
use schemars::JsonSchema;
use serde::Serialize;

use crate::kit::caller::Caller;
use crate::kit::failure::Result;
use crate::kit::input::{AnyCase, Bool, Input, Required, Text, input, words};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Created, Deleted, Found, Iso, reply};
use crate::kit::routes::{Routes, delete, get, post};

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/v1/Credentials",
        [get("ListCredential", list), post("CreateCredential", create)],
    );
    routes.at(
        "/v1/Credentials/{Sid}",
        [
            get("FetchCredential", fetch),
            post("UpdateCredential", update),
            delete("DeleteCredential", remove),
        ],
    );
}

words! {
    /// A push service.
    Types: "apn", "gcm", "fcm"
}

input! {
    /// A new credential.
    struct New {
        kind: Required<AnyCase<Types>> = "Type",
        friendly_name: Text = "FriendlyName",
        certificate: Text = "Certificate",
        private_key: Text = "PrivateKey",
        sandbox: Bool = "Sandbox",
        api_key: Text = "ApiKey",
        secret: Text = "Secret",
    }
}

async fn create(caller: Caller, Input(new): Input<New>) -> Result<Created<View>> {
    let kind = CredentialType::parse(&new.kind, "Type")?;
    let fields = CredentialFields {
        friendly_name: new.friendly_name,
        sandbox: new.sandbox,
        parts: Parts {
            certificate: new.certificate,
            private_key: new.private_key,
            api_key: new.api_key,
            secret: new.secret,
        },
    };
    let engine = &caller.app.engine;
    let made = engine
        .create_credential(caller.origin(), caller.account(), kind, fields)
        .await?;
    Ok(reply(&view(&caller, made)))
}

async fn fetch(caller: Caller) -> Result<Found<View>> {
    let (account, sid) = (caller.account(), caller.sid("Sid")?);
    let found = caller.read(move |tx| credential::fetch(tx, account, sid)).await?;
    Ok(reply(&view(&caller, found)))
}

input! {
    /// What may change of a credential.
    struct Changes {
        kind: AnyCase<Types> = "Type",
        friendly_name: Text = "FriendlyName",
        certificate: Text = "Certificate",
        private_key: Text = "PrivateKey",
        sandbox: Bool = "Sandbox",
        api_key: Text = "ApiKey",
        secret: Text = "Secret",
    }
}

async fn update(caller: Caller, Input(changes): Input<Changes>) -> Result<Found<View>> {
    let kind = match &changes.kind {
        Some(word) => Some(CredentialType::parse(word, "Type")?),
        None => None,
    };
    let fields = CredentialFields {
        friendly_name: changes.friendly_name,
        sandbox: changes.sandbox,
        parts: Parts {
            certificate: changes.certificate,
            private_key: changes.private_key,
            api_key: changes.api_key,
            secret: changes.secret,
        },
    };
    let (engine, sid) = (&caller.app.engine, caller.sid("Sid")?);
    let changed = engine
        .update_credential(caller.origin(), caller.account(), sid, kind, fields)
        .await?;
    Ok(reply(&view(&caller, changed)))
}

async fn remove(caller: Caller) -> Result<Deleted> {
    let command = credential::Delete {
        account: caller.account(),
        credential: caller.sid("Sid")?,
    };
    caller.execute(command).await?;
    Ok(Deleted)
}

async fn list(caller: Caller, query: Paged<(), 100>) -> Result<Listed<View>> {
    let account = caller.account();
    let url = format!("{}/v1/Credentials", caller.exchange.base);
    query
        .paging
        .list(
            &caller,
            move |tx, paging| {
                let page = credential::list(tx, account, &paging.window(&url)?)?;
                Ok((url.clone(), page))
            },
            |row| view(&caller, row),
        )
        .await
}

fn view(caller: &Caller, credential: Credential) -> View {
    View {
        sid: credential.sid,
        account_sid: credential.account,
        friendly_name: credential.friendly_name,
        kind: Types(credential.kind.name()),
        sandbox: credential.sandbox.map(|on| if on { "True" } else { "False" }),
        date_created: Iso(credential.created_at),
        date_updated: Iso(credential.updated_at),
        url: format!("{}/v1/Credentials/{}", caller.exchange.base, credential.sid),
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    sid: CredentialSid,
    account_sid: AccountSid,
    friendly_name: Option<String>,
    #[serde(rename = "type")]
    kind: Types,
    /// A text, not a boolean.
    sandbox: Option<&'static str>,
    date_created: Iso,
    date_updated: Iso,
    url: String,
}

impl InList for View {
    const KEY: &'static str = "credentials";
}
