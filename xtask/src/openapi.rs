//! Compares the OpenAPI document of the server with the published ones, where those lie beside the project: every path,
//! parameter, property, enumeration and type of theirs is in ours, or on the list of exceptions with its reason.

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Published file and the product of ours that it is about.
const FILES: &[(&str, &str)] = &[
    ("twilio_conversations_v1.json", "conversations"),
    ("twilio_chat_v2.json", "chat"),
    ("twilio_chat_v3.json", "chat"),
    ("twilio_content_v1.json", "content"),
    ("twilio_content_v2.json", "content"),
    ("twilio_notify_v1.json", "notify"),
    ("twilio_api_v2010.json", "api"),
    ("twilio_monitor_v1.json", "monitor"),
    ("twilio_events_v1.json", "events"),
];

/// Where the published files are, if they are there.
pub(crate) fn published(root: &Path) -> Option<PathBuf> {
    let folder = root.join("../shared/spec/openapi");
    folder.is_dir().then_some(folder)
}

/// What the comparison found.
pub(crate) struct Comparison {
    /// Facts of the published files that were looked for.
    pub(crate) checked: usize,
    /// Those that an exception names.
    pub(crate) excepted: usize,
    /// What is missing or different, one line each; also exceptions that no longer except anything.
    pub(crate) problems: Vec<String>,
}

#[derive(Deserialize)]
struct Exceptions {
    exception: Vec<Exception>,
}

/// Something published that is left out on purpose.
#[derive(Deserialize)]
struct Exception {
    /// Start of the line that would name it: product, method, path, and perhaps what of it.
    at: String,
    #[serde(rename = "reason")]
    _reason: String,
}

/// Compares the document with all published files.
pub(crate) fn compare(ours: &Value, folder: &Path, exceptions: &Path) -> Result<Comparison> {
    let text = std::fs::read_to_string(exceptions)
        .with_context(|| format!("cannot read {}", exceptions.display()))?;
    let exceptions: Exceptions = toml::from_str(&text)?;
    let mut facts = Facts::default();
    let ours = Document::of(ours)?;
    for (file, product) in FILES {
        let text =
            std::fs::read_to_string(folder.join(file)).with_context(|| format!("cannot read {file}"))?;
        let theirs = serde_json::from_str(&text)?;
        facts.compare(product, &Document::of(&theirs)?, &ours);
    }
    let mut used = BTreeSet::new();
    let mut problems = Vec::new();
    let mut excepted = 0;
    for problem in facts.problems {
        match exceptions.exception.iter().find(|e| problem.starts_with(&e.at)) {
            Some(exception) => {
                used.insert(exception.at.clone());
                excepted += 1;
            }
            None => problems.push(problem),
        }
    }
    for exception in exceptions.exception {
        if !used.contains(&exception.at) {
            problems.push(format!(
                "nothing is missing any more at the exception: {}",
                exception.at
            ));
        }
    }
    Ok(Comparison {
        checked: facts.checked,
        excepted,
        problems,
    })
}

/// An OpenAPI document with its operations by method and path, in which the names of path items do not count.
struct Document<'a> {
    root: &'a Value,
    operations: BTreeMap<(String, String), &'a Value>,
}

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

impl<'a> Document<'a> {
    fn of(root: &'a Value) -> Result<Self> {
        let Some(paths) = root["paths"].as_object() else {
            bail!("an OpenAPI document without paths");
        };
        let mut operations = BTreeMap::new();
        for (path, methods) in paths {
            for method in METHODS {
                if let Some(operation) = methods.get(method) {
                    operations.insert((method.to_owned(), nameless(path)), operation);
                }
            }
        }
        Ok(Self { root, operations })
    }

    fn resolve(&self, value: &'a Value) -> &'a Value {
        let mut at = value;
        while let Some(reference) = at["$ref"].as_str() {
            match reference
                .strip_prefix('#')
                .and_then(|pointer| self.root.pointer(pointer))
            {
                Some(target) => at = target,
                None => break,
            }
        }
        at
    }

    /// Name, place and schema of each parameter; those of a form have the place `form`.
    fn parameters(&self, operation: &'a Value) -> BTreeMap<(String, String), &'a Value> {
        let mut found = BTreeMap::new();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let parameter = self.resolve(parameter);
            let (name, place) = (&parameter["name"], &parameter["in"]);
            if let (Some(name), Some(place)) = (name.as_str(), place.as_str())
                && place != "path"
            {
                found.insert((place.to_owned(), name.to_owned()), &parameter["schema"]);
            }
        }
        for content in operation["requestBody"]["content"]
            .as_object()
            .into_iter()
            .flatten()
        {
            let schema = self.resolve(&content.1["schema"]);
            for (name, schema) in self.properties(schema) {
                found.insert(("body".to_owned(), name.clone()), schema);
            }
        }
        found
    }

    fn properties(&self, schema: &'a Value) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.resolve(schema)["properties"]
            .as_object()
            .into_iter()
            .flatten()
    }

    /// Schemas of the successful answers.
    fn answers(&self, operation: &'a Value) -> Vec<&'a Value> {
        let responses: Vec<(&String, &Value)> = operation["responses"]
            .as_object()
            .map(Map::iter)
            .into_iter()
            .flatten()
            .collect();
        responses
            .into_iter()
            .filter(|(status, _)| status.starts_with('2'))
            .filter_map(|(_, response)| {
                let content = self.resolve(response)["content"].as_object()?;
                Some(&content.values().next()?["schema"])
            })
            .collect()
    }
}

/// A published path as ours has it: products stand in front, but for 2010-04-01, whose URIs are relative to the host.
fn path_of(product: &str, path: &str) -> String {
    if product == "api" {
        path.to_owned()
    } else {
        format!("/{product}{path}")
    }
}

/// A path in which items have no names: `/v1/Services/{}/Users`.
fn nameless(path: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in path.chars() {
        match c {
            '{' => {
                inside = true;
                out.push_str("{}");
            }
            '}' => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out
}

#[derive(Default)]
struct Facts {
    checked: usize,
    problems: Vec<String>,
}

impl Facts {
    fn require(&mut self, holds: bool, problem: impl FnOnce() -> String) {
        self.checked += 1;
        if !holds {
            self.problems.push(problem());
        }
    }

    fn compare<'a>(&mut self, product: &str, theirs: &Document<'a>, ours: &Document<'a>) {
        for ((method, path), operation) in &theirs.operations {
            let name = format!("{product} {} {path}", method.to_uppercase());
            let own = ours.operations.get(&(method.clone(), path_of(product, path)));
            self.require(own.is_some(), || format!("{name} is missing"));
            let Some(own) = own else { continue };
            let own_parameters = ours.parameters(own);
            for ((place, parameter), schema) in theirs.parameters(operation) {
                let at = format!("{name} {place} {parameter}");
                // What a POST takes in its form it also takes in its query.
                let found = own_parameters.get(&(place.clone(), parameter.clone()));
                self.require(found.is_some(), || format!("{at} is missing"));
                if let Some(found) = found {
                    self.schema(&at, theirs, schema, ours, found, 0);
                }
            }
            let (answers, own_answers) = (theirs.answers(operation), ours.answers(own));
            if let (Some(answer), Some(own_answer)) = (answers.first(), own_answers.first()) {
                self.schema(&format!("{name} answer"), theirs, answer, ours, own_answer, 0);
            } else {
                self.require(answers.is_empty(), || format!("{name} answer is missing"));
            }
        }
    }

    fn schema<'a>(
        &mut self,
        at: &str,
        theirs: &Document<'a>,
        schema: &'a Value,
        ours: &Document<'a>,
        own: &'a Value,
        depth: usize,
    ) {
        let (schema, own) = (theirs.resolve(schema), ours.resolve(own));
        let (types, own_types) = (types(schema), types(own));
        // A schema without type takes any value.
        if !types.is_empty() && !own_types.is_empty() {
            let agree = types.iter().any(|kind| own_types.contains(kind));
            self.require(agree, || format!("{at} is {own_types:?} and not {types:?}"));
        }
        let (words, own_words) = (words(schema), words(own));
        if !words.is_empty() && !own_types.is_empty() {
            let missing: Vec<_> = words.difference(&own_words).collect();
            // Where ours has no enumeration it takes any word.
            self.require(own_words.is_empty() || missing.is_empty(), || {
                format!("{at} has no word {missing:?}")
            });
            self.require(!own_words.is_empty(), || format!("{at} has no enumeration"));
        }
        if depth > 6 {
            return;
        }
        let own_properties: BTreeMap<_, _> = ours.properties(own).collect();
        for (name, property) in theirs.properties(schema) {
            let at = format!("{at} {name}");
            let found = own_properties.get(name);
            // An object of ours without properties takes any.
            if own_properties.is_empty() && depth > 0 {
                continue;
            }
            self.require(found.is_some(), || format!("{at} is missing"));
            if let Some(found) = found {
                self.schema(&at, theirs, property, ours, found, depth + 1);
            }
        }
        if let (Some(items), Some(own_items)) = (schema.get("items"), own.get("items")) {
            self.schema(&format!("{at} []"), theirs, items, ours, own_items, depth + 1);
        }
    }
}

/// The types of a schema without null.
fn types(schema: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    match &schema["type"] {
        Value::String(one) => {
            found.insert(one.clone());
        }
        Value::Array(many) => found.extend(many.iter().filter_map(Value::as_str).map(str::to_owned)),
        _ => {}
    }
    for key in ["anyOf", "oneOf"] {
        for part in schema[key].as_array().into_iter().flatten() {
            found.extend(types(part));
        }
    }
    found.remove("null");
    found
}

/// The words of an enumeration in lower case: the server takes some of them in any.
fn words(schema: &Value) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = schema["enum"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_lowercase)
        .collect();
    for key in ["anyOf", "oneOf"] {
        for part in schema[key].as_array().into_iter().flatten() {
            found.extend(words(part));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(theirs: &Value, ours: &Value) -> Vec<String> {
        let mut facts = Facts::default();
        facts.compare(
            "chat",
            &Document::of(theirs).unwrap(),
            &Document::of(ours).unwrap(),
        );
        facts.problems
    }

    fn document(path: &str, parameter: &str, property: &Value) -> Value {
        json!({
            "paths": { path: { "get": {
                "parameters": [{ "name": parameter, "in": "query", "schema": { "type": "string" } }],
                "responses": { "200": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/x" } } } } },
            } } },
            "components": { "schemas": { "x": { "type": "object", "properties": { "p": property } } } },
        })
    }

    #[test]
    fn a_difference_of_each_kind_is_found() {
        let theirs = document(
            "/v2/X/{Sid}",
            "A",
            &json!({ "type": "string", "enum": ["a", "b"] }),
        );
        let same = document(
            "/chat/v2/X/{Other}",
            "A",
            &json!({ "type": ["string", "null"], "enum": ["b", "a"] }),
        );
        assert_eq!(found(&theirs, &same), Vec::<String>::new());
        for (ours, problem) in [
            (
                document("/chat/v2/Y", "A", &json!({})),
                "chat GET /v2/X/{} is missing",
            ),
            (
                document(
                    "/chat/v2/X/{Sid}",
                    "B",
                    &json!({ "type": "string", "enum": ["a", "b"] }),
                ),
                "chat GET /v2/X/{} query A is missing",
            ),
            (
                document(
                    "/chat/v2/X/{Sid}",
                    "A",
                    &json!({ "type": "string", "enum": ["a"] }),
                ),
                "chat GET /v2/X/{} answer p has no word [\"b\"]",
            ),
            (
                document("/chat/v2/X/{Sid}", "A", &json!({ "type": "string" })),
                "chat GET /v2/X/{} answer p has no enumeration",
            ),
        ] {
            assert_eq!(found(&theirs, &ours), [problem]);
        }
        let other_type = document("/chat/v2/X/{Sid}", "A", &json!({ "type": "integer" }));
        assert!(found(&theirs, &other_type)[0].contains("is {\"integer\"} and not {\"string\"}"));
    }
}
