//! C21: the content templates of the account, for an app to choose from.

use confab_domain::Result;
use confab_domain::content::{self, Content, Filter, Sort};
use serde_json::{Map, Value, json};

use crate::connection::Session;
use crate::upstream::{Reply, Request};

const PAGE: usize = 100;

/// The types that the SDK has a class for; another one would fail its parser.
const VARIANTS: [&str; 7] = [
    "twilio/text",
    "twilio/media",
    "twilio/location",
    "twilio/quick-reply",
    "twilio/call-to-action",
    "twilio/list-picker",
    "twilio/card",
];

pub(crate) async fn list(session: &Session, request: &Request) -> Result<Reply> {
    let list = "templates";
    let window = super::window(request, list, PAGE)?;
    let account = session.client.account;
    let page = session
        .engine()
        .read(move |tx| content::list(tx, account, Sort::Newest, &Filter::default(), &window))
        .await?;
    let views: Vec<Value> = page.items.iter().map(view).collect();
    Ok(Reply::json(
        200,
        &json!({"templates": views, "meta": super::meta(&page, list, PAGE)}),
    ))
}

fn view(content: &Content) -> Value {
    let types: Map<String, Value> = serde_json::from_str(&content.types).unwrap_or_default();
    let variants: Map<String, Value> = types
        .into_iter()
        .filter(|(key, _)| VARIANTS.contains(&key.as_str()))
        .map(|(key, form)| {
            let form = with_lists(&key, form);
            (key, form)
        })
        .collect();
    json!({
        "sid": content.sid, "account_sid": content.account, "friendly_name": content.friendly_name,
        "variables": content.variables, "variants": variants,
        "date_created": content.created_at.iso_millis(), "date_updated": content.updated_at.iso_millis(),
    })
}

/// The SDK goes through these lists without asking whether they are there.
fn with_lists(key: &str, mut form: Value) -> Value {
    let lists: &[&str] = match key {
        "twilio/card" => &["media", "actions"],
        "twilio/media" => &["media"],
        _ => &[],
    };
    for name in lists {
        if form[name].is_null() {
            form[name] = json!([]);
        }
    }
    form
}
