//! The OpenAPI document of the server, put together from the types that the handlers take and give.

use std::collections::BTreeMap;

use axum::http::Method;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::exchange::Product;

/// Takes part in a request or its answer, and says so in the description of the operation.
pub(crate) trait Describe {
    /// Adds what it knows; nothing by default.
    fn describe(_: &mut Operation, _: &mut Components) {}
}

/// One operation.
pub(crate) struct Operation {
    pub(crate) method: Method,
    parameters: Vec<Value>,
    form: Map<String, Value>,
    form_required: Vec<&'static str>,
    /// Content type and schema of a body that is no form.
    pub(crate) body: Option<(&'static str, Value)>,
    responses: BTreeMap<u16, Value>,
    public: bool,
}

impl Operation {
    /// A parameter of the query.
    pub(crate) fn query(&mut self, name: &str, required: bool, schema: Value) {
        self.parameter("query", name, required, schema);
    }

    /// A header.
    pub(crate) fn header(&mut self, name: &str, schema: Value) {
        self.parameter("header", name, false, schema);
    }

    fn parameter(&mut self, place: &str, name: &str, required: bool, schema: Value) {
        self.parameters.push(json!({
            "name": name, "in": place, "required": required, "schema": schema,
        }));
    }

    /// A parameter of the form in the body.
    pub(crate) fn form(&mut self, name: &'static str, required: bool, schema: Value) {
        self.form.insert(name.to_owned(), schema);
        if required {
            self.form_required.push(name);
        }
    }

    /// An answer of success; `schema` is none for one without a body.
    pub(crate) fn response(&mut self, status: u16, schema: Option<Value>) {
        let mut response = json!({ "description": reason(status) });
        if let Some(schema) = schema {
            response["content"] = json!({ "application/json": { "schema": schema } });
        }
        self.responses.insert(status, response);
    }

    /// Marks an operation that needs no credentials.
    pub(crate) fn public(&mut self) {
        self.public = true;
    }

    fn into_json(mut self, id: &str, product: &'static str) -> Value {
        for status in ERRORS {
            self.responses
                .entry(status)
                .or_insert_with(|| json!({ "$ref": format!("#/components/responses/{status}") }));
        }
        let mut out = json!({
            "operationId": id,
            "tags": [product],
            "parameters": self.parameters,
            "responses": self.responses.into_iter().map(|(s, r)| (s.to_string(), r)).collect::<Map<_, _>>(),
        });
        let body = self.body.or_else(|| {
            (!self.form.is_empty()).then(|| {
                let mut schema = json!({ "type": "object", "properties": self.form });
                if !self.form_required.is_empty() {
                    schema["required"] = json!(self.form_required);
                }
                ("application/x-www-form-urlencoded", schema)
            })
        });
        if let Some((content_type, schema)) = body {
            out["requestBody"] = json!({ "content": { content_type: { "schema": schema } } });
        }
        if self.public {
            out["security"] = json!([]);
        }
        out
    }
}

/// Statuses that any operation may answer besides its own.
const ERRORS: [u16; 10] = [400, 401, 403, 404, 405, 408, 409, 413, 429, 503];

fn reason(status: u16) -> &'static str {
    axum::http::StatusCode::from_u16(status)
        .ok()
        .and_then(|s| s.canonical_reason())
        .unwrap_or("")
}

/// The schemas that operations share.
pub(crate) struct Components {
    generator: SchemaGenerator,
    schemas: Map<String, Value>,
}

impl Components {
    fn new() -> Self {
        Self {
            generator: SchemaSettings::draft2020_12()
                .with(|settings| {
                    settings.inline_subschemas = true;
                    settings.meta_schema = None;
                })
                .into_generator(),
            schemas: Map::new(),
        }
    }

    /// A reference to the schema of a view; it is named by its place in this crate.
    pub(crate) fn reference<T: JsonSchema>(&mut self) -> Value {
        let path = std::any::type_name::<T>();
        let name = path
            .trim_start_matches("confab_api::")
            .replace("::", ".")
            .replace(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_', "");
        if !self.schemas.contains_key(&name) {
            let schema = T::json_schema(&mut self.generator).to_value();
            self.schemas.insert(name.clone(), schema);
        }
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }
}

/// A route with the description of what answers there.
pub(crate) struct Entry {
    pub(crate) product: Product,
    pub(crate) id: String,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) describe: fn(&mut Operation, &mut Components),
}

/// Puts the document together.
pub(crate) fn document(entries: &[Entry], version: &str) -> Value {
    let mut components = Components::new();
    let mut paths: Map<String, Value> = Map::new();
    for entry in entries {
        let mut operation = Operation {
            method: entry.method.clone(),
            parameters: Vec::new(),
            form: Map::new(),
            form_required: Vec::new(),
            body: None,
            responses: BTreeMap::new(),
            public: false,
        };
        for name in items(&entry.path) {
            operation.parameter("path", name, true, json!({ "type": "string" }));
        }
        (entry.describe)(&mut operation, &mut components);
        let name = entry.product.name();
        // Several products have the same paths, so the document has the form that names the product.
        let path = match entry.product {
            Product::Api => entry.path.clone(),
            _ => format!("/{name}{}", entry.path),
        };
        let slot = paths.entry(path).or_insert_with(|| json!({}));
        slot[entry.method.as_str().to_lowercase()] =
            operation.into_json(&format!("{name}.{}", entry.id), name);
    }
    let errors: Map<String, Value> = ERRORS
        .iter()
        .map(|status| {
            let response = json!({
                "description": reason(*status),
                "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } },
            });
            (status.to_string(), response)
        })
        .collect();
    components.schemas.insert(
        "Error".into(),
        json!({
            "type": "object",
            "required": ["code", "message", "more_info", "status"],
            "properties": {
                "code": { "type": "integer" },
                "detail": { "type": "string" },
                "message": { "type": "string" },
                "more_info": { "type": "string", "format": "uri" },
                "status": { "type": "integer" },
            },
        }),
    );
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Confab",
            "version": version,
            "description": "Each product also answers without its prefix under a host whose first label is its name.",
        },
        "servers": [{ "url": "/" }],
        "security": [{ "basic": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "basic": { "type": "http", "scheme": "basic" } },
            "responses": errors,
            "schemas": components.schemas,
        },
    })
}

/// The names between braces in a path.
fn items(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split('}').next())
}
