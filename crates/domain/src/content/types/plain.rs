//! What of a template's types goes elsewhere: into a message, into a request for approval.

use serde_json::{Map, Value};

use crate::Result;
use crate::error::Error;

/// The type that a request for approval is about: the richest, since plain text goes with any other.
pub(in crate::content) fn for_approval(types: &str) -> Option<(String, Value)> {
    let types: Map<String, Value> = serde_json::from_str(types).ok()?;
    let rich = types.keys().find(|key| *key != "twilio/text");
    let key = rich.or_else(|| types.keys().next())?.clone();
    let value = types.get(&key)?.clone();
    Some((key, value))
}

/// Types that a conversation can carry, the plainest first (realtime.md C21).
const IN_CONVERSATIONS: [&str; 8] = [
    "twilio/text",
    "twilio/media",
    "twilio/quick-reply",
    "twilio/call-to-action",
    "twilio/list-picker",
    "whatsapp/card",
    "twilio/card",
    "twilio/location",
];

/// The plain text of a template, with its placeholders: its twilio/text form, else the words of what it has (B-787).
/// `None` for a media template without words.
///
/// # Errors
/// 50542 when it has no type that a conversation can carry.
pub(in crate::content) fn plain_text(types: &str) -> Result<Option<String>> {
    let types: Map<String, Value> = serde_json::from_str(types).unwrap_or_default();
    let (key, form) = IN_CONVERSATIONS
        .iter()
        .find_map(|key| types.get(*key).map(|form| (*key, form)))
        .ok_or_else(|| Error::code(50542))?;
    let text = |name: &str| form.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
    Ok(match key {
        "twilio/card" => {
            let lines: Vec<&str> = [text("title"), text("subtitle")].into_iter().flatten().collect();
            Some(lines.join("\n"))
        }
        "twilio/location" => Some(text("label").or_else(|| text("address")).map_or_else(
            || format!("{}, {}", form["latitude"], form["longitude"]),
            str::to_owned,
        )),
        _ => text("body").map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_plain_text_is_the_text_form_where_there_is_one_b787() {
        let both =
            json!({"twilio/quick-reply": {"body": "Pick", "actions": []}, "twilio/text": {"body": "Answer"}});
        assert_eq!(plain_text(&both.to_string()), Ok(Some("Answer".into())));
        let card = json!({"twilio/card": {"title": "Shoes", "subtitle": "red"}});
        assert_eq!(plain_text(&card.to_string()), Ok(Some("Shoes\nred".into())));
        let place = json!({"twilio/location": {"latitude": 1.5, "longitude": 2}});
        assert_eq!(plain_text(&place.to_string()), Ok(Some("1.5, 2".into())));
        let picture = json!({"twilio/media": {"media": ["m"]}});
        assert_eq!(plain_text(&picture.to_string()), Ok(None));
        let catalog = json!({"twilio/catalog": {"body": "b"}});
        assert_eq!(plain_text(&catalog.to_string()), Err(Error::code(50542)));
    }
}
