//! The types as the OpenAPI document shows them.

use serde_json::{Map, Value, json};

use super::table::{Field, Kind, TYPES};

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
