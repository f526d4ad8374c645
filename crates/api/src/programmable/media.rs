//! The files of a message of Programmable Messaging.

use axum::response::{IntoResponse, Response};
use confab_domain::media::Media;
use confab_domain::message_log;
use confab_types::{AccountSid, MediaSid};
use schemars::JsonSchema;
use serde::Serialize;

use super::Owner;
use super::period::{self, Date, On, Since, Until};
use crate::kit::failure::{Failure, Result};
use crate::kit::input::input;
use crate::kit::openapi::{Components, Describe, Operation};
use crate::kit::paging::{InList, ListedUris, Paged};
use crate::kit::render::{Deleted, Found, Redirect, Rfc2822, reply};
use crate::kit::routes::{Routes, delete, get};
use crate::mcs::temporary_url;

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/2010-04-01/Accounts/{AccountSid}/Messages/{MessageSid}/Media.json",
        [get("ListMedia", list)],
    );
    routes.at(
        "/2010-04-01/Accounts/{AccountSid}/Messages/{MessageSid}/Media/{Sid}.json",
        [get("FetchMedia", fetch), delete("DeleteMedia", remove)],
    );
}

/// The SID of the message.
fn message(owner: &Owner) -> Result<String> {
    message_log::canonical(owner.item("MessageSid")?).ok_or_else(|| Failure::code(20404))
}

/// The record under `{Sid}.json`; under `{Sid}` the way to the bytes: apps cut the extension off the `uri`.
enum Answer {
    Record(Found<View>),
    Content(Redirect),
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Record(found) => found.into_response(),
            Self::Content(redirect) => redirect.into_response(),
        }
    }
}

impl Describe for Answer {
    fn describe(operation: &mut Operation, components: &mut Components) {
        Found::<View>::describe(operation, components);
        Redirect::describe(operation, components);
    }
}

async fn fetch(owner: Owner) -> Result<Answer> {
    let (account, of) = (owner.account(), message(&owner)?);
    let item = owner.item("Sid")?;
    let (key, is_record) = match item.strip_suffix(".json") {
        Some(key) => (key.to_owned(), true),
        None => (item.to_owned(), false),
    };
    let (now, message) = (owner.app.engine.now(), of.clone());
    let found = owner
        .read(move |tx| message_log::fetch_media(tx, account, &message, &key, now))
        .await?;
    if is_record {
        return Ok(Answer::Record(reply(&view(&owner, &of, found))));
    }
    let url = temporary_url(&owner.app, &owner.exchange, found.sid)?;
    Ok(Answer::Content(Redirect::to(url)?))
}

async fn remove(owner: Owner) -> Result<Deleted> {
    let command = message_log::DeleteMedia {
        account: owner.account(),
        message: message(&owner)?,
        media: owner.json_sid("Sid")?,
    };
    owner.execute(command).await?;
    Ok(Deleted)
}

input! {
    /// Filters of the list.
    struct Filters {
        created_on: Date<On> = "DateCreated",
        created_until: Date<Until> = "DateCreated<",
        created_since: Date<Since> = "DateCreated>",
    }
}

async fn list(owner: Owner, query: Paged<Filters, 1000>) -> Result<ListedUris<View>> {
    let (account, of) = (owner.account(), message(&owner)?);
    let url = format!("{}/Messages/{of}/Media.json", owner.path());
    let filters = query.filters;
    let created = period::period([filters.created_on, filters.created_until, filters.created_since]);
    let (now, message) = (owner.app.engine.now(), of.clone());
    query
        .paging
        .list_uris(
            &owner,
            move |tx, paging| {
                let window = paging.window(&url)?;
                let page = message_log::list_media(tx, account, &message, created, now, &window)?;
                Ok((url.clone(), page))
            },
            |row| view(&owner, &of, row),
        )
        .await
}

fn view(owner: &Owner, message: &str, media: Media) -> View {
    View {
        account_sid: media.account,
        content_type: media.content_type,
        date_created: Rfc2822(media.created_at),
        date_updated: Rfc2822(media.attached_at.unwrap_or(media.stored_at)),
        parent_sid: message.to_owned(),
        sid: media.sid,
        uri: format!("{}/Messages/{message}/Media/{}.json", owner.path(), media.sid),
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    account_sid: AccountSid,
    content_type: String,
    date_created: Rfc2822,
    date_updated: Rfc2822,
    parent_sid: String,
    sid: MediaSid,
    uri: String,
}

impl InList for View {
    const KEY: &'static str = "media_list";
}
