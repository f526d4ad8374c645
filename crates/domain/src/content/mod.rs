//! Content templates (rest.md §7): texts with placeholders in several forms, of which a message takes one.

mod approval;
mod list;
mod render;
mod types;

use confab_store::{Row, params};
use confab_types::{AccountSid, ApiError, ContentSid, Sid, Timestamp};
use serde_json::{Value, json};

use crate::audit::{self, Kind, Subject};
use crate::error::Error;
use crate::sync::sid;
use crate::{Command, Cx, Result, Transaction, text};

pub use approval::{Approval, ApprovalStatus, Submit};
pub use list::{Filter, Pattern, Sort, list};
pub(crate) use render::Chosen;
pub use render::Reference;
pub use types::schema as types_schema;

/// A template.
#[derive(Clone, Debug)]
pub struct Content {
    /// Its SID.
    pub sid: ContentSid,
    /// Its account.
    pub account: AccountSid,
    /// Its name; empty when none was given.
    pub friendly_name: String,
    /// Code of its language.
    pub language: String,
    /// JSON object of defaults by the names of placeholders.
    pub variables: String,
    /// JSON object of its forms by their types.
    pub types: String,
    /// What WhatsApp says of it, once it was asked.
    pub approval: Option<Approval>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Content {
    fn status(&self) -> ApprovalStatus {
        self.approval
            .as_ref()
            .map_or(ApprovalStatus::Unsubmitted, |approval| approval.status)
    }
}

macro_rules! columns {
    () => {
        "sid, account_sid, friendly_name, language, variables, types, approval_name, approval_category, \
         approval_type, approval_status, approval_reason, created_at, updated_at"
    };
}
use columns;

fn read(mut row: Row) -> Result<Content> {
    Ok(Content {
        sid: sid(&row.text()?)?,
        account: sid(&row.text()?)?,
        friendly_name: row.text()?,
        language: row.text()?,
        variables: row.text()?,
        types: row.text()?,
        approval: Approval::read(&mut row)?,
        created_at: Timestamp(row.int()?),
        updated_at: Timestamp(row.int()?),
    })
}

/// A template of an account; `None` when there is none.
///
/// # Errors
/// The database's.
pub fn find(tx: &mut Transaction<'_>, account: AccountSid, content: ContentSid) -> Result<Option<Content>> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM content WHERE sid = $1 AND account_sid = $2"
        ),
        params![content.to_string(), account.to_string()],
    )?;
    row.map(read).transpose()
}

/// A template as a path names it.
///
/// # Errors
/// 404/20404, or the database's.
pub fn fetch(tx: &mut Transaction<'_>, account: AccountSid, key: &str) -> Result<Content> {
    let found = match ContentSid::parse(key) {
        Some(content) => find(tx, account, content)?,
        None => None,
    };
    found.ok_or_else(|| Error::code(20404))
}

/// As [`fetch`], with the row locked until the commit: its approval does not change meanwhile.
fn hold(tx: &mut Transaction<'_>, account: AccountSid, key: &str) -> Result<Content> {
    let Some(content) = ContentSid::parse(key) else {
        return Err(Error::code(20404));
    };
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM content WHERE sid = $1 AND account_sid = $2 {for_update}"
        ),
        params![content.to_string(), account.to_string()],
    )?;
    row.map(read).transpose()?.ok_or_else(|| Error::code(20404))
}

/// What a request says of a template.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// Its name.
    pub friendly_name: Option<String>,
    /// Code of its language: `en`, `pt_BR`.
    pub language: Option<String>,
    /// Object of default texts, at most 100 (B-781).
    pub variables: Option<Value>,
    /// Object of at least one type.
    pub types: Option<Value>,
}

impl Fields {
    fn fill(&self, cx: &Cx<'_>, into: &mut Content) -> Result<()> {
        into.types = types::check(self.types.as_ref())?;
        if let Some(language) = &self.language {
            if !is_language(language) {
                return Err(Error::code(92004));
            }
            into.language.clone_from(language);
        }
        if into.language.is_empty() {
            return Err(Error::code(92003));
        }
        if let Some(variables) = &self.variables {
            into.variables = check_variables(variables)?;
        }
        if let Some(name) = &self.friendly_name {
            text::at_most(name, cx.limits.friendly_name_chars, 20002)?;
            into.friendly_name.clone_from(name);
        }
        Ok(())
    }
}

/// `en`, `fil`, `en_US`, `zh-Hant`: the shape of a language code; which languages there are is not ours to say.
fn is_language(code: &str) -> bool {
    let (language, region) = match code.split_once(['_', '-']) {
        Some((language, region)) => (language, Some(region)),
        None => (code, None),
    };
    let is_language = (2..=3).contains(&language.len()) && language.bytes().all(|b| b.is_ascii_lowercase());
    let is_region =
        |region: &str| (2..=4).contains(&region.len()) && region.bytes().all(|b| b.is_ascii_alphanumeric());
    is_language && region.is_none_or(is_region)
}

fn check_variables(variables: &Value) -> Result<String> {
    let object = variables.as_object().ok_or_else(|| Error::code(92007))?;
    if object.len() > render::VARIABLES {
        return Err(Error::code(92002));
    }
    if !object.values().all(Value::is_string) {
        return Err(Error::code(92007));
    }
    Ok(variables.to_string())
}

/// Makes a template.
#[derive(Clone, Debug)]
pub struct Create {
    /// The account.
    pub account: AccountSid,
    /// Its values; types and language are needed (B-781).
    pub fields: Fields,
}

/// What the log of changes tells of a template: which, not what it says.
fn properties(content: &Content) -> Value {
    json!({ "friendly_name": content.friendly_name, "language": content.language })
}

impl Command for Create {
    type Output = Content;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Content> {
        let mut new = Content {
            sid: cx.sid(),
            account: self.account,
            friendly_name: String::new(),
            language: String::new(),
            variables: "{}".into(),
            types: String::new(),
            approval: None,
            created_at: cx.now,
            updated_at: cx.now,
        };
        self.fields.fill(cx, &mut new)?;
        tx.push(
            "INSERT INTO content (sid, account_sid, friendly_name, language, variables, types, created_at, \
             updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
            params![
                new.sid.to_string(),
                new.account.to_string(),
                &new.friendly_name,
                &new.language,
                &new.variables,
                &new.types,
                cx.now.0
            ],
        )?;
        let subject = Subject::new(Kind::Content, new.account, new.sid);
        audit::created(tx, cx, &subject, &properties(&new))?;
        Ok(new)
    }
}

/// Replaces the forms of a template, and what else is given. What WhatsApp said of the former forms is void; an
/// approved template cannot be changed.
#[derive(Clone, Debug)]
pub struct Update {
    /// The account.
    pub account: AccountSid,
    /// SID of the template.
    pub key: String,
    /// New values; types are needed.
    pub fields: Fields,
}

impl Command for Update {
    type Output = Content;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Content> {
        let mut changed = hold(tx, self.account, &self.key)?;
        if changed.status() == ApprovalStatus::Approved {
            return Err(ApiError::new(20409)
                .message("An approved template cannot be changed")
                .into());
        }
        let before = properties(&changed);
        self.fields.fill(cx, &mut changed)?;
        changed.approval = None;
        changed.updated_at = cx.now;
        tx.push(
            "UPDATE content SET friendly_name = $2, language = $3, variables = $4, types = $5, \
             approval_name = NULL, approval_category = NULL, approval_type = NULL, approval_status = NULL, \
             approval_reason = NULL, updated_at = $6 WHERE sid = $1",
            params![
                changed.sid.to_string(),
                &changed.friendly_name,
                &changed.language,
                &changed.variables,
                &changed.types,
                cx.now.0
            ],
        )?;
        let subject = Subject::new(Kind::Content, self.account, changed.sid);
        audit::updated(tx, cx, &subject, &before, &properties(&changed))?;
        Ok(changed)
    }
}

/// Removes a template; messages that were made with it keep their text and its SID.
#[derive(Clone, Debug)]
pub struct Delete {
    /// The account.
    pub account: AccountSid,
    /// SID of the template.
    pub key: String,
}

impl Command for Delete {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let found = hold(tx, self.account, &self.key)?;
        tx.push(
            "DELETE FROM content WHERE sid = $1",
            params![found.sid.to_string()],
        )?;
        audit::deleted(tx, cx, &Subject::new(Kind::Content, self.account, found.sid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_has_the_shape_of_a_code() {
        for code in ["en", "fil", "en_US", "pt-BR", "zh_Hant", "es_419"] {
            assert!(is_language(code), "{code}");
        }
        for code in [
            "", "e", "EN", "engl", "english", "en_", "en_U", "en_USAAA", "en US", "e1",
        ] {
            assert!(!is_language(code), "{code}");
        }
    }

    #[test]
    fn the_hundred_and_first_variable_is_too_many_b781() {
        let many = |n: usize| Value::Object((0..n).map(|i| (i.to_string(), Value::from("x"))).collect());
        assert!(check_variables(&many(100)).is_ok());
        assert_eq!(check_variables(&many(101)), Err(Error::code(92002)));
        for wrong in [serde_json::json!([]), serde_json::json!({"1": 2})] {
            assert_eq!(check_variables(&wrong), Err(Error::code(92007)));
        }
    }
}
