//! What the compiler does not check: who may use whom, where SQL may stand, which packages and licences are let in.

use crate::spdx;
use crate::workspace::cargo_path;
use anyhow::{Context as _, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

const PREFIX: &str = "confab-";

/// The arrows: each crate with the crates it may use. docs/ARCHITECTURE.md says why they point this way.
const ARROWS: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("store", &[]),
    ("bus", &[]),
    ("domain", &["types", "store"]),
    ("engine", &["types", "store", "domain", "bus"]),
    ("jobs", &["types", "domain", "engine"]),
    ("channels", &["types", "domain", "engine", "jobs"]),
    ("outgoing", &[]),
    ("media", &["types", "domain", "engine", "jobs", "outgoing"]),
    ("webhooks", &["types", "domain", "engine", "outgoing"]),
    ("api", &["types", "domain", "engine", "media"]),
    ("realtime", &["types", "domain", "engine", "bus"]),
    (
        "server",
        &[
            "types", "store", "domain", "engine", "bus", "jobs", "channels", "outgoing", "media", "webhooks",
            "api", "realtime",
        ],
    ),
    (
        "testkit",
        &[
            "types", "store", "domain", "engine", "bus", "jobs", "channels", "outgoing", "media", "webhooks",
            "api", "realtime", "server",
        ],
    ),
];

/// What the tests of every crate may use besides.
const FOR_TESTS: &[&str] = &["testkit", "store"];

/// Domain commands are pure functions of a transaction: nothing there may wait for a network.
const NOT_IN_DOMAIN: &[&str] = &["axum", "hyper", "reqwest", "async-nats"];
/// Allowed in domain only by way of the store.
const NOT_IN_DOMAIN_ITSELF: &[&str] = &["tokio"];

const SQL_CRATES: &[&str] = &["store", "domain"];

/// All breaches, one line each.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let metadata = MetadataCommand::new()
        .cargo_path(cargo_path())
        .current_dir(root)
        .exec()?;
    let rules = Rules::read(&root.join("deny.toml"))?;
    let graph = Graph::of(&metadata)?;
    let mut problems = graph.arrow_problems();
    problems.extend(graph.domain_problems());
    problems.extend(graph.package_problems(&rules)?);
    problems.extend(sql_problems(root)?);
    problems.extend(address_problems(root, &registry_hosts())?);
    Ok(problems)
}

/// The part of deny.toml which this check shares with cargo-deny.
#[derive(Deserialize)]
struct Rules {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

impl Rules {
    fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("cannot understand {}", path.display()))
    }
}

/// The resolved packages, reduced to what the rules speak about.
struct Graph {
    packages: HashMap<PackageId, Package>,
}

struct Package {
    name: String,
    licence: Option<String>,
    is_ours: bool,
    uses: Vec<(PackageId, bool)>,
}

impl Graph {
    fn of(metadata: &Metadata) -> Result<Self> {
        let resolve = metadata
            .resolve
            .as_ref()
            .context("cargo metadata resolved no dependencies")?;
        let ours: HashSet<&PackageId> = metadata.workspace_members.iter().collect();
        let mut packages = HashMap::new();
        for node in &resolve.nodes {
            let package = &metadata[&node.id];
            let uses = node
                .deps
                .iter()
                .filter(|used| is_activated(package, &node.features, metadata[&used.pkg].name.as_str()))
                .map(|used| {
                    let only_tests = used
                        .dep_kinds
                        .iter()
                        .all(|kind| kind.kind == DependencyKind::Development);
                    (used.pkg.clone(), only_tests)
                })
                .collect();
            let reduced = Package {
                name: package.name.to_string(),
                licence: package.license.clone(),
                is_ours: ours.contains(&node.id),
                uses,
            };
            packages.insert(node.id.clone(), reduced);
        }
        let mut graph = Self { packages };
        graph.forget_unused(&ours);
        Ok(graph)
    }

    /// What no workspace member reaches is in the lock file only: it is never compiled.
    fn forget_unused(&mut self, ours: &HashSet<&PackageId>) {
        let mut used = HashSet::new();
        let mut open: Vec<PackageId> = ours.iter().map(|id| (*id).clone()).collect();
        while let Some(id) = open.pop() {
            if used.insert(id.clone()) {
                open.extend(self.packages[&id].uses.iter().map(|(used, _)| used.clone()));
            }
        }
        self.packages.retain(|id, _| used.contains(id));
    }

    fn arrow_problems(&self) -> Vec<String> {
        let arrows: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
        let mut problems = BTreeSet::new();
        for package in self.packages.values() {
            let Some(name) = package.name.strip_prefix(PREFIX).filter(|_| package.is_ours) else {
                continue;
            };
            let Some(allowed) = arrows.get(name) else {
                problems.insert(format!(
                    "arrows: crate {name} is not in the table of xtask/src/structure.rs"
                ));
                continue;
            };
            for (used, only_tests) in &package.uses {
                let used = &self.packages[used];
                let Some(used) = used.name.strip_prefix(PREFIX).filter(|_| used.is_ours) else {
                    continue;
                };
                if !(allowed.contains(&used) || *only_tests && FOR_TESTS.contains(&used)) {
                    let when = if *only_tests { " in its tests" } else { "" };
                    problems.insert(format!("arrows: {name} must not use {used}{when}"));
                }
            }
        }
        problems.into_iter().collect()
    }

    fn domain_problems(&self) -> Vec<String> {
        let domain = format!("{PREFIX}domain");
        let store = format!("{PREFIX}store");
        let mut problems: Vec<String> = Vec::new();
        let with_store = self.reachable(&domain, "");
        let without_store = self.reachable(&domain, &store);
        for name in NOT_IN_DOMAIN.iter().filter(|name| with_store.contains(**name)) {
            problems.push(format!("domain: must not reach {name}"));
        }
        for name in NOT_IN_DOMAIN_ITSELF
            .iter()
            .filter(|name| without_store.contains(**name))
        {
            problems.push(format!("domain: must not reach {name} but through the store"));
        }
        problems
    }

    /// Names of all packages that the crate `from` needs to run, found without going through `closed`.
    fn reachable(&self, from: &str, closed: &str) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        let mut seen = HashSet::new();
        let mut open: Vec<&PackageId> = self
            .packages
            .iter()
            .filter(|(_, package)| package.name == from)
            .map(|(id, _)| id)
            .collect();
        while let Some(id) = open.pop() {
            let package = &self.packages[id];
            if package.name == closed || !seen.insert(id) {
                continue;
            }
            names.insert(package.name.as_str());
            open.extend(
                package
                    .uses
                    .iter()
                    .filter(|(_, only_tests)| !only_tests)
                    .map(|(used, _)| used),
            );
        }
        names
    }

    fn package_problems(&self, rules: &Rules) -> Result<Vec<String>> {
        let mut problems = BTreeSet::new();
        for package in self.packages.values() {
            let name = &package.name;
            for ban in rules.bans.deny.iter().filter(|ban| ban.name == *name) {
                problems.insert(format!(
                    "bans: {name} is in the dependency graph ({})",
                    ban.reason
                ));
            }
            match &package.licence {
                None => {
                    problems.insert(format!("licences: {name} names no licence"));
                }
                Some(licence) => {
                    let allowed = spdx::is_allowed(licence, &rules.licenses.allow)
                        .with_context(|| format!("licence of {name}"))?;
                    if !allowed {
                        problems.insert(format!("licences: {name} is under {licence}"));
                    }
                }
            }
        }
        Ok(problems.into_iter().collect())
    }
}

/// Whether a package uses another one with the features that it is compiled with. A weak feature (`ring?/alloc`) puts
/// its package into the lock file and the metadata although nothing switches it on.
fn is_activated(package: &cargo_metadata::Package, features: &[impl AsRef<str>], used: &str) -> bool {
    let mut declared = package.dependencies.iter().filter(|d| d.name == used).peekable();
    if declared.peek().is_none() || declared.any(|dependency| !dependency.optional) {
        return true;
    }
    let names = package.dependencies.iter().filter(|d| d.name == used);
    let names: Vec<&str> = names.map(|d| d.rename.as_deref().unwrap_or(&d.name)).collect();
    let switches_on = |text: &String| match text.split_once('/') {
        Some((name, _)) => names.contains(&name),
        None => text
            .strip_prefix("dep:")
            .is_some_and(|name| names.contains(&name)),
    };
    features
        .iter()
        .filter_map(|feature| package.features.get(feature.as_ref()))
        .flatten()
        .any(switches_on)
}

fn sql_problems(root: &Path) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let crates = root.join("crates");
    for file in files_below(&crates)? {
        let inside = file.strip_prefix(&crates)?;
        let owner = inside
            .components()
            .next()
            .map(|part| part.as_os_str().to_string_lossy().into_owned());
        if file.extension().is_none_or(|extension| extension != "rs")
            || owner.is_some_and(|owner| SQL_CRATES.contains(&owner.as_str()))
        {
            continue;
        }
        for (line, text) in string_literals(&std::fs::read_to_string(&file)?) {
            if is_sql(&text) {
                problems.push(format!(
                    "sql: crates/{}:{line} has SQL text outside of store and domain",
                    inside.display()
                ));
            }
        }
    }
    Ok(problems)
}

/// Upper-case keywords only: that is how SQL is written here, and how no sentence is.
fn is_sql(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        ["SELECT", _, ..] | ["INSERT", "INTO", ..] | ["DELETE", "FROM", ..] => true,
        ["UPDATE", rest @ ..] => rest.contains(&"SET"),
        _ => false,
    }
}

/// The string literals of Rust source with the line of their beginning; comments and characters are passed over.
fn string_literals(source: &str) -> Vec<(usize, String)> {
    let bytes = source.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    let starts = |at: usize, text: &str| {
        bytes
            .get(at..)
            .is_some_and(|rest| rest.starts_with(text.as_bytes()))
    };
    while at < bytes.len() {
        let before = at;
        if starts(at, "//") {
            at += source[at..].find('\n').unwrap_or(source.len() - at);
        } else if starts(at, "/*") {
            let mut depth = 0_usize;
            while at < bytes.len() {
                if starts(at, "/*") {
                    depth += 1;
                    at += 2;
                } else if starts(at, "*/") {
                    depth -= 1;
                    at += 2;
                    if depth == 0 {
                        break;
                    }
                } else {
                    at += 1;
                }
            }
        } else if bytes[at] == b'r' && !after_name(bytes, at) && raw_hashes(bytes, at + 1).is_some() {
            let hashes = raw_hashes(bytes, at + 1).unwrap_or_default();
            let begin = at + 2 + hashes;
            let end_mark = format!("\"{}", "#".repeat(hashes));
            let end = source[begin..]
                .find(&end_mark)
                .map_or(source.len(), |length| begin + length);
            found.push((line_of(source, before), source[begin..end].to_owned()));
            at = end + end_mark.len();
        } else if bytes[at] == b'"' {
            at += 1;
            let begin = at;
            while at < bytes.len() && bytes[at] != b'"' {
                at += if bytes[at] == b'\\' { 2 } else { 1 };
            }
            let end = at.min(bytes.len());
            // A backslash at the end of a line joins it to the next one: for the words it is a space.
            let text = source
                .get(begin..end)
                .unwrap_or_default()
                .replace("\\\n", " ")
                .replace("\\n", " ");
            found.push((line_of(source, before), text));
            at += 1;
        } else if bytes[at] == b'\'' {
            // A character literal, or else a lifetime, which needs no skipping.
            if bytes.get(at + 1) == Some(&b'\\') {
                at += 3;
                while at < bytes.len() && bytes[at] != b'\'' {
                    at += 1;
                }
                at += 1;
            } else {
                let length = source[at + 1..].chars().next().map_or(1, char::len_utf8);
                at += if bytes.get(at + 1 + length) == Some(&b'\'') {
                    length + 2
                } else {
                    1
                };
            }
        } else {
            at += 1;
        }
        while at < bytes.len() && !source.is_char_boundary(at) {
            at += 1;
        }
    }
    found
}

/// Whether the letter at `at` belongs to a longer name; the `b` or `c` of a literal's prefix does not.
fn after_name(bytes: &[u8], at: usize) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match at.checked_sub(1).map(|before| bytes[before]) {
        Some(b'b' | b'c') => at >= 2 && is_name(bytes[at - 2]),
        Some(byte) => is_name(byte),
        None => false,
    }
}

/// The number of `#` from `at` on, if a quotation mark follows them.
fn raw_hashes(bytes: &[u8], at: usize) -> Option<usize> {
    let hashes = bytes.get(at..)?.iter().take_while(|byte| **byte == b'#').count();
    (bytes.get(at + hashes) == Some(&b'"')).then_some(hashes)
}

fn line_of(source: &str, at: usize) -> usize {
    source[..at].matches('\n').count() + 1
}

/// Package registries: the public ones, and those this machine is told to use instead. Neither belongs into the tree:
/// what one machine downloads from is of no use to another.
fn registry_hosts() -> BTreeSet<String> {
    // Joined here so that this file does not breach its own rule.
    let mut hosts: BTreeSet<String> = ["npmjs.org", "yarnpkg.com"]
        .iter()
        .map(|domain| format!("registry.{domain}"))
        .collect();
    hosts.extend(
        ["index", "static"]
            .iter()
            .map(|label| format!("{label}.crates.io")),
    );
    let mut settings = Vec::new();
    for (name, value) in std::env::vars() {
        let name = name.to_ascii_uppercase();
        if ["REGISTRY", "INDEX", "PROXY"]
            .iter()
            .any(|word| name.contains(word))
        {
            settings.push(value);
        }
    }
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let cargo_home = std::env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    for file in [
        cargo_home.join("config.toml"),
        cargo_home.join("config"),
        home.join(".npmrc"),
        "/etc/npmrc".into(),
    ] {
        settings.extend(std::fs::read_to_string(file));
    }
    hosts.extend(settings.iter().flat_map(|text| hosts_in(text)));
    hosts
}

/// The host names of the URLs in `text`, but those that mean this machine, and the home of the public index, whose
/// address is the name of that index in every Cargo.lock.
fn hosts_in(text: &str) -> Vec<String> {
    let ends = |character: char| !(character.is_ascii_alphanumeric() || matches!(character, '.' | '-'));
    text.split("://")
        .skip(1)
        .filter_map(|rest| {
            let authority = rest.split(['/', '"', '\'', '\n', ' ', ',']).next()?;
            let host = authority.rsplit('@').next()?;
            host.split(ends).next().map(str::to_owned)
        })
        .filter(|host| host.contains('.') && !host.starts_with("127.") && host != "github.com")
        .collect()
}

fn address_problems(root: &Path, hosts: &BTreeSet<String>) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for file in files_below(root)? {
        let Ok(text) = std::fs::read_to_string(&file) else {
            continue;
        };
        let shown = file.strip_prefix(root)?.display();
        for host in hosts.iter().filter(|host| text.contains(host.as_str())) {
            problems.push(format!("addresses: {shown} names the package registry {host}"));
        }
        if file.file_name().is_some_and(|name| name == "package-lock.json")
            && text.contains("\"resolved\": \"http")
        {
            problems.push(format!("addresses: {shown} has download addresses (`resolved`)"));
        }
    }
    Ok(problems)
}

/// All files of the tree in order, without what is built, installed or local to a checkout.
fn files_below(directory: &Path) -> Result<Vec<PathBuf>> {
    const SKIPPED: &[&str] = &[".git", "target", "node_modules", ".venv", "confab-data"];
    let mut files = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in
            std::fs::read_dir(&directory).with_context(|| format!("cannot list {}", directory.display()))?
        {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_file() {
                files.push(entry.path());
            } else if kind.is_dir() && !SKIPPED.contains(&entry.file_name().to_string_lossy().as_ref()) {
                open.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packages as `name: used used`; a `~` before a used one means "only in tests".
    fn graph(lines: &[&str]) -> Graph {
        let id = |name: &str| PackageId {
            repr: name.to_owned(),
        };
        let mut packages = HashMap::new();
        for line in lines {
            let (name, uses) = line.split_once(':').unwrap();
            let uses = uses
                .split_whitespace()
                .map(|used| (id(used.trim_start_matches('~')), used.starts_with('~')))
                .collect();
            let is_ours = name.starts_with(PREFIX);
            packages.insert(
                id(name),
                Package {
                    name: name.to_owned(),
                    licence: Some("MIT".into()),
                    is_ours,
                    uses,
                },
            );
        }
        Graph { packages }
    }

    #[test]
    fn arrows_are_kept() {
        let good = graph(&[
            "confab-types: serde",
            "confab-store: ~confab-testkit",
            "confab-domain: confab-types confab-store",
            "confab-server: confab-domain",
            "confab-testkit: confab-server",
            "serde:",
        ]);
        assert_eq!(good.arrow_problems(), Vec::<String>::new());
        let bad = graph(&[
            "confab-types: confab-domain",
            "confab-domain: confab-testkit",
            "confab-testkit:",
            "confab-new:",
        ]);
        assert_eq!(
            bad.arrow_problems(),
            [
                "arrows: crate new is not in the table of xtask/src/structure.rs",
                "arrows: domain must not use testkit",
                "arrows: types must not use domain",
            ]
        );
    }

    #[test]
    fn the_table_itself_has_no_circle_and_nothing_but_testkit_uses_server() {
        let mut done: BTreeSet<&str> = BTreeSet::new();
        while done.len() < ARROWS.len() {
            let before = done.len();
            let free = ARROWS
                .iter()
                .filter(|(_, uses)| uses.iter().all(|used| done.contains(used)));
            let free: Vec<&str> = free.map(|(name, _)| *name).collect();
            done.extend(free);
            assert!(done.len() > before, "circle, or a name without a line: {done:?}");
        }
        let users: Vec<&str> = ARROWS
            .iter()
            .filter(|(_, uses)| uses.contains(&"server"))
            .map(|(name, _)| *name)
            .collect();
        assert_eq!(users, ["testkit"]);
    }

    #[test]
    fn domain_reaches_tokio_through_the_store_only() {
        let good = graph(&[
            "confab-domain: confab-store ~axum",
            "confab-store: tokio",
            "tokio:",
            "axum: tokio",
        ]);
        assert_eq!(good.domain_problems(), Vec::<String>::new());
        let bad = graph(&[
            "confab-domain: confab-store helper",
            "confab-store: hyper",
            "helper: tokio",
            "tokio:",
            "hyper:",
        ]);
        assert_eq!(
            bad.domain_problems(),
            [
                "domain: must not reach hyper",
                "domain: must not reach tokio but through the store"
            ]
        );
    }

    #[test]
    fn a_package_that_only_a_weak_feature_names_is_not_used() {
        let dependency = |name: &str, optional: bool| {
            serde_json::json!({"name": name, "source": null, "req": "*", "kind": null, "optional": optional,
                "uses_default_features": true, "features": [], "target": null, "rename": null, "registry": null})
        };
        let package: cargo_metadata::Package = serde_json::from_value(serde_json::json!({
            "name": "webpki", "version": "1.0.0", "id": "webpki", "source": null, "targets": [],
            "manifest_path": "Cargo.toml", "dependencies": [dependency("ring", true), dependency("untrusted", false)],
            "features": {"std": ["ring?/std"], "ring": ["dep:ring"], "both": ["ring/std"]},
        }))
        .unwrap();
        assert!(is_activated(&package, &["std"], "untrusted"));
        assert!(!is_activated(&package, &["std"], "ring"));
        assert!(is_activated(&package, &["std", "ring"], "ring"));
        assert!(is_activated(&package, &["both"], "ring"));
    }

    #[test]
    fn bans_and_licences_are_applied() {
        let rules: Rules = toml::from_str(
            "[licenses]\nallow = ['MIT']\n[bans]\ndeny = [{ crate = 'ring', reason = 'one provider' }]",
        )
        .unwrap();
        let mut graph = graph(&["ring:", "odd:", "bare:"]);
        for package in graph.packages.values_mut() {
            match package.name.as_str() {
                "odd" => package.licence = Some("GPL-3.0-only".into()),
                "bare" => package.licence = None,
                _ => {}
            }
        }
        assert_eq!(
            graph.package_problems(&rules).unwrap(),
            [
                "bans: ring is in the dependency graph (one provider)",
                "licences: bare names no licence",
                "licences: odd is under GPL-3.0-only",
            ]
        );
    }

    #[test]
    fn finds_string_literals_only() {
        let source = r####"
            // "comment"
            /* "a /* nested */ comment" */
            let a = "one \" two"; let b: &'static str = r#"raw "x" text"#;
            let c = '"'; let d = '\''; let e = b"bytes"; let f = br"raw bytes"; let g = 'ä';
            let h = "first \
                     second"; for_r"not raw";
        "####;
        let texts: Vec<String> = string_literals(source)
            .into_iter()
            .map(|(_, text)| text.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            texts,
            [
                r#"one \" two"#,
                r#"raw "x" text"#,
                "bytes",
                "raw bytes",
                "first second",
                "not raw"
            ]
        );
        assert_eq!(string_literals("\n\n \"x\"")[0].0, 3);
    }

    #[test]
    fn tells_sql_from_sentences() {
        for text in [
            "SELECT 1",
            " \n INSERT INTO t VALUES ($1)",
            "UPDATE t SET a = 1",
            "DELETE FROM t",
        ] {
            assert!(is_sql(text), "{text}");
        }
        for text in [
            "Select one",
            "SELECT",
            "UPDATE",
            "UPDATE the row",
            "DELETE",
            "INSERT",
            "SELECTED 1",
        ] {
            assert!(!is_sql(text), "{text}");
        }
    }

    #[test]
    fn reads_hosts_of_registry_settings() {
        let text = "registry = \"sparse+https://user:pass@packages.example.test:8080/index/\"\nproxy=http://127.0.0.1:1";
        assert_eq!(hosts_in(text), ["packages.example.test"]);
    }

    #[test]
    fn finds_addresses_in_the_tree() {
        let tree = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| std::fs::write(tree.path().join(path), text).unwrap();
        std::fs::create_dir(tree.path().join("node_modules")).unwrap();
        write("node_modules/a", "packages.example.test");
        write("a.md", "from packages.example.test");
        write(
            "package-lock.json",
            "{\"resolved\": \"https://elsewhere.example.test/x.tgz\"}",
        );
        let hosts = BTreeSet::from(["packages.example.test".to_owned()]);
        assert_eq!(
            address_problems(tree.path(), &hosts).unwrap(),
            [
                "addresses: a.md names the package registry packages.example.test",
                "addresses: package-lock.json has download addresses (`resolved`)",
            ]
        );
    }
}
