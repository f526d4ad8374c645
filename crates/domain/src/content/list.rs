//! Lists of templates, newest first or as the v2 API sorts and filters them (rest.md §7).

use confab_store::params;
use confab_types::{AccountSid, ApiError, Cursor, Direction, KeyPart, Timestamp};
use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use super::{ApprovalStatus, Content, columns, read};
use crate::list::{Bound, Listing};
use crate::{Order, Page, Result, Transaction, Window};

/// Order of a list of templates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Newest first.
    #[default]
    Newest,
    /// By the date of the last change.
    Updated(Order),
    /// By name.
    Name(Order),
}

/// Which templates a list shows; an empty list of words lets all pass.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Created at or after.
    pub from: Option<Timestamp>,
    /// Created at or before.
    pub to: Option<Timestamp>,
    /// Found in the name.
    pub name: Option<Pattern>,
    /// Found in the texts of any of its types.
    pub text: Option<Pattern>,
    /// Codes of languages.
    pub languages: Vec<String>,
    /// Keys of types, of which it has one.
    pub types: Vec<String>,
    /// What WhatsApp says of it.
    pub statuses: Vec<ApprovalStatus>,
}

/// A regular expression of a caller; matching takes time in proportion to the text, whatever it is.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// Memory that a compiled expression may take.
    const BYTES: usize = 256 * 1024;

    /// Reads an expression.
    ///
    /// # Errors
    /// 400/20001 of the parameter for what is none, or one that grows too big.
    pub fn parse(parameter: &str, text: &str) -> std::result::Result<Self, ApiError> {
        RegexBuilder::new(text)
            .size_limit(Self::BYTES)
            .dfa_size_limit(Self::BYTES)
            .build()
            .map(Self)
            .map_err(|_| ApiError::invalid(parameter))
    }
}

impl Filter {
    fn is_empty(&self) -> bool {
        self.from.is_none()
            && self.to.is_none()
            && self.name.is_none()
            && self.text.is_none()
            && self.languages.is_empty()
            && self.types.is_empty()
            && self.statuses.is_empty()
    }

    fn lets_pass(&self, content: &Content) -> bool {
        let any_of = |words: &[String], word: &str| words.is_empty() || words.iter().any(|w| w == word);
        if self.from.is_some_and(|from| content.created_at < from)
            || self.to.is_some_and(|to| content.created_at > to)
            || !any_of(&self.languages, &content.language)
            || !(self.statuses.is_empty() || self.statuses.contains(&content.status()))
            || self
                .name
                .as_ref()
                .is_some_and(|p| !p.0.is_match(&content.friendly_name))
        {
            return false;
        }
        if self.types.is_empty() && self.text.is_none() {
            return true;
        }
        let types: Map<String, Value> = serde_json::from_str(&content.types).unwrap_or_default();
        (self.types.is_empty() || types.keys().any(|key| self.types.contains(key)))
            && self
                .text
                .as_ref()
                .is_none_or(|pattern| types.values().any(|form| says(form, pattern)))
    }
}

/// Whether a text anywhere in a form has the pattern.
fn says(form: &Value, pattern: &Pattern) -> bool {
    match form {
        Value::String(text) => pattern.0.is_match(text),
        Value::Array(items) => items.iter().any(|item| says(item, pattern)),
        Value::Object(fields) => fields.values().any(|field| says(field, pattern)),
        _ => false,
    }
}

/// Rows that a filtered list looks at in one step.
const STEP: usize = 256;

/// The templates of an account.
///
/// # Errors
/// The database's.
pub fn list(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    sort: Sort,
    filter: &Filter,
    window: &Window,
) -> Result<Page<Content>> {
    if filter.is_empty() {
        return page(tx, account, sort, window);
    }
    let backwards = window
        .cursor
        .as_ref()
        .is_some_and(|c| c.direction == Direction::Previous);
    let mut items = Vec::new();
    let mut step = Window {
        cursor: window.cursor.clone(),
        size: STEP,
    };
    // One more than wanted tells whether there is another page.
    while items.len() <= window.size {
        let mut looked_at = page(tx, account, sort, &step)?;
        if backwards {
            looked_at.items.reverse();
        }
        items.extend(looked_at.items.into_iter().filter(|c| filter.lets_pass(c)));
        step.cursor = if backwards {
            looked_at.previous
        } else {
            looked_at.next
        };
        if step.cursor.is_none() {
            break;
        }
    }
    let more = items.len() > window.size;
    items.truncate(window.size);
    if backwards {
        items.reverse();
    }
    let (next, previous) = if backwards {
        (true, more)
    } else {
        (more, window.cursor.is_some())
    };
    let cursor = |wanted: bool, direction, item: Option<&Content>| {
        item.filter(|_| wanted).map(|item| Cursor {
            direction,
            key: sort.key()(item),
        })
    };
    Ok(Page {
        next: cursor(next, Direction::Next, items.last()),
        previous: cursor(previous, Direction::Previous, items.first()),
        items,
    })
}

impl Sort {
    fn key(self) -> fn(&Content) -> Vec<KeyPart> {
        match self {
            Self::Newest => |c| vec![KeyPart::Int(c.created_at.0), KeyPart::Text(c.sid.to_string())],
            Self::Updated(_) => |c| vec![KeyPart::Int(c.updated_at.0), KeyPart::Text(c.sid.to_string())],
            Self::Name(_) => |c| {
                vec![
                    KeyPart::Text(c.friendly_name.clone()),
                    KeyPart::Text(c.sid.to_string()),
                ]
            },
        }
    }
}

fn page(tx: &mut Transaction<'_>, account: AccountSid, sort: Sort, window: &Window) -> Result<Page<Content>> {
    let (ascending, descending, bounds, order): (_, _, &[Bound], _) = match sort {
        Sort::Newest => (
            concat!(
                "SELECT ",
                columns!(),
                " FROM content WHERE account_sid = $1 AND (created_at, sid) > ($2, $3) \
                 ORDER BY created_at, sid LIMIT $4"
            ),
            concat!(
                "SELECT ",
                columns!(),
                " FROM content WHERE account_sid = $1 AND (created_at, sid) < ($2, $3) \
                 ORDER BY created_at DESC, sid DESC LIMIT $4"
            ),
            &[Bound::Int, Bound::Text],
            Order::Descending,
        ),
        Sort::Updated(order) => (
            concat!(
                "SELECT ",
                columns!(),
                " FROM content WHERE account_sid = $1 AND (updated_at, sid) > ($2, $3) \
                 ORDER BY updated_at, sid LIMIT $4"
            ),
            concat!(
                "SELECT ",
                columns!(),
                " FROM content WHERE account_sid = $1 AND (updated_at, sid) < ($2, $3) \
                 ORDER BY updated_at DESC, sid DESC LIMIT $4"
            ),
            &[Bound::Int, Bound::Text],
            order,
        ),
        Sort::Name(order) => (
            concat!(
                "SELECT ",
                columns!(),
                " FROM content WHERE account_sid = $1 AND (friendly_name, sid) > ($2, $3) \
                 ORDER BY friendly_name, sid LIMIT $4"
            ),
            concat!(
                "SELECT ",
                columns!(),
                " FROM content WHERE account_sid = $1 AND (friendly_name, sid) < ($2, $3) \
                 ORDER BY friendly_name DESC, sid DESC LIMIT $4"
            ),
            &[Bound::Text, Bound::Text],
            order,
        ),
    };
    Listing {
        ascending,
        descending,
        params: params![account.to_string()].to_vec(),
        bounds,
        edge: None,
        read,
        key: sort.key(),
    }
    .page(tx, order, window)
}
