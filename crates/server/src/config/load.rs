//! Brings flags, environment and file together.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::Path;

use toml::Value as Toml;

use super::{Config, Kind, SETTINGS, Setting};

/// Where an effective value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The configuration file with this name.
    File(String),
    /// The environment variable with this name.
    Env(String),
    /// The command line flag with this name.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(name) => write!(f, "file {name}"),
            Self::Env(name) => write!(f, "environment variable {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// A value given on the command line: the setting's key and the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// Key of the setting, as in the file.
    pub key: &'static str,
    /// The argument.
    pub value: String,
}

/// A configuration file that has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInput {
    /// Its name, for messages.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Everything that is wrong with a configuration, so that one start shows all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// One sentence for each fault.
    pub problems: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is not valid")?;
        self.problems
            .iter()
            .try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for ConfigError {}

/// Variables that begin with `CONFAB_` but are no settings: the file's name, and what the project's own test and
/// bench tools use.
const OTHER_VARIABLES: &[&str] = &["CONFAB_CONFIG", "CONFAB_BIN"];
const OTHER_PREFIXES: &[&str] = &["CONFAB_TEST_", "CONFAB_CRASH_", "CONFAB_BENCH_"];

impl Config {
    /// Merges the sources (flag before environment before file before default) and validates the whole.
    /// Depends on nothing but its arguments.
    pub fn load(
        flags: &[Flag],
        env: impl IntoIterator<Item = (OsString, OsString)>,
        file: Option<&FileInput>,
    ) -> Result<Self, ConfigError> {
        let mut merge = Merge::default();
        if let Some(file) = file {
            merge.file(file);
        }
        merge.env(env);
        for flag in flags {
            if let Some(setting) = Setting::by_key(flag.key) {
                let origin = Origin::Flag(setting.flag.unwrap_or(setting.key));
                merge.put(setting, origin, Ok(flag.value.clone()));
            }
        }
        merge.finish()
    }

    /// As [`Config::load`] with the environment of the process; the file is the named one, or the one that
    /// `CONFAB_CONFIG` names. No file is read that nobody named.
    pub fn load_from_process(flags: &[Flag], file: Option<&Path>) -> Result<Self, ConfigError> {
        let named_by_env = std::env::var_os("CONFAB_CONFIG").filter(|name| !name.is_empty());
        let file = match file.map(Path::as_os_str).or(named_by_env.as_deref()) {
            Some(path) => Some(read_file(path)?),
            None => None,
        };
        Self::load(flags, std::env::vars_os(), file.as_ref())
    }

    /// Where the value of a setting came from.
    pub fn origin(&self, key: &str) -> &Origin {
        self.origins.get(key).unwrap_or(&Origin::Default)
    }
}

fn read_file(path: &OsStr) -> Result<FileInput, ConfigError> {
    let name = path.to_string_lossy().into_owned();
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(FileInput { name, text }),
        Err(error) => Err(ConfigError {
            problems: vec![format!("cannot read the configuration file {name}: {error}")],
        }),
    }
}

/// A value as text, or a description of the TOML that cannot be one.
type Text = Result<String, String>;

#[derive(Default)]
struct Merge {
    /// The winning value of each key so far. Sources are added from the weakest to the strongest.
    values: BTreeMap<&'static str, (Origin, Text)>,
    problems: Vec<String>,
}

impl Merge {
    /// Every value is checked, also one that a stronger source overrides: a fault that shows only when somebody
    /// drops a flag is found at the worst time.
    fn put(&mut self, setting: &'static Setting, origin: Origin, text: Text) {
        if let Err(problem) = check(setting, &origin, &text, &mut Config::default()) {
            self.problems.push(problem);
        }
        self.values.insert(setting.key, (origin, text));
    }

    fn file(&mut self, file: &FileInput) {
        match file.text.parse::<toml::Table>() {
            Ok(table) => self.table(&file.name, "", table),
            // Only the parser's message and the place: its full text quotes the line, which may hold a secret.
            Err(error) => {
                let before = error
                    .span()
                    .and_then(|span| file.text.get(..span.start))
                    .unwrap_or_default();
                let line = before.matches('\n').count() + 1;
                self.problems
                    .push(format!("{}, line {line}: {}", file.name, error.message()));
            }
        }
    }

    fn table(&mut self, file: &str, prefix: &str, table: toml::Table) {
        for (key, value) in table {
            let key = format!("{prefix}{key}");
            if let Some(setting) = Setting::by_key(&key) {
                self.put(setting, Origin::File(file.to_owned()), text_of(setting, &value));
                continue;
            }
            let inner = format!("{key}.");
            match value {
                Toml::Table(table) if SETTINGS.iter().any(|setting| setting.key.starts_with(&inner)) => {
                    self.table(file, &inner, table);
                }
                _ => {
                    let hint = did_you_mean(&key, SETTINGS.iter().map(|setting| setting.key.to_owned()));
                    self.problems
                        .push(format!("{file}: there is no setting `{key}`{hint}"));
                }
            }
        }
    }

    fn env(&mut self, env: impl IntoIterator<Item = (OsString, OsString)>) {
        for (name, value) in env {
            let name = name.to_string_lossy().into_owned();
            let ours = name.starts_with("CONFAB_")
                && !OTHER_VARIABLES.contains(&name.as_str())
                && !OTHER_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
                && !is_service_link(&name, &value);
            if !ours {
                continue;
            }
            match SETTINGS.iter().find(|setting| setting.env() == name) {
                Some(setting) => {
                    let text = value
                        .into_string()
                        .map_err(|_| "the value is not UTF-8".to_owned());
                    self.put(setting, Origin::Env(name), text);
                }
                None => {
                    let hint = did_you_mean(&name, SETTINGS.iter().map(Setting::env));
                    self.problems.push(format!(
                        "environment variable {name}: there is no such setting{hint}"
                    ));
                }
            }
        }
    }

    fn finish(mut self) -> Result<Config, ConfigError> {
        let mut config = Config::default();
        if self.problems.is_empty() {
            for (key, (origin, text)) in self.values {
                if let Some(setting) = Setting::by_key(key) {
                    self.problems
                        .extend(check(setting, &origin, &text, &mut config).err());
                    config.origins.insert(key, origin);
                }
            }
        }
        if self.problems.is_empty() {
            self.problems = config.contradictions();
        }
        if self.problems.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError {
                problems: self.problems,
            })
        }
    }
}

/// Puts the value into the configuration, or says what is wrong with it.
fn check(setting: &Setting, origin: &Origin, text: &Text, config: &mut Config) -> Result<(), String> {
    let what = match text {
        Ok(text) if setting.kind.accepts(text) && (setting.set)(config, text) => return Ok(()),
        Ok(_) if setting.secret => "this value is not allowed".to_owned(),
        Ok(text) => format!("{} is not allowed", super::value::quote(text)),
        Err(what) => what.clone(),
    };
    Err(format!(
        "{} (from {origin}): {what}; allowed: {}",
        setting.key,
        setting.kind.allowed()
    ))
}

/// A value of the file as the text that the environment would have. TOML has types, and a number in quotes is
/// most likely a mistake, so the type must be the setting's own.
fn text_of(setting: &Setting, value: &Toml) -> Text {
    match (setting.kind, value) {
        (Kind::Integer { .. }, Toml::Integer(number)) => Ok(number.to_string()),
        (Kind::Boolean, Toml::Boolean(truth)) => Ok(truth.to_string()),
        (Kind::Networks, Toml::Array(items)) => {
            let items: Option<Vec<&str>> = items.iter().map(Toml::as_str).collect();
            items
                .map(|items| items.join(","))
                .ok_or_else(|| "the items of the list must be strings".to_owned())
        }
        (Kind::Integer { .. } | Kind::Boolean | Kind::Networks, other) | (_, other) if !other.is_str() => {
            Err(format!("a TOML {} is not allowed", other.type_str()))
        }
        (Kind::Integer { .. } | Kind::Boolean | Kind::Networks, _) => {
            Err("a TOML string is not allowed".to_owned())
        }
        (_, other) => Ok(other.as_str().unwrap_or_default().to_owned()),
    }
}

/// Kubernetes puts variables such as `CONFAB_SERVICE_HOST` and `CONFAB_PORT=tcp://10.0.0.1:8080` into every
/// container beside a service called `confab`; they must not keep the server from starting.
fn is_service_link(name: &str, value: &OsStr) -> bool {
    let value = value.to_string_lossy();
    let is_link_url = value.starts_with("tcp://") || value.starts_with("udp://");
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.contains("_PORT_") && (name.contains("_TCP") || name.contains("_UDP"))
        || name.ends_with("_PORT") && is_link_url
}

/// `; did you mean …?` for a near name, compared as a whole and by its last part (the key without its table).
fn did_you_mean(wrong: &str, names: impl Iterator<Item = String>) -> String {
    let last = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
    let nearest = names
        .map(|name| {
            (
                distance(wrong, &name).min(distance(&last(wrong), &last(&name))),
                name,
            )
        })
        .min_by_key(|(distance, _)| *distance);
    match nearest {
        Some((distance, name)) if distance <= last(wrong).len() / 3 => format!("; did you mean `{name}`?"),
        _ => "; `confab config` lists all settings".to_owned(),
    }
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, cb) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
