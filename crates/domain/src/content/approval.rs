//! What WhatsApp says of a template (rest.md §7).

use confab_store::{Row, params};
use confab_types::{AccountSid, ApiError};
use serde_json::Value;

use super::{Content, hold, types};
use crate::error::Error;
use crate::{Command, Cx, Result, Transaction};

/// State of a request for approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalStatus {
    /// Nobody asked.
    Unsubmitted,
    /// Asked, not yet handed on.
    Received,
    /// Being looked at.
    Pending,
    /// May go out at any time.
    Approved,
    /// Refused.
    Rejected,
    /// Out of use for a while.
    Paused,
    /// Out of use for good.
    Disabled,
}

impl ApprovalStatus {
    const ALL: [Self; 7] = [
        Self::Unsubmitted,
        Self::Received,
        Self::Pending,
        Self::Approved,
        Self::Rejected,
        Self::Paused,
        Self::Disabled,
    ];

    /// The word of the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unsubmitted => "unsubmitted",
            Self::Received => "received",
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }

    /// Reads the word of the API.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == text)
    }
}

/// A request for approval and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Name of the template at WhatsApp.
    pub name: String,
    /// `UTILITY`, `MARKETING` or `AUTHENTICATION`.
    pub category: String,
    /// The type that is asked for.
    pub content_type: String,
    /// Where it stands.
    pub status: ApprovalStatus,
    /// Why it was refused; empty otherwise.
    pub rejection_reason: String,
}

impl Approval {
    /// Reads the five columns of an approval.
    pub(super) fn read(row: &mut Row) -> Result<Option<Self>> {
        let (name, category, content_type) = (row.opt_text()?, row.opt_text()?, row.opt_text()?);
        let (status, reason) = (row.opt_text()?, row.opt_text()?);
        let Some(status) = status.as_deref().and_then(ApprovalStatus::parse) else {
            return Ok(None);
        };
        Ok(Some(Self {
            name: name.unwrap_or_default(),
            category: category.unwrap_or_default(),
            content_type: content_type.unwrap_or_default(),
            status,
            rejection_reason: reason.unwrap_or_default(),
        }))
    }
}

/// What a template's request comes to. No carrier of this server judges templates, so each is approved at once; one
/// that does would leave `Pending` here and report its verdict later.
fn decide() -> ApprovalStatus {
    ApprovalStatus::Approved
}

const CATEGORIES: [&str; 3] = ["UTILITY", "MARKETING", "AUTHENTICATION"];
/// Buttons of a quick reply that WhatsApp approves.
const APPROVED_BUTTONS: usize = 3;

/// Asks for the approval of a template.
#[derive(Clone, Debug)]
pub struct Submit {
    /// The account.
    pub account: AccountSid,
    /// SID of the template.
    pub key: String,
    /// Name at WhatsApp: lower-case letters, digits and underscores.
    pub name: String,
    /// `UTILITY`, `MARKETING` or `AUTHENTICATION`.
    pub category: String,
}

impl Command for Submit {
    /// The request as it came in: its status is `received`, whatever has become of it since.
    type Output = Approval;

    fn apply(&self, tx: &mut Transaction<'_>, _: &mut Cx<'_>) -> Result<Approval> {
        let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if self.name.is_empty() || self.name.len() > 512 || !self.name.bytes().all(word) {
            return Err(ApiError::invalid("name").into());
        }
        if !CATEGORIES.contains(&self.category.as_str()) {
            return Err(ApiError::invalid("category").into());
        }
        let found = hold(tx, self.account, &self.key)?;
        let asked = matches!(
            found.status(),
            ApprovalStatus::Received | ApprovalStatus::Pending | ApprovalStatus::Approved
        );
        if asked {
            return Err(ApiError::new(20409)
                .message("The template was submitted already")
                .into());
        }
        let (content_type, form) = types::for_approval(&found.types).ok_or_else(|| Error::code(92001))?;
        check_form(&content_type, &form)?;
        let mut asked = Approval {
            name: self.name.clone(),
            category: self.category.clone(),
            content_type,
            status: decide(),
            rejection_reason: String::new(),
        };
        store(tx, &found, &asked)?;
        asked.status = ApprovalStatus::Received;
        Ok(asked)
    }
}

fn check_form(content_type: &str, form: &Value) -> Result<()> {
    let buttons = form["actions"].as_array().map_or(0, Vec::len);
    if content_type == "twilio/quick-reply" && buttons > APPROVED_BUTTONS {
        return Err(ApiError::invalid("types.twilio/quick-reply.actions").into());
    }
    Ok(())
}

fn store(tx: &mut Transaction<'_>, of: &Content, approval: &Approval) -> Result<()> {
    tx.push(
        "UPDATE content SET approval_name = $2, approval_category = $3, approval_type = $4, approval_status = $5, \
         approval_reason = $6 WHERE sid = $1",
        params![
            of.sid.to_string(),
            &approval.name,
            &approval.category,
            &approval.content_type,
            approval.status.name(),
            &approval.rejection_reason
        ],
    )?;
    Ok(())
}
