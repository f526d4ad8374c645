//! Alerts (rest.md §12): what went wrong where no caller could be told, as the debugger of the original lists it.

use std::fmt::Write as _;

use confab_store::{Row, params};
use confab_types::{AccountSid, AlertSid, KeyPart, ServiceSid, Timestamp, alert_text};

use crate::endpoint::Method;
use crate::error::Error;
use crate::list::{Bound, Listing};
use crate::sync::sid;
use crate::{Command, Cx, Effect, Order, Page, Result, Transaction, Window};

/// Code of a webhook's answer that says no, or of none for want of a connection.
pub const FAILED: i64 = 11200;
/// Code of events that did not reach a sink.
pub const UNDELIVERED: i64 = 93101;

/// How long an alert is kept and shown, seconds.
const KEPT: i64 = 30 * 24 * 3600;
/// Alerts that one new alert takes away at most, so that no transaction is held up by them.
const PRUNED: i64 = 20;

/// Bytes at most of what an alert keeps of a call; the rest is cut off.
const VARIABLES_BYTES: usize = 16 * 1024;
const HEADERS_BYTES: usize = 4 * 1024;
const BODY_BYTES: usize = 1024;
const URL_BYTES: usize = 4 * 1024;
const TEXT_BYTES: usize = 1024;
const RESOURCE_BYTES: usize = 64;

/// Headers whose values open doors; they are kept without.
const SECRET_HEADERS: [&str; 5] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-twilio-token",
];
const HIDDEN: &str = "***";

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something was not done.
    Error,
    /// It was done in another way than it was asked for.
    Warning,
    /// Somebody may want to know.
    Notice,
    /// Of use when something is looked for.
    Debug,
}

impl Level {
    /// All levels.
    pub const ALL: [Self; 4] = [Self::Error, Self::Warning, Self::Notice, Self::Debug];

    /// The word of the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
            Self::Debug => "debug",
        }
    }

    /// Reads the word of the API.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == word)
    }
}

/// Something that went wrong. Whatever is too long for an alert is cut when it is recorded.
#[derive(Clone, Debug)]
pub struct NewAlert {
    /// Whose alert it is.
    pub account: AccountSid,
    /// The service in which it happened.
    pub service: Option<ServiceSid>,
    /// SID of what it happened to.
    pub resource: Option<String>,
    /// A code of the public catalogue.
    pub error_code: i64,
    /// How bad it is.
    pub level: Level,
    /// What happened; passwords in URLs are hidden.
    pub text: String,
    /// Where more is said, if that is not the catalogue's page on the code.
    pub more_info: Option<String>,
    /// The call that went wrong.
    pub request: Option<Request>,
    /// What came back.
    pub response: Option<Response>,
}

impl NewAlert {
    /// An alert with the catalogue's text on its code.
    #[must_use]
    pub fn new(account: AccountSid, level: Level, error_code: i64) -> Self {
        Self {
            account,
            service: None,
            resource: None,
            error_code,
            level,
            text: alert_text(error_code).into(),
            more_info: None,
            request: None,
            response: None,
        }
    }

    /// The same alert with more words behind its text.
    #[must_use]
    pub fn because(mut self, what: impl std::fmt::Display) -> Self {
        // Writing to a text does not fail.
        let _ = write!(self.text, ": {what}");
        self
    }
}

/// A call that the server made.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its method.
    pub method: Method,
    /// Its URL, of which name and password are not kept.
    pub url: String,
    /// Its parameters as they were sent: a form, or a JSON text.
    pub variables: String,
    /// Names and values; those that open doors are not kept.
    pub headers: Vec<(String, String)>,
}

/// The answer to a call.
#[derive(Clone, Debug)]
pub struct Response {
    /// HTTP status; it is told in the alert's text.
    pub status: u16,
    /// Names and values; those that open doors are not kept.
    pub headers: Vec<(String, String)>,
    /// The beginning of its body as text.
    pub body: String,
}

/// Writes an alert down in the transaction of what went wrong, to be told in the log after the commit.
///
/// # Errors
/// The database's.
pub(crate) fn record(tx: &mut Transaction<'_>, cx: &mut Cx<'_>, alert: &NewAlert) -> Result<AlertSid> {
    let new: AlertSid = cx.sid();
    let (request, response) = (alert.request.as_ref(), alert.response.as_ref());
    let mut text = without_passwords(&alert.text);
    if let Some(response) = response {
        let _ = write!(text, " (HTTP status {})", response.status);
    }
    let resource = alert.resource.as_deref().map(|r| cut(r, RESOURCE_BYTES));
    tx.push(
        "INSERT INTO alert (sid, account_sid, service_sid, resource_sid, error_code, log_level, alert_text, \
         more_info, request_method, request_url, request_variables, request_headers, response_headers, \
         response_body, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        params![
            new.to_string(),
            alert.account.to_string(),
            alert.service.map(|s| s.to_string()),
            &resource,
            alert.error_code,
            alert.level.name(),
            cut(&text, TEXT_BYTES),
            alert.more_info.as_deref().map(|url| cut(url, TEXT_BYTES)),
            request.map(|r| r.method.upper()),
            request.map(|r| cut(&without_passwords(&r.url), URL_BYTES)),
            request.map(|r| cut(&r.variables, VARIABLES_BYTES)),
            request.map(|r| written(&r.headers)),
            response.map(|r| written(&r.headers)),
            response.map(|r| cut(&r.body, BODY_BYTES)),
            cx.now.0
        ],
    )?;
    // Each new one makes room, so that there is nothing to keep going while nothing goes wrong.
    tx.push(
        "DELETE FROM alert WHERE sid IN \
         (SELECT sid FROM alert WHERE created_at < $1 ORDER BY created_at LIMIT $2 {skip_locked})",
        params![oldest_shown(cx.now).0, PRUNED],
    )?;
    cx.emit(Effect::Alerted {
        account: alert.account,
        error_code: alert.error_code,
        level: alert.level,
        resource,
    });
    Ok(new)
}

/// Tells of more in an alert that was recorded.
pub(crate) fn reword(tx: &mut Transaction<'_>, alert: AlertSid, text: &str) -> Result<()> {
    tx.push(
        "UPDATE alert SET alert_text = $2 WHERE sid = $1",
        params![alert.to_string(), cut(&without_passwords(text), TEXT_BYTES)],
    )?;
    Ok(())
}

/// Writes an alert down on its own: for what goes wrong outside a transaction.
#[derive(Clone, Debug)]
pub struct Record(pub NewAlert);

impl Command for Record {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        record(tx, cx, &self.0).map(drop)
    }
}

/// The beginning of a text, of at most so many bytes and without NUL, which no row can have.
fn cut(text: &str, most: usize) -> String {
    // What stands for a NUL takes more bytes than it.
    let mut kept = text[..text.floor_char_boundary(most)].replace('\0', "\u{fffd}");
    kept.truncate(kept.floor_char_boundary(most));
    kept
}

/// Headers as a form, as the original shows them.
fn written(headers: &[(String, String)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in headers {
        let secret = SECRET_HEADERS.iter().any(|s| name.eq_ignore_ascii_case(s));
        form.append_pair(name, if secret { HIDDEN } else { value });
    }
    cut(&form.finish(), HEADERS_BYTES)
}

/// A text with the passwords of all URLs in it hidden. A name without password is hidden as well: it is often a token.
#[must_use]
pub fn without_passwords(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, behind) = rest.split_at(at + 3);
        out.push_str(before);
        let ends = |c: char| matches!(c, '/' | '?' | '#' | '"' | '<' | '>') || c.is_whitespace();
        let authority = &behind[..behind.find(ends).unwrap_or(behind.len())];
        rest = behind;
        if let Some((user, _)) = authority.rsplit_once('@') {
            if let Some((name, _)) = user.split_once(':') {
                out.push_str(name);
                out.push(':');
            }
            out.push_str(HIDDEN);
            rest = &behind[user.len()..];
        }
    }
    out.push_str(rest);
    out
}

/// An alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Its SID.
    pub sid: AlertSid,
    /// Its account.
    pub account: AccountSid,
    /// The service in which it happened.
    pub service: Option<String>,
    /// SID of what it happened to.
    pub resource: Option<String>,
    /// A code of the public catalogue.
    pub error_code: i64,
    /// A word of [`Level`].
    pub level: String,
    /// What happened.
    pub text: String,
    /// Where more is said, if that is not the catalogue's page on the code.
    pub more_info: Option<String>,
    /// Method of the call that went wrong.
    pub request_method: Option<String>,
    /// Its URL.
    pub request_url: Option<String>,
    /// Its parameters, of one that is fetched alone.
    pub request_variables: Option<String>,
    /// Its headers as a form, of one that is fetched alone.
    pub request_headers: Option<String>,
    /// Headers of the answer as a form, of one that is fetched alone.
    pub response_headers: Option<String>,
    /// The beginning of the answer's body, of one that is fetched alone.
    pub response_body: Option<String>,
    /// When it happened.
    pub created_at: Timestamp,
}

macro_rules! columns {
    () => {
        "sid, account_sid, service_sid, resource_sid, error_code, log_level, alert_text, more_info, \
         request_method, request_url, created_at"
    };
}

fn read(mut row: Row) -> Result<Alert> {
    read_from(&mut row)
}

fn read_from(row: &mut Row) -> Result<Alert> {
    Ok(Alert {
        sid: sid(&row.text()?)?,
        account: sid(&row.text()?)?,
        service: row.opt_text()?,
        resource: row.opt_text()?,
        error_code: row.int()?,
        level: row.text()?,
        text: row.text()?,
        more_info: row.opt_text()?,
        request_method: row.opt_text()?,
        request_url: row.opt_text()?,
        created_at: Timestamp(row.int()?),
        request_variables: None,
        request_headers: None,
        response_headers: None,
        response_body: None,
    })
}

fn oldest_shown(now: Timestamp) -> Timestamp {
    now.plus_seconds(-KEPT)
}

/// An alert of an account with what is known of its call.
///
/// # Errors
/// 404/20404, also for one that is older than thirty days; or the database's.
pub fn fetch(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    alert: AlertSid,
    now: Timestamp,
) -> Result<Alert> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            ", request_variables, request_headers, response_headers, response_body \
             FROM alert WHERE sid = $1 AND account_sid = $2"
        ),
        params![alert.to_string(), account.to_string()],
    )?;
    let mut row = row.ok_or_else(|| Error::code(20404))?;
    let found = read_from(&mut row)?;
    if found.created_at < oldest_shown(now) {
        return Err(Error::code(20404));
    }
    Ok(Alert {
        request_variables: row.opt_text()?,
        request_headers: row.opt_text()?,
        response_headers: row.opt_text()?,
        response_body: row.opt_text()?,
        ..found
    })
}

/// Which alerts a list shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Of this level.
    pub level: Option<Level>,
    /// At or after this moment.
    pub from: Option<Timestamp>,
    /// At or before the second of this moment: alerts show seconds, and one is found by the date that it shows.
    pub to: Option<Timestamp>,
}

/// A page of an account's alerts in either direction. A plus sign keeps the bound that is not needed in that direction
/// away from the choice of an index.
macro_rules! page {
    (after, $of:literal, $created:literal, $sid:literal, $rows:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM alert WHERE account_sid = $1 AND +created_at >= $2 AND created_at <= $3 ",
            $of,
            "AND (created_at, sid) > (",
            $created,
            ", ",
            $sid,
            ") ORDER BY created_at, sid LIMIT ",
            $rows
        )
    };
    (before, $of:literal, $created:literal, $sid:literal, $rows:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM alert WHERE account_sid = $1 AND created_at >= $2 AND +created_at <= $3 ",
            $of,
            "AND (created_at, sid) < (",
            $created,
            ", ",
            $sid,
            ") ORDER BY created_at DESC, sid DESC LIMIT ",
            $rows
        )
    };
}

/// The alerts of an account that are not older than thirty days, newest first.
///
/// # Errors
/// The database's.
pub fn list(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    filter: &Filter,
    now: Timestamp,
    window: &Window,
) -> Result<Page<Alert>> {
    let from = filter
        .from
        .map_or(oldest_shown(now), |from| from.max(oldest_shown(now)));
    let to = filter
        .to
        .map_or(i64::MAX, |to| to.0 - to.0.rem_euclid(1_000_000) + 999_999);
    let account = account.to_string();
    let (ascending, descending, params) = match filter.level {
        None => (
            page!(after, "", "$4", "$5", "$6"),
            page!(before, "", "$4", "$5", "$6"),
            params![account, from.0, to].to_vec(),
        ),
        Some(level) => (
            page!(after, "AND log_level = $4 ", "$5", "$6", "$7"),
            page!(before, "AND log_level = $4 ", "$5", "$6", "$7"),
            params![account, from.0, to, level.name()].to_vec(),
        ),
    };
    Listing {
        ascending,
        descending,
        params,
        bounds: &[Bound::Int, Bound::Text],
        // The range bounds where a list starts; past its first page the key does.
        edge: Some(KeyPart::Int(to)),
        read,
        key: |alert| {
            vec![
                KeyPart::Int(alert.created_at.0),
                KeyPart::Text(alert.sid.to_string()),
            ]
        },
    }
    .page(tx, Order::Descending, window)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_urls_are_hidden() {
        for (text, shown) in [
            ("https://example.com/a@b", "https://example.com/a@b"),
            (
                "https://user:secret@example.com/",
                "https://user:***@example.com/",
            ),
            ("https://token@example.com", "https://***@example.com"),
            ("https://:secret@example.com", "https://:***@example.com"),
            ("http://u:p@ss:w@host:80?x=1", "http://u:***@host:80?x=1"),
            (
                "error for http://a:b@c/d then https://e:f@g (no route)",
                "error for http://a:***@c/d then https://e:***@g (no route)",
            ),
            ("mail bob@example.com", "mail bob@example.com"),
            ("://", "://"),
            ("", ""),
        ] {
            assert_eq!(without_passwords(text), shown, "{text}");
        }
    }

    #[test]
    fn texts_are_cut_at_a_character() {
        assert_eq!(cut("aé", 3), "aé");
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("a\0b", 9), "a\u{fffd}b");
        assert_eq!(cut("a\0b", 3), "a");
        assert_eq!(cut("", 0), "");
    }

    #[test]
    fn headers_that_open_doors_are_kept_without_their_value() {
        let headers = [("Content-Type", "text/plain; a=b"), ("AUTHORIZATION", "Basic x")];
        let headers: Vec<_> = headers.map(|(n, v)| (n.to_owned(), v.to_owned())).into();
        assert_eq!(
            written(&headers),
            "Content-Type=text%2Fplain%3B+a%3Db&AUTHORIZATION=***"
        );
    }

    #[test]
    fn levels_are_read_as_they_are_written() {
        for level in Level::ALL {
            assert_eq!(Level::parse(level.name()), Some(level));
        }
        assert_eq!(Level::parse("ERROR"), None);
    }
}
