//! The files of a message of the log. There is one copy of a file: what a conversation has, the log shows as long as the
//! conversation keeps it; what no conversation took, the log keeps itself.

use confab_store::params;
use confab_types::{AccountSid, Cursor, Direction, KeyPart, MediaSid, Sid as _, Timestamp};

use super::{fetch, hold};
use crate::error::Error;
use crate::list::merge;
use crate::media::{self, Media};
use crate::sync::sid;
use crate::{Command, Cx, Order, Page, Result, Transaction, Window};

/// The column; NULL for none.
pub(super) fn write(media: &[MediaSid]) -> Option<String> {
    let sids: Vec<String> = media.iter().map(MediaSid::to_string).collect();
    (!sids.is_empty())
        .then(|| serde_json::to_string(&sids).ok())
        .flatten()
}

/// Reads the column.
pub(super) fn read(text: Option<String>) -> Result<Vec<MediaSid>> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let sids: Vec<String> = serde_json::from_str(&text).map_err(|error| {
        Error::Store(confab_store::Error::Decode(format!(
            "media of a message of the log: {error}"
        )))
    })?;
    sids.iter().map(|text| sid(text)).collect()
}

/// The files of a message that were stored in a span of time, in the order in which they came; a message has few.
///
/// # Errors
/// 404/20404 for the message, or the database's.
pub fn list_media(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    message: &str,
    (since, until): (Option<Timestamp>, Option<Timestamp>),
    now: Timestamp,
    window: &Window,
) -> Result<Page<Media>> {
    let entry = fetch(tx, account, message)?;
    let backwards = |cursor: &&Cursor| cursor.direction == Direction::Previous;
    let mut items = Vec::new();
    for one in entry.media {
        let here = match &window.cursor {
            None => true,
            Some(cursor) if backwards(&cursor) => vec![KeyPart::Text(one.to_string())] < cursor.key,
            Some(cursor) => vec![KeyPart::Text(one.to_string())] > cursor.key,
        };
        let found = if here { media::find(tx, one, now)? } else { None };
        items.extend(found.filter(|m| {
            since.is_none_or(|since| m.created_at >= since) && until.is_none_or(|until| m.created_at < until)
        }));
    }
    let page = Page {
        items,
        next: window.cursor.as_ref().filter(backwards).cloned(),
        previous: window.cursor.as_ref().filter(|c| !backwards(c)).cloned(),
    };
    let key = |media: &Media| vec![KeyPart::Text(media.sid.to_string())];
    Ok(merge(vec![page], key, Order::Ascending, window))
}

/// A file of a message.
///
/// # Errors
/// 404/20404, or the database's.
pub fn fetch_media(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    message: &str,
    media: &str,
    now: Timestamp,
) -> Result<Media> {
    let missing = || Error::code(20404);
    let entry = fetch(tx, account, message)?;
    let media = MediaSid::parse(media)
        .filter(|media| entry.media.contains(media))
        .ok_or_else(missing)?;
    media::find(tx, media, now)?.ok_or_else(missing)
}

/// Takes a file out of a message of the log. A conversation that has it keeps it.
#[derive(Clone, Debug)]
pub struct DeleteMedia {
    /// The account.
    pub account: AccountSid,
    /// SID of the message.
    pub message: String,
    /// SID of the file.
    pub media: MediaSid,
}

impl Command for DeleteMedia {
    type Output = ();

    /// # Errors
    /// 404/20404; 400/20009 while the message is on its way.
    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let mut entry = hold(tx, self.account, &self.message)?;
        if !entry.media.contains(&self.media) || media::find(tx, self.media, cx.now)?.is_none() {
            return Err(Error::code(20404));
        }
        if !entry.status.is_finished() {
            return Err(Error::code(20009));
        }
        entry.media.retain(|one| *one != self.media);
        tx.push(
            "UPDATE message_log SET media = $2, updated_at = $3 WHERE sid = $1",
            params![&entry.sid, write(&entry.media), cx.now.0],
        )?;
        media::remove_of_log(tx, cx, &entry.sid, &[self.media])
    }
}
