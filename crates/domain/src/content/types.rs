//! The types of a content template (rest.md §7): which fields each has, and its limits (B-797). They stand in tables,
//! so that a type can be compared with its documentation line by line.

use confab_types::ApiError;
use serde_json::{Map, Value, json};

use crate::Result;
use crate::error::Error;

/// What a field holds.
enum Kind {
    /// Text of at most so many characters.
    Text(usize),
    /// A number in a range, its ends included.
    Number(f64, f64),
    /// `true` or `false`.
    Flag,
    /// One of some words.
    Word(&'static [&'static str]),
    /// At most so many texts.
    Texts(usize),
    /// One text or a list of texts.
    TextOrTexts,
    /// Between so many objects of these fields.
    Objects(usize, usize, &'static [Field]),
}

struct Field {
    name: &'static str,
    needed: bool,
    kind: Kind,
}

const fn needed(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        needed: true,
        kind,
    }
}

const fn may(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        needed: false,
        kind,
    }
}

/// Where the documentation gives no limit, that of a request's body is the only one, but for what may become the text
/// of a message.
const ANY: Kind = Kind::Text(usize::MAX);
const SPOKEN: Kind = Kind::Text(1600);
const SOME: usize = usize::MAX;

const WEBVIEW: Kind = Kind::Word(&["TALL", "FULL", "HALF", "NONE"]);

const QUICK_REPLIES: &[Field] = &[
    may("type", Kind::Word(&["QUICK_REPLY"])),
    needed("title", Kind::Text(20)),
    may("id", ANY),
];

const CALLS: &[Field] = &[
    needed(
        "type",
        Kind::Word(&[
            "URL",
            "PHONE_NUMBER",
            "COPY_CODE",
            "VOICE_CALL",
            "VOICE_CALL_REQUEST",
        ]),
    ),
    needed("title", ANY),
    may("url", ANY),
    may("phone", ANY),
    may("code", ANY),
    may("id", ANY),
];

const CARD_ACTIONS: &[Field] = &[
    needed(
        "type",
        Kind::Word(&["URL", "PHONE_NUMBER", "QUICK_REPLY", "COPY_CODE", "VOICE_CALL"]),
    ),
    needed("title", ANY),
    may("url", ANY),
    may("phone", ANY),
    may("id", ANY),
    may("code", ANY),
    may("webview_size", WEBVIEW),
];

const CAROUSEL_ACTIONS: &[Field] = &[
    needed("type", Kind::Word(&["URL", "PHONE_NUMBER", "QUICK_REPLY"])),
    needed("title", ANY),
    may("url", ANY),
    may("phone", ANY),
    may("id", ANY),
];

const CAROUSEL_CARDS: &[Field] = &[
    may("title", ANY),
    needed("body", ANY),
    needed("media", ANY),
    needed("actions", Kind::Objects(1, SOME, CAROUSEL_ACTIONS)),
];

const CATALOG_ITEMS: &[Field] = &[
    may("id", ANY),
    may("section_title", ANY),
    may("name", ANY),
    may("media_url", ANY),
    may("price", Kind::Number(0.0, f64::MAX)),
    may("description", ANY),
];

const LIST_ITEMS: &[Field] = &[needed("id", ANY), needed("item", ANY), may("description", ANY)];

const COPY_CODES: &[Field] = &[
    needed("type", Kind::Word(&["COPY_CODE"])),
    needed("copy_code_text", ANY),
];

const FLOW_PAGES: &[Field] = &[
    needed("id", ANY),
    may("next_page_id", ANY),
    needed("title", ANY),
    may("subtitle", ANY),
    needed("layout", Kind::Objects(1, SOME, FLOW_COMPONENTS)),
];

const FLOW_COMPONENTS: &[Field] = &[may("label", ANY), needed("type", ANY)];

/// A type: its key, its fields, and fields of which at least one must be there.
type Type = (&'static str, &'static [Field], &'static [&'static str]);

const TYPES: &[Type] = &[
    ("twilio/text", &[needed("body", Kind::Text(1600))], &[]),
    (
        "twilio/media",
        &[may("body", Kind::Text(1600)), may("media", Kind::Texts(10))],
        &["body", "media"],
    ),
    (
        "twilio/quick-reply",
        &[
            needed("body", Kind::Text(1024)),
            needed("actions", Kind::Objects(1, 10, QUICK_REPLIES)),
        ],
        &[],
    ),
    (
        "twilio/call-to-action",
        &[
            needed("body", Kind::Text(640)),
            needed("actions", Kind::Objects(1, 2, CALLS)),
        ],
        &[],
    ),
    (
        "twilio/list-picker",
        &[
            needed("body", Kind::Text(1024)),
            needed("button", ANY),
            needed("items", Kind::Objects(1, 10, LIST_ITEMS)),
        ],
        &[],
    ),
    (
        "twilio/card",
        &[
            needed("title", Kind::Text(1024)),
            may("subtitle", Kind::Text(60)),
            may("media", Kind::Texts(SOME)),
            may("actions", Kind::Objects(0, SOME, CARD_ACTIONS)),
        ],
        &["subtitle", "media", "actions"],
    ),
    (
        "twilio/location",
        &[
            needed("latitude", Kind::Number(-90.0, 90.0)),
            needed("longitude", Kind::Number(-180.0, 180.0)),
            may("label", SPOKEN),
            may("id", ANY),
            may("address", SPOKEN),
        ],
        &[],
    ),
    (
        "twilio/carousel",
        &[
            needed("body", ANY),
            needed("cards", Kind::Objects(1, 10, CAROUSEL_CARDS)),
        ],
        &[],
    ),
    (
        "twilio/catalog",
        &[
            needed("body", ANY),
            may("title", ANY),
            may("subtitle", ANY),
            may("id", ANY),
            may("items", Kind::Objects(0, SOME, CATALOG_ITEMS)),
            may("dynamic_items", ANY),
        ],
        &[],
    ),
    (
        "twilio/flows",
        &[
            needed("body", ANY),
            needed("button_text", ANY),
            may("subtitle", ANY),
            may("media_url", ANY),
            needed("pages", Kind::Objects(1, SOME, FLOW_PAGES)),
            needed("type", ANY),
        ],
        &[],
    ),
    (
        "twilio/schedule",
        &[
            needed("id", ANY),
            needed("title", ANY),
            needed("timeSlots", Kind::TextOrTexts),
        ],
        &[],
    ),
    (
        "whatsapp/card",
        &[
            needed("body", SPOKEN),
            may("footer", ANY),
            may("header_text", ANY),
            may("media", Kind::Texts(SOME)),
            may("actions", Kind::Objects(0, SOME, CARD_ACTIONS)),
        ],
        &["footer", "header_text", "media", "actions"],
    ),
    (
        "whatsapp/authentication",
        &[
            may("add_security_recommendation", Kind::Flag),
            may("code_expiration_minutes", Kind::Number(1.0, 90.0)),
            needed("actions", Kind::Objects(1, SOME, COPY_CODES)),
        ],
        &[],
    ),
    (
        "whatsapp/flows",
        &[
            needed("body", ANY),
            needed("button_text", ANY),
            needed("flow_id", ANY),
            may("subtitle", ANY),
            may("media_url", ANY),
            may("flow_token", ANY),
            may("flow_first_page_id", ANY),
            may("is_flow_first_page_endpoint", Kind::Flag),
        ],
        &[],
    ),
];

/// Checks the types of a template and gives them as the text to be stored.
///
/// # Errors
/// 92001 when there is none, 92008 for an unknown one, 20001 with the path of a field that is wrong.
pub(super) fn check(types: Option<&Value>) -> Result<String> {
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

/// The JSON schema of the types, of the same tables.
#[must_use]
pub fn schema() -> Value {
    let types: Map<String, Value> = TYPES
        .iter()
        .map(|(key, fields, _)| ((*key).to_owned(), object_schema(fields)))
        .collect();
    json!({ "type": "object", "properties": types })
}

fn object_schema(fields: &[Field]) -> Value {
    let properties: Map<String, Value> = fields
        .iter()
        .map(|field| (field.name.to_owned(), field.kind.schema()))
        .collect();
    let needed: Vec<&str> = fields.iter().filter(|f| f.needed).map(|f| f.name).collect();
    json!({ "type": "object", "properties": properties, "required": needed })
}

impl Kind {
    fn schema(&self) -> Value {
        match self {
            Self::Text(usize::MAX) => json!({ "type": "string" }),
            Self::Text(most) => json!({ "type": "string", "maxLength": most }),
            Self::Number(..) => json!({ "type": "number" }),
            Self::Flag => json!({ "type": "boolean" }),
            Self::Word(words) => json!({ "type": "string", "enum": words }),
            Self::Texts(_) => json!({ "type": "array", "items": { "type": "string" } }),
            Self::TextOrTexts => json!({ "anyOf": [
                { "type": "string" }, { "type": "array", "items": { "type": "string" } },
            ]}),
            Self::Objects(_, _, fields) => json!({ "type": "array", "items": object_schema(fields) }),
        }
    }
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

/// The type that a request for approval is about: the richest, since plain text goes with any other.
pub(super) fn for_approval(types: &str) -> Option<(String, Value)> {
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
pub(super) fn plain_text(types: &str) -> Result<Option<String>> {
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
