//! Whether a template's types are as the tables have them.

use confab_types::ApiError;
use serde_json::{Map, Value};

use super::table::{Field, Kind, TYPES};
use crate::Result;
use crate::error::Error;

/// Checks the types of a template and gives them as the text to be stored.
///
/// # Errors
/// 92001 when there is none, 92008 for an unknown one, 20001 with the path of a field that is wrong.
pub(in crate::content) fn check(types: Option<&Value>) -> Result<String> {
    let given = types
        .and_then(Value::as_object)
        .filter(|types| !types.is_empty())
        .ok_or_else(|| Error::code(92001))?;
    for (key, value) in given {
        let (_, fields, one_of) = TYPES
            .iter()
            .find(|(name, ..)| name == key)
            .ok_or_else(|| Error::code(92008))?;
        let path = format!("types.{key}");
        let object = value.as_object().ok_or_else(|| wrong(&path))?;
        check_object(&path, object, fields)?;
        if !one_of.is_empty() && !one_of.iter().any(|name| has(object, name)) {
            return Err(wrong(&path));
        }
    }
    Ok(Value::Object(given.clone()).to_string())
}

/// Whether a field says something.
fn has(object: &Map<String, Value>, name: &str) -> bool {
    match object.get(name) {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(_) => true,
    }
}

fn wrong(path: &str) -> Error {
    ApiError::invalid(path).into()
}

fn check_object(path: &str, object: &Map<String, Value>, fields: &[Field]) -> Result<()> {
    for field in fields {
        let path = format!("{path}.{}", field.name);
        match object.get(field.name) {
            // Client libraries send null for what was not set.
            None | Some(Value::Null) if !field.needed => {}
            None | Some(Value::Null) => return Err(wrong(&path)),
            Some(value) => check_value(&path, value, field)?,
        }
    }
    check_action(path, object)
}

fn check_value(path: &str, value: &Value, field: &Field) -> Result<()> {
    let fits = match (&field.kind, value) {
        (Kind::Text(most), Value::String(text)) => {
            text.chars().count() <= *most && !(field.needed && text.is_empty())
        }
        (Kind::Number(least, most), Value::Number(number)) => {
            number.as_f64().is_some_and(|n| (*least..=*most).contains(&n))
        }
        (Kind::Flag, Value::Bool(_)) | (Kind::TextOrTexts, Value::String(_)) => true,
        (Kind::Word(words), Value::String(text)) => words.contains(&text.as_str()),
        (Kind::Texts(most), Value::Array(items)) => {
            items.len() <= *most && items.iter().all(Value::is_string)
        }
        (Kind::TextOrTexts, Value::Array(items)) => items.iter().all(Value::is_string),
        (Kind::Objects(least, most, fields), Value::Array(items)) => {
            for (at, item) in items.iter().enumerate() {
                let path = format!("{path}[{at}]");
                let object = item.as_object().ok_or_else(|| wrong(&path))?;
                check_object(&path, object, fields)?;
            }
            (*least..=*most).contains(&items.len())
        }
        _ => false,
    };
    if fits { Ok(()) } else { Err(wrong(path)) }
}

/// A button that calls or opens something must say what.
fn check_action(path: &str, object: &Map<String, Value>) -> Result<()> {
    let target = match object.get("type").and_then(Value::as_str) {
        Some("URL") => "url",
        Some("PHONE_NUMBER") => "phone",
        Some("COPY_CODE") if !object.contains_key("copy_code_text") => "code",
        _ => return Ok(()),
    };
    if has(object, target) {
        Ok(())
    } else {
        Err(wrong(&format!("{path}.{target}")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn code(types: Value) -> Option<u32> {
        match check(Some(&types)) {
            Ok(_) => None,
            Err(Error::Api(error)) => Some(error.code),
            Err(error) => panic!("{error}"),
        }
    }

    #[track_caller]
    fn refused_at(types: Value, path: &str) {
        match check(Some(&types)) {
            Err(Error::Api(error)) => {
                assert_eq!(error.code, 20001);
                assert_eq!(error.text(), format!("Invalid parameter value: types.{path}"));
            }
            other => panic!("{other:?}"),
        }
    }

    fn long(characters: usize) -> String {
        "ä".repeat(characters)
    }

    #[test]
    fn the_text_limits_count_characters_b797() {
        let yes = json!([{"title": "Yes", "id": "y"}]);
        let url = json!([{"type": "URL", "title": "Open", "url": "https://example.com"}]);
        let items = json!([{"id": "a", "item": "A"}]);
        type Make<'a> = &'a dyn Fn(String) -> Value;
        let cases: [(&str, usize, Make<'_>); 7] = [
            ("twilio/text.body", 1600, &|t| json!({"twilio/text": {"body": t}})),
            (
                "twilio/media.body",
                1600,
                &|t| json!({"twilio/media": {"body": t, "media": []}}),
            ),
            (
                "twilio/quick-reply.body",
                1024,
                &|t| json!({"twilio/quick-reply": {"body": t, "actions": yes}}),
            ),
            (
                "twilio/list-picker.body",
                1024,
                &|t| json!({"twilio/list-picker": {"body": t, "button": "Pick", "items": items}}),
            ),
            (
                "twilio/call-to-action.body",
                640,
                &|t| json!({"twilio/call-to-action": {"body": t, "actions": url}}),
            ),
            (
                "twilio/card.title",
                1024,
                &|t| json!({"twilio/card": {"title": t, "subtitle": "s"}}),
            ),
            (
                "twilio/card.subtitle",
                60,
                &|t| json!({"twilio/card": {"title": "t", "subtitle": t}}),
            ),
        ];
        for (path, limit, make) in cases {
            assert_eq!(code(make(long(limit))), None, "{path}");
            refused_at(make(long(limit + 1)), path);
        }
    }

    #[test]
    fn a_template_needs_types_that_are_known_b781() {
        for nothing in [json!(null), json!({}), json!([]), json!("twilio/text")] {
            assert_eq!(code(nothing), Some(92001));
        }
        let error = check(None).map_err(|e| e.to_string());
        assert!(error.is_err_and(|e| e.contains("92001")));
        assert_eq!(code(json!({"twilio/pigeon": {"body": "coo"}})), Some(92008));
    }

    #[test]
    fn every_type_has_an_accepted_form() {
        let types = json!({
            "twilio/text": {"body": "Hi {{1}}"},
            "twilio/media": {"body": null, "media": ["https://example.com/a.png"]},
            "twilio/quick-reply": {"body": "b", "actions": [{"type": "QUICK_REPLY", "title": "Yes", "id": "y"}]},
            "twilio/call-to-action": {"body": "b", "actions": [
                {"type": "PHONE_NUMBER", "title": "Call", "phone": "+15558675310"},
                {"type": "COPY_CODE", "title": "Copy", "code": "X1"}]},
            "twilio/list-picker": {"body": "b", "button": "Pick", "items": [{"id": "1", "item": "One", "description": "d"}]},
            "twilio/card": {"title": "t", "subtitle": "s", "media": ["m"], "actions": [
                {"type": "QUICK_REPLY", "title": "Yes"}]},
            "twilio/location": {"latitude": 90, "longitude": -180.0, "label": "Pole"},
            "twilio/carousel": {"body": "b", "cards": [{"body": "c", "media": "m", "actions": [
                {"type": "URL", "title": "Open", "url": "https://example.com"}]}]},
            "twilio/catalog": {"body": "b", "id": "1", "items": [{"id": "1", "price": 2.5}]},
            "twilio/flows": {"body": "b", "button_text": "Go", "type": "OTHER", "pages": [
                {"id": "p", "title": "t", "layout": [{"type": "TEXT", "label": "l"}]}]},
            "twilio/schedule": {"id": "s", "title": "t", "timeSlots": "2026-01-01T10:00:00Z"},
            "whatsapp/card": {"body": "b", "footer": "f"},
            "whatsapp/authentication": {"add_security_recommendation": true, "code_expiration_minutes": 10,
                "actions": [{"type": "COPY_CODE", "copy_code_text": "Copy"}]},
            "whatsapp/flows": {"body": "b", "button_text": "Go", "flow_id": "1", "is_flow_first_page_endpoint": false},
        });
        assert_eq!(types.as_object().map(Map::len), Some(TYPES.len()));
        assert_eq!(code(types), None);
    }

    #[test]
    fn wrong_fields_are_named() {
        refused_at(json!({"twilio/text": {}}), "twilio/text.body");
        refused_at(json!({"twilio/text": {"body": ""}}), "twilio/text.body");
        refused_at(json!({"twilio/text": {"body": 5}}), "twilio/text.body");
        refused_at(json!({"twilio/text": "hi"}), "twilio/text");
        refused_at(json!({"twilio/media": {"media": []}}), "twilio/media");
        refused_at(json!({"twilio/card": {"title": "alone"}}), "twilio/card");
        refused_at(
            json!({"twilio/location": {"latitude": 90.1, "longitude": 0}}),
            "twilio/location.latitude",
        );
        let reply =
            |title: String| json!({"twilio/quick-reply": {"body": "b", "actions": [{"title": title}]}});
        assert_eq!(code(reply(long(20))), None);
        refused_at(reply(long(21)), "twilio/quick-reply.actions[0].title");
        let replies =
            |n| json!({"twilio/quick-reply": {"body": "b", "actions": vec![json!({"title": "t"}); n]}});
        assert_eq!(code(replies(10)), None);
        for wrong in [0, 11] {
            refused_at(replies(wrong), "twilio/quick-reply.actions");
        }
        let call = |action: Value| json!({"twilio/call-to-action": {"body": "b", "actions": [action]}});
        refused_at(
            call(json!({"type": "URL", "title": "Open"})),
            "twilio/call-to-action.actions[0].url",
        );
        refused_at(
            call(json!({"type": "FAX", "title": "Open"})),
            "twilio/call-to-action.actions[0].type",
        );
    }
}
