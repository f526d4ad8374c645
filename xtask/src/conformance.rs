//! docs/conformance.md: every rule and operation of the contract with the tests that show it.
//!
//! A test shows what it names: a rule by its number (`B-123` in its body, title or comment, `_b123` in its name), an
//! operation by its id (`CreateUser`).

use anyhow::{Context as _, Result};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

/// A test and all text that belongs to it.
#[derive(Debug, PartialEq, Eq)]
struct Test {
    /// File and name.
    name: String,
    text: String,
}

/// All tests of the project.
fn tests(root: &Path) -> Result<Vec<Test>> {
    let mut found = Vec::new();
    for folder in ["crates", "tests/clients"] {
        visit(&root.join(folder), root, &mut found)?;
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn visit(folder: &Path, root: &Path, found: &mut Vec<Test>) -> Result<()> {
    let listing = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in listing {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            if name != "node_modules" && name != "target" && !name.starts_with('.') {
                visit(&path, root, found)?;
            }
            continue;
        }
        let split: fn(&str) -> Vec<(String, String)> = match path.extension().and_then(|e| e.to_str()) {
            Some("rs") => rust_tests,
            Some("mjs") if name.ends_with(".test.mjs") => node_tests,
            Some("py") if name.starts_with("test_") => python_tests,
            _ => continue,
        };
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let file = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        found.extend(split(&text).into_iter().map(|(name, text)| Test {
            name: format!("{file}: {name}"),
            text,
        }));
    }
    Ok(())
}

/// Functions marked as tests, with the comment before and the body up to the brace in the column of the mark.
fn rust_tests(text: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let mark = line.trim_start();
        if !(mark == "#[test]" || mark.starts_with("#[tokio::test")) {
            continue;
        }
        let indent = line.len() - mark.len();
        let start = (0..at)
            .rev()
            .take_while(|i| lines[*i].trim_start().starts_with("///"))
            .last()
            .unwrap_or(at);
        let end = (at..lines.len())
            .find(|i| lines[*i].trim_end() == format!("{}}}", " ".repeat(indent)))
            .unwrap_or(lines.len() - 1);
        let body = lines[start..=end].join("\n");
        let name = body
            .split_once("fn ")
            .and_then(|(_, rest)| rest.split(['(', '<']).next())
            .unwrap_or_default()
            .to_owned();
        found.push((name, body));
    }
    found
}

/// `test("title", …)` up to the next one at the same indentation.
fn node_tests(text: &str) -> Vec<(String, String)> {
    let starts = |line: &str| {
        let line = line.trim_start();
        ["test(", "await t.test(", "t.test(", "it("]
            .iter()
            .any(|start| line.starts_with(start))
    };
    blocks(text, starts, |block| {
        let rest = block.split_once('(').map_or("", |(_, rest)| rest.trim_start());
        let quote = rest.chars().next().unwrap_or('"');
        rest.trim_start_matches(quote)
            .split(quote)
            .next()
            .unwrap_or_default()
            .to_owned()
    })
}

/// `def test_…` up to the next one.
fn python_tests(text: &str) -> Vec<(String, String)> {
    blocks(
        text,
        |line| line.trim_start().starts_with("def test"),
        |block| {
            let rest = block.split_once("def ").map_or("", |(_, rest)| rest);
            rest.split('(').next().unwrap_or_default().to_owned()
        },
    )
}

fn blocks(text: &str, starts: impl Fn(&str) -> bool, name: impl Fn(&str) -> String) -> Vec<(String, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let begins: Vec<usize> = (0..lines.len()).filter(|i| starts(lines[*i])).collect();
    begins
        .iter()
        .enumerate()
        .map(|(n, &start)| {
            let end = begins.get(n + 1).copied().unwrap_or(lines.len());
            let block = lines[start..end].join("\n");
            (name(&block), block)
        })
        .collect()
}

/// The rule numbers that a text names.
fn rules_in(text: &str) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    for mark in ["B-", "_b"] {
        for (at, _) in text.match_indices(mark) {
            let digits: String = text[at + mark.len()..]
                .chars()
                .take_while(char::is_ascii_digit)
                .collect();
            if digits.len() == 3 {
                found.extend(digits.parse::<u32>().ok());
            }
        }
    }
    found
}

/// The words of a text that could be operation ids.
fn words_in(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| word.starts_with(|c: char| c.is_ascii_uppercase()))
        .collect()
}

/// Writes the document from the contract and the tests; `ours` is the server's own OpenAPI document.
pub(crate) fn document(root: &Path, spec: &Path, ours: &Value) -> Result<String> {
    let tests = tests(root)?;
    let mut by_rule: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    let mut by_word: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for test in &tests {
        for rule in rules_in(&test.text) {
            by_rule.entry(rule).or_default().push(&test.name);
        }
        for word in words_in(&test.text) {
            by_word.entry(word).or_default().push(&test.name);
        }
    }
    let mut out = String::from(
        "# Conformance\n\nWritten by `cargo xtask conformance`; do not edit. Each rule and operation of the contract with the tests\n\
         that name it. `cargo xtask test` fails when a test of this page is gone or the page is not what it would write.\n",
    );
    operations(&mut out, spec, ours, &by_word)?;
    rules(&mut out, spec, &by_rule)?;
    Ok(out)
}

/// A test list as a cell of a table: the first three, and how many more.
fn cell(tests: Option<&Vec<&str>>) -> String {
    let Some(tests) = tests else {
        return "not yet".into();
    };
    let mut cell = tests
        .iter()
        .take(3)
        .map(|t| format!("`{t}`"))
        .collect::<Vec<_>>()
        .join("<br>");
    if tests.len() > 3 {
        let _ = write!(cell, "<br>and {} more", tests.len() - 3);
    }
    cell.replace('|', "\\|")
}

fn operations(
    out: &mut String,
    spec: &Path,
    ours: &Value,
    by_word: &BTreeMap<&str, Vec<&str>>,
) -> Result<()> {
    let text = std::fs::read_to_string(spec.join("coverage.csv")).context("cannot read coverage.csv")?;
    let mut table = String::new();
    let (mut shown, mut all) = (0, 0);
    let mut named: BTreeMap<&str, usize> = BTreeMap::new();
    for id in text.lines().skip(1).filter_map(|line| line.split(',').nth(1)) {
        *named.entry(id).or_default() += 1;
    }
    for line in text.lines().skip(1) {
        let columns: Vec<&str> = line.splitn(6, ',').collect();
        let [product, id, method, path, in_seeds, ..] = columns.as_slice() else {
            continue;
        };
        let product_name = product.split('-').next().unwrap_or(product);
        let own = own_id(ours, product_name, method, path);
        // Some operations have no published id; then it is ours that tests name.
        let id = match (*id, own) {
            ("", Some(own)) => own,
            (id, _) => id,
        };
        // Several products use one name, so the id alone says little of the smaller ones.
        let alone = *product == "conversations" || named.get(id).copied().unwrap_or(0) <= 1;
        let tests = by_word
            .get(format!("{}{id}", capital(product_name)).as_str())
            .or_else(|| by_word.get(id).filter(|_| alone))
            .filter(|_| own.is_some());
        if *in_seeds == "y" {
            all += 1;
            shown += usize::from(tests.is_some());
        }
        let place = if *in_seeds == "y" { "yes" } else { "" };
        let _ = writeln!(
            table,
            "| {product} | {id} | {method} `{path}` | {place} | {} |",
            cell(tests)
        );
    }
    let _ = write!(
        out,
        "\n## Operations\n\n{shown} of the {all} operations of the documents have a test that names them.\n\n\
         | product | operation | path | in the documents | tests |\n|---|---|---|---|---|\n{table}"
    );
    Ok(())
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|c| c.to_ascii_uppercase())
        .into_iter()
        .chain(letters)
        .collect()
}

/// The id of an operation in our own document, without the product.
fn own_id<'a>(ours: &'a Value, product: &str, method: &str, path: &str) -> Option<&'a str> {
    let prefix = if product == "api" {
        String::new()
    } else {
        format!("/{product}")
    };
    let wanted = nameless(&format!("{prefix}{path}"));
    let methods = ours["paths"]
        .as_object()?
        .iter()
        .find(|(path, _)| nameless(path) == wanted)?;
    let id = methods.1.get(method.to_lowercase())?["operationId"].as_str()?;
    id.split_once('.').map(|(_, id)| id)
}

fn nameless(path: &str) -> String {
    path.split('/')
        .map(|segment| match (segment.find('{'), segment.find('}')) {
            (Some(open), Some(close)) => format!("{}{{}}{}", &segment[..open], &segment[close + 1..]),
            _ => segment.to_owned(),
        })
        .collect::<Vec<_>>()
        .join("/")
}

fn rules(out: &mut String, spec: &Path, by_rule: &BTreeMap<u32, Vec<&str>>) -> Result<()> {
    let text = std::fs::read_to_string(spec.join("behaviours.md")).context("cannot read behaviours.md")?;
    let mut table = String::new();
    let (mut shown, mut all) = (0, 0);
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            let _ = write!(table, "\n### {title}\n\n| rule | tests |\n|---|---|\n");
            continue;
        }
        let number = line
            .strip_prefix("- **B-")
            .and_then(|rest| rest.get(..3)?.parse::<u32>().ok());
        if let Some(number) = number {
            all += 1;
            shown += usize::from(by_rule.contains_key(&number));
            let _ = writeln!(table, "| B-{number:03} | {} |", cell(by_rule.get(&number)));
        }
    }
    let _ = write!(
        out,
        "\n## Rules\n\n{shown} of {all} rules have a test that names them.\n{table}"
    );
    Ok(())
}

/// Tests that the document lists and that are gone.
pub(crate) fn missing(root: &Path, document: &str) -> Result<Vec<String>> {
    let known: BTreeSet<String> = tests(root)?.into_iter().map(|test| test.name).collect();
    let listed: BTreeSet<&str> = document
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|text| text.contains(": ") && (text.starts_with("crates/") || text.starts_with("tests/")))
        .collect();
    Ok(listed
        .into_iter()
        .filter(|name| !known.contains(&name.replace("\\|", "|")))
        .map(|name| format!("docs/conformance.md names a test that is gone: {name}"))
        .collect())
}

#[cfg(test)]
mod tests_of_this {
    use super::*;

    #[test]
    fn a_rust_test_has_its_comment_name_and_body() {
        let text = "/// Shows B-101.\n#[tokio::test]\nasync fn a_thing_b102() {\n    // B-103\n}\n\nfn other() { /* B-104 */ }\n";
        let found = rust_tests(text);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, "a_thing_b102");
        assert_eq!(rules_in(&found[0].1), BTreeSet::from([101, 102, 103]));
    }

    #[test]
    fn node_and_python_tests_are_split_by_their_heads() {
        let node =
            node_tests("test('CreateUser B-541', () => {\n  x();\n});\ntest(`two`, async () => {});\n");
        assert_eq!(
            node.iter().map(|t| t.0.as_str()).collect::<Vec<_>>(),
            ["CreateUser B-541", "two"]
        );
        assert!(words_in(&node[0].1).contains("CreateUser") && !words_in(&node[1].1).contains("CreateUser"));
        let python = python_tests(
            "class A:\n    def test_a(self):\n        \"\"\"FetchUser\"\"\"\n    def test_b(self):\n        pass\n",
        );
        assert_eq!(
            python.iter().map(|t| t.0.as_str()).collect::<Vec<_>>(),
            ["test_a", "test_b"]
        );
        assert!(words_in(&python[0].1).contains("FetchUser"));
    }
}
