//! The numbers that a messaging service sends from (rest.md §8, its PhoneNumbers).

use confab_store::params;
use confab_types::{AccountSid, MessagingServiceSid, NumberSid};
use serde_json::json;

use crate::audit::{self, Kind, Subject};
use crate::error::Error;
use crate::list::{Bound, Listing};
use crate::number::{Number, columns, key, read};
use crate::{Command, Cx, Order, Page, Result, Transaction, Window, messaging_service, number};

/// A number of a messaging service.
///
/// # Errors
/// 404/20404, or the database's.
pub fn fetch(tx: &mut Transaction<'_>, service: MessagingServiceSid, number: NumberSid) -> Result<Number> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM number WHERE sid = $1 AND messaging_service_sid = $2"
        ),
        params![number.to_string(), service.to_string()],
    )?;
    row.map(read).transpose()?.ok_or_else(|| Error::code(20404))
}

/// The numbers of a messaging service, by SID.
///
/// # Errors
/// The database's.
pub fn list(tx: &mut Transaction<'_>, service: MessagingServiceSid, window: &Window) -> Result<Page<Number>> {
    Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM number WHERE messaging_service_sid = $1 AND sid > $2 ORDER BY sid LIMIT $3"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM number WHERE messaging_service_sid = $1 AND sid < $2 ORDER BY sid DESC LIMIT $3"
        ),
        params: params![service.to_string()].to_vec(),
        bounds: &[Bound::Text],
        edge: None,
        read,
        key,
    }
    .page(tx, Order::Ascending, window)
}

/// Puts a number of the account into a messaging service. It can be in one only (B-887).
#[derive(Clone, Debug)]
pub struct Add {
    /// The account.
    pub account: AccountSid,
    /// The messaging service.
    pub service: MessagingServiceSid,
    /// The number.
    pub number: NumberSid,
}

impl Command for Add {
    type Output = Number;

    /// # Errors
    /// 404/20404 without the messaging service or the number; 409/21710 for one that is in it, 409/21712 for one that
    /// is in another.
    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Number> {
        messaging_service::keep(tx, self.account, self.service)?;
        let mut number = number::hold(tx, self.account, self.number)?;
        match number.pool {
            Some((service, _)) if service == self.service => return Err(Error::code(21710)),
            Some(_) => return Err(Error::code(21712)),
            None => {}
        }
        number.pool = Some((self.service, cx.now));
        tx.exec(
            "UPDATE number SET messaging_service_sid = $2, pooled_at = $3 WHERE sid = $1",
            params![number.sid.to_string(), self.service.to_string(), cx.now.0],
        )?;
        log(tx, cx, self.account, number.sid, None, Some(self.service))?;
        Ok(number)
    }
}

/// Takes a number out of a messaging service; the account keeps it.
#[derive(Clone, Debug)]
pub struct Remove {
    /// The account.
    pub account: AccountSid,
    /// The messaging service.
    pub service: MessagingServiceSid,
    /// The number.
    pub number: NumberSid,
}

impl Command for Remove {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        messaging_service::keep(tx, self.account, self.service)?;
        let removed = tx.exec(
            "UPDATE number SET messaging_service_sid = NULL, pooled_at = NULL \
             WHERE sid = $1 AND messaging_service_sid = $2",
            params![self.number.to_string(), self.service.to_string()],
        )?;
        if removed == 0 {
            return Err(Error::code(20404));
        }
        log(tx, cx, self.account, self.number, Some(self.service), None)
    }
}

/// Logs that a number has gone into a messaging service or out of it.
fn log(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    account: AccountSid,
    number: NumberSid,
    before: Option<MessagingServiceSid>,
    after: Option<MessagingServiceSid>,
) -> Result<()> {
    let told = |service: Option<MessagingServiceSid>| json!({ "messaging_service_sid": service.map(|sid| sid.to_string()) });
    let subject = Subject::new(Kind::PhoneNumber, account, number);
    audit::updated(tx, cx, &subject, &told(before), &told(after))
}
