//! Conversation services: everything below an account lives in one, apart from the others (B-031).

use std::collections::BTreeSet;

use confab_store::{Row, params};
use confab_types::{AccountSid, ApiError, KeyPart, RoleSid, ServiceSid, Timestamp};
use serde_json::{Value, json};

use crate::audit::{self, Kind, Subject};
use crate::error::Error;
use crate::list::{Bound, Listing};
use crate::role::RoleType;
use crate::sync::sid;
use crate::{
    Command, Cx, Order, Page, Result, Transaction, Window, account, conversation, media, participant, role,
    text, user,
};

/// A conversation service.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its SID.
    pub sid: ServiceSid,
    /// Its account.
    pub account: AccountSid,
    /// Its name.
    pub friendly_name: String,
    /// Role of who joins the conversation that he created.
    pub conversation_creator_role: RoleSid,
    /// Role of other participants.
    pub conversation_role: RoleSid,
    /// Role of new users.
    pub service_role: RoleSid,
    /// Whether users show as online (B-056).
    pub reachability_enabled: bool,
    /// When that was last switched on.
    pub reachability_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

macro_rules! columns {
    () => {
        "sid, account_sid, friendly_name, conversation_creator_role_sid, conversation_role_sid, \
         service_role_sid, reachability_enabled, reachability_at, created_at, updated_at"
    };
}

fn read(mut row: Row) -> Result<Service> {
    Ok(Service {
        sid: sid(&row.text()?)?,
        account: sid(&row.text()?)?,
        friendly_name: row.text()?,
        conversation_creator_role: sid(&row.text()?)?,
        conversation_role: sid(&row.text()?)?,
        service_role: sid(&row.text()?)?,
        reachability_enabled: row.boolean()?,
        reachability_at: Timestamp(row.int()?),
        created_at: Timestamp(row.int()?),
        updated_at: Timestamp(row.int()?),
    })
}

/// A service by its SID alone: for tokens, whose account is compared by the caller.
///
/// # Errors
/// The database's.
pub fn find(tx: &mut Transaction<'_>, service: ServiceSid) -> Result<Option<Service>> {
    let row = tx.first(
        concat!("SELECT ", columns!(), " FROM service WHERE sid = $1"),
        params![service.to_string()],
    )?;
    row.map(read).transpose()
}

/// A service of an account.
///
/// # Errors
/// 404/20404, or the database's.
pub fn fetch(tx: &mut Transaction<'_>, account: AccountSid, service: ServiceSid) -> Result<Service> {
    find(tx, service)?
        .filter(|s| s.account == account)
        .ok_or_else(|| Error::code(20404))
}

/// Keeps a service of an account from being deleted until the commit.
///
/// # Errors
/// 404/20404, or the database's.
pub(crate) fn hold(tx: &mut Transaction<'_>, account: AccountSid, service: ServiceSid) -> Result<()> {
    tx.first(
        "SELECT sid FROM service WHERE sid = $1 AND account_sid = $2 {for_share}",
        params![service.to_string(), account.to_string()],
    )?
    .map(drop)
    .ok_or_else(|| Error::code(20404))
}

/// Locks a service of an account against others who set it up; users and conversations come into it meanwhile.
///
/// # Errors
/// 404/20404, or the database's.
pub(crate) fn lock(tx: &mut Transaction<'_>, account: AccountSid, service: ServiceSid) -> Result<Service> {
    let row = tx.first(
        // An update, since a reading lock of this strength would stop those who only refer to the row.
        concat!(
            "UPDATE service SET updated_at = updated_at WHERE sid = $1 AND account_sid = $2 RETURNING ",
            columns!()
        ),
        params![service.to_string(), account.to_string()],
    )?;
    row.map(read).transpose()?.ok_or_else(|| Error::code(20404))
}

/// The services of an account, oldest first.
///
/// # Errors
/// The database's.
pub fn list(tx: &mut Transaction<'_>, account: AccountSid, window: &Window) -> Result<Page<Service>> {
    Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM service WHERE account_sid = $1 AND sid > $2 ORDER BY sid LIMIT $3"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM service WHERE account_sid = $1 AND sid < $2 ORDER BY sid DESC LIMIT $3"
        ),
        params: params![account.to_string()].to_vec(),
        bounds: &[Bound::Text],
        edge: None,
        read,
        key: |s| vec![KeyPart::Text(s.sid.to_string())],
    }
    .page(tx, Order::Ascending, window)
}

/// Makes a service with its four roles (B-053, B-054).
pub(crate) fn insert(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    account: AccountSid,
    friendly_name: &str,
) -> Result<Service> {
    let sid: ServiceSid = cx.sid();
    let roles = role::create_defaults(tx, cx, account, sid)?;
    let service = Service {
        sid,
        account,
        friendly_name: friendly_name.to_owned(),
        conversation_creator_role: roles.conversation_creator,
        conversation_role: roles.conversation,
        service_role: roles.service,
        reachability_enabled: false,
        reachability_at: cx.now,
        created_at: cx.now,
        updated_at: cx.now,
    };
    tx.push(
        concat!(
            "INSERT INTO service (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        ),
        params![
            sid.to_string(),
            account.to_string(),
            friendly_name,
            roles.conversation_creator.to_string(),
            roles.conversation.to_string(),
            roles.service.to_string(),
            false,
            cx.now.0,
            cx.now.0,
            cx.now.0
        ],
    )?;
    Ok(service)
}

/// Makes a service (rest.md §2.14).
#[derive(Clone, Debug)]
pub struct Create {
    /// The account.
    pub account: AccountSid,
    /// Its name, at most 256 characters (B-077).
    pub friendly_name: String,
}

/// What the log of changes tells of a service.
fn properties(service: &Service) -> Value {
    json!({
        "friendly_name": service.friendly_name,
        "default_conversation_creator_role_sid": service.conversation_creator_role.to_string(),
        "default_conversation_role_sid": service.conversation_role.to_string(),
        "default_chat_service_role_sid": service.service_role.to_string(),
        "reachability_enabled": service.reachability_enabled,
    })
}

impl Command for Create {
    type Output = Service;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Service> {
        text::at_most(&self.friendly_name, cx.limits.friendly_name_chars, 50003)?;
        let made = insert(tx, cx, self.account, &self.friendly_name)?;
        let subject = Subject::new(Kind::Service, self.account, made.sid);
        audit::created(tx, cx, &subject, &properties(&made))?;
        Ok(made)
    }
}

/// Changes the configuration of a service (rest.md §2.15); what is `None` stays.
#[derive(Clone, Debug)]
pub struct Configure {
    /// The account.
    pub account: AccountSid,
    /// The service.
    pub service: ServiceSid,
    /// SID of a conversation role: of who joins the conversation that he created.
    pub conversation_creator_role: Option<String>,
    /// SID of a conversation role: of other participants.
    pub conversation_role: Option<String>,
    /// SID of a service role: of new users.
    pub service_role: Option<String>,
    /// Whether users show as online.
    pub reachability_enabled: Option<bool>,
}

impl Command for Configure {
    type Output = Service;

    /// # Errors
    /// 404/20404; 400/50106, 50109 or 50102 for what is no such role of the service (B-057).
    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Service> {
        let mut changed = lock(tx, self.account, self.service)?;
        let nothing = self.conversation_creator_role.is_none()
            && self.conversation_role.is_none()
            && self.service_role.is_none()
            && self.reachability_enabled.is_none();
        if nothing {
            return Ok(changed);
        }
        let before = properties(&changed);
        let mut choose = |text: &Option<String>, into: &mut RoleSid, kind, code| -> Result<()> {
            let Some(text) = text else { return Ok(()) };
            let sid = role::parse(text, code)?;
            if !role::exists(tx, changed.sid, sid, kind)? {
                return Err(Error::code(code));
            }
            *into = sid;
            Ok(())
        };
        let conversation = RoleType::Conversation;
        choose(
            &self.conversation_creator_role,
            &mut changed.conversation_creator_role,
            conversation,
            50106,
        )?;
        choose(
            &self.conversation_role,
            &mut changed.conversation_role,
            conversation,
            50109,
        )?;
        choose(
            &self.service_role,
            &mut changed.service_role,
            RoleType::Service,
            50102,
        )?;
        if let Some(enabled) = self.reachability_enabled {
            if enabled && !changed.reachability_enabled {
                // What was stored of users before does not count any more (B-546).
                changed.reachability_at = cx.now;
            }
            changed.reachability_enabled = enabled;
        }
        changed.updated_at = cx.now;
        tx.exec(
            "UPDATE service SET conversation_creator_role_sid = $2, conversation_role_sid = $3, \
             service_role_sid = $4, reachability_enabled = $5, reachability_at = $6, updated_at = $7 WHERE sid = $1",
            params![
                changed.sid.to_string(),
                changed.conversation_creator_role.to_string(),
                changed.conversation_role.to_string(),
                changed.service_role.to_string(),
                changed.reachability_enabled,
                changed.reachability_at.0,
                cx.now.0
            ],
        )?;
        let subject = Subject::new(Kind::Service, self.account, changed.sid);
        audit::updated(tx, cx, &subject, &before, &properties(&changed))?;
        Ok(changed)
    }
}

/// Rows that one transaction of a service's deletion removes at most; the rest is left to the next one.
const STEP: usize = 50;
/// And participants: each costs some rows.
const STEP_MEMBERS: i64 = 500;

/// Removes a service with all that lives in it (B-058). Big services take several runs: the command is repeated by
/// its caller until it answers `true`, and the service itself goes with the last one.
#[derive(Clone, Debug)]
pub struct Delete {
    /// The account.
    pub account: AccountSid,
    /// The service.
    pub service: ServiceSid,
}

impl Command for Delete {
    /// Whether nothing is left.
    type Output = bool;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<bool> {
        fetch(tx, self.account, self.service)?;
        cx.announces = false; // B-385: nor of the conversations that go with it.
        // Held: it must not become the default one behind this look.
        if account::hold(tx, self.account)?.default_service == self.service {
            // rest.md §2.14: the short URL form would lose its ground.
            return Err(ApiError::new(20001)
                .message("The default conversation service cannot be deleted")
                .into());
        }
        let first = Window {
            cursor: None,
            size: STEP,
        };
        let (mut left, mut members) = (false, 0);
        let mut conversations = Vec::new();
        for public in [false, true] {
            let filter = conversation::Filter {
                public,
                ..conversation::Filter::default()
            };
            let page = conversation::list(tx, self.service, &filter, &first)?;
            left |= page.next.is_some();
            for found in page.items {
                if members > STEP_MEMBERS {
                    left = true;
                    break;
                }
                members += found.participants_count;
                conversations.push(found);
            }
        }
        // All conversations, then all users, each kind in its order (docs/ARCHITECTURE.md, Order of locks).
        let held: BTreeSet<_> = conversations.iter().map(|c| c.sid).collect();
        conversation::hold_all(tx, &held)?;
        let mut users = Vec::new();
        if !left {
            let page = user::list(tx, self.service, &first)?;
            left = page.next.is_some();
            users = page.items;
        }
        let mut identities: BTreeSet<_> = users.iter().map(|u| u.identity.clone()).collect();
        for &conversation in &held {
            let members = participant::of_conversation_all(tx, conversation)?;
            identities.extend(members.into_iter().filter_map(|member| member.identity));
        }
        user::hold_all(tx, self.service, &identities.iter().map(String::as_str).collect())?;
        for found in conversations {
            conversation::remove(tx, cx, &found).map_err(user::retry_if_gone)?;
        }
        for found in users {
            user::remove_held(tx, cx, &found, &held).map_err(user::retry_if_gone)?;
        }
        if !left {
            left = !media::remove_unattached(tx, cx, self.service, STEP)?;
        }
        if !left {
            // From here on nobody sets it up or gives out its roles, so that none of these rows outlives it.
            tx.first(
                "SELECT sid FROM service WHERE sid = $1 {for_update}",
                params![self.service.to_string()],
            )?;
            for sql in [
                "DELETE FROM service_webhook WHERE service_sid = $1",
                "DELETE FROM service_notification WHERE service_sid = $1",
                "DELETE FROM role WHERE service_sid = $1",
            ] {
                tx.exec(sql, params![self.service.to_string()])?;
            }
            tx.exec(
                "DELETE FROM chat_service WHERE service_sid = $1",
                params![self.service.to_string()],
            )?;
            tx.exec(
                "DELETE FROM service WHERE sid = $1",
                params![self.service.to_string()],
            )
            .map_err(|error| match error {
                // Somebody made a user or conversation meanwhile: look again.
                confab_store::Error::Reference(text) => confab_store::Error::Retry(text),
                other => other,
            })?;
            let subject = Subject::new(Kind::Service, self.account, self.service);
            audit::deleted(tx, cx, &subject)?;
        }
        Ok(!left)
    }
}
