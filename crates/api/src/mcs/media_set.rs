//! Several records at once (B-287).

use confab_domain::{Error, media};
use confab_types::{ApiError, MediaSid, Sid as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::media::{View, view};
use super::scope::Scope;
use crate::kit::failure::Result;
use crate::kit::input::Json;
use crate::kit::render::{Found, reply};
use crate::kit::routes::{Routes, post};

/// Media of one request at most.
const MOST: usize = 100;

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/v1/Services/{ServiceSid}/MediaSet",
        [post("FetchMediaSet", fetch)],
    );
}

#[derive(Deserialize, JsonSchema)]
struct Asked {
    /// Always `get`.
    command: String,
    list: Vec<AskedOne>,
}

#[derive(Deserialize, JsonSchema)]
struct AskedOne {
    media_sid: String,
}

async fn fetch(scope: Scope, Json(asked): Json<Asked>) -> Result<Found<Records>> {
    if asked.command != "get" {
        return Err(ApiError::invalid("command").into());
    }
    if asked.list.len() > MOST {
        return Err(ApiError::invalid("list").into());
    }
    let sids: Vec<String> = asked.list.into_iter().map(|one| one.media_sid).collect();
    // What has not the form of a SID is a mistake of the caller, not a medium that is gone.
    if sids.iter().any(|sid| MediaSid::parse(sid).is_none()) {
        return Err(ApiError::invalid("media_sid").into());
    }
    let (actor, service, now) = (scope.actor.clone(), scope.service, scope.app.engine.now());
    let found = scope
        .read(move |tx| {
            let mut found = Vec::with_capacity(sids.len());
            for sid in &sids {
                // A refusal is one of the answers; a database that fails ends the whole.
                match media::fetch(tx, &actor, service, sid, now) {
                    Err(Error::Api(refused)) => found.push(Err((sid.clone(), refused.status))),
                    other => found.push(Ok(other?)),
                }
            }
            Ok(found)
        })
        .await?;
    let mut records = Vec::with_capacity(found.len());
    for one in found {
        records.push(match one {
            Ok(media) => Record {
                code: 200,
                media_record: MediaRecord::Known(Box::new(view(&scope, media)?)),
            },
            Err((sid, code)) => Record {
                code,
                media_record: MediaRecord::Unknown { sid },
            },
        });
    }
    Ok(reply(&Records(records)))
}

/// In the order of the request.
#[derive(Serialize, JsonSchema)]
struct Records(Vec<Record>);

#[derive(Serialize, JsonSchema)]
struct Record {
    /// An HTTP status.
    code: u16,
    media_record: MediaRecord,
}

#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum MediaRecord {
    Known(Box<View>),
    Unknown { sid: String },
}
