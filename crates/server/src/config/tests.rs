use std::ffi::OsString;
use std::path::Path;

use super::*;

const SID: &str = "AC0123456789abcdef0123456789abcdef";
const KEY: &str = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";

fn load(flags: &[(&'static str, &str)], env: &[(&str, &str)], file: &str) -> Result<Config, String> {
    let flags: Vec<Flag> = flags
        .iter()
        .map(|(key, value)| Flag {
            key,
            value: (*value).to_owned(),
        })
        .collect();
    let env = env
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let file = FileInput {
        name: "confab.toml".to_owned(),
        text: file.to_owned(),
    };
    Config::load(&flags, env, Some(&file)).map_err(|error| error.to_string())
}

fn from_env(name: &str, value: &str) -> Result<Config, String> {
    load(&[], &[(name, value)], "")
}

fn from_file(file: &str) -> Result<Config, String> {
    load(&[], &[], file)
}

#[test]
fn without_any_source_the_defaults_hold() {
    let config = Config::load(&[], [], None).unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.data_dir, Path::new("./confab-data"));
    assert_eq!(config.limits.frame_bytes, 1_048_576);
    assert_eq!(config.origin("listen"), &Origin::Default);
}

#[test]
fn a_flag_wins_over_the_environment_over_the_file_over_the_default() {
    let file = "listen = '127.0.0.1:1'\ndata_dir = 'from-file'\npublic_url = 'http://file'\n";
    let env = [("CONFAB_LISTEN", "127.0.0.1:2"), ("CONFAB_DATA_DIR", "from-env")];
    let config = load(&[("listen", "127.0.0.1:3")], &env, file).unwrap();
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.data_dir, Path::new("from-env"));
    assert_eq!(
        config.public_url.as_ref().map(ToString::to_string).as_deref(),
        Some("http://file")
    );
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.origin("listen"), &Origin::Flag("--listen"));
    assert_eq!(
        config.origin("data_dir"),
        &Origin::Env("CONFAB_DATA_DIR".to_owned())
    );
    assert_eq!(
        config.origin("public_url"),
        &Origin::File("confab.toml".to_owned())
    );
    assert_eq!(config.origin("log.level"), &Origin::Default);
}

/// For every setting one value that is not the default, as it stands in the environment and in the file.
fn other_values() -> Vec<(&'static str, String, String)> {
    let strings = [
        ("listen", "[::]:9000"),
        ("data_dir", "/var/lib/confab \"quoted\" \\ ü"),
        ("public_url", "https://chat.example.com"),
        ("database", "postgres://confab:pa55@db/confab"),
        ("account_sid", SID),
        ("auth_token", "0123456789abcdef0123456789abcdef"),
        ("master_key", KEY),
        ("clock", "virtual"),
        ("limits.profile", "documented"),
        ("log.format", "json"),
        ("log.level", "info,confab_realtime=debug"),
    ];
    let mut all: Vec<(&str, String, String)> = strings
        .iter()
        .map(|(key, text)| (*key, (*text).to_owned(), toml::Value::from(*text).to_string()))
        .collect();
    all.push((
        "trusted_proxies",
        "10.0.0.0/8, ::1".into(),
        "['10.0.0.0/8', '::1']".into(),
    ));
    all.push(("numbers.auto_claim", "false".into(), "false".into()));
    for (key, text) in [
        ("tls.listen", "[::]:9443"),
        ("tls.certificate", "/etc/confab/server.pem"),
        ("tls.key", "/etc/confab/server.key"),
    ] {
        all.push((key, text.to_owned(), toml::Value::from(text).to_string()));
    }
    all.push(("tls.only", "true".into(), "true".into()));
    all.push(("webhooks.allow_private", "true".into(), "true".into()));
    for setting in SETTINGS {
        if let Kind::Integer { max, .. } = setting.kind {
            all.push((setting.key, max.to_string(), max.to_string()));
        }
    }
    all
}

#[test]
fn every_setting_can_be_set_by_environment_and_by_file_alike() {
    let values = other_values();
    assert_eq!(values.len(), SETTINGS.len());
    for (key, text, toml) in values {
        let setting = Setting::by_key(key).unwrap();
        // What makes no sense alone comes with what it needs.
        let needed = match key {
            "tls.only" => vec![("CONFAB_TLS_LISTEN", "[::]:9443")],
            "tls.certificate" => vec![("CONFAB_TLS_KEY", "server.key")],
            "tls.key" => vec![("CONFAB_TLS_CERTIFICATE", "server.pem")],
            _ => Vec::new(),
        };
        let name = setting.env();
        let mut by_env = load(&[], &[needed.clone(), vec![(&name, &text)]].concat(), "").unwrap();
        let mut by_file = load(&[], &needed, &format!("{key} = {toml}")).unwrap();
        assert_eq!(by_env.origin(key), &Origin::Env(setting.env()));
        by_env.origins.clear();
        by_file.origins.clear();
        assert_eq!(by_env, by_file, "{key}");
        assert_ne!(by_env, Config::default(), "{key}");
    }
}

#[test]
fn values_arrive_in_their_types() {
    let env = [
        ("CONFAB_TRUSTED_PROXIES", "10.0.0.0/8,::1"),
        ("CONFAB_MASTER_KEY", KEY),
    ];
    let file = "[limits]\nparticipants = 12\n[numbers]\nauto_claim = false\n[log]\nformat = 'json'\n";
    let config = load(&[], &env, file).unwrap();
    assert!(config.trusted_proxies[0].contains("10.1.2.3".parse().unwrap()));
    assert_eq!(config.master_key.as_ref().unwrap().expose()[..3], [1, 2, 3]);
    assert_eq!(config.limits.participants, 12);
    assert!(!config.numbers.auto_claim);
    assert_eq!(config.log.format, LogFormat::Json);
    assert!(
        from_env("CONFAB_TRUSTED_PROXIES", "")
            .unwrap()
            .trusted_proxies
            .is_empty()
    );
}

/// B-744, B-746, B-748
#[test]
fn the_profile_stands_where_a_limit_of_rate_is_not_set_b748() {
    let open = from_file("").unwrap().limits;
    assert_eq!(open.actions(), None);
    assert_eq!(open.realtime(), confab_realtime::Limits::default());
    let file = "[limits]\nprofile = 'documented'\nactions_per_second = 31\naccount_connections = 12\n";
    let documented = from_file(file).unwrap().limits;
    assert_eq!(documented.actions(), Some(31));
    let expected = confab_realtime::Limits {
        connections: Some(100_000),
        account_connections: Some(12),
        new_connections: Some(1000),
        account_new_connections: Some(110),
        connection_requests: Some(500),
        account_requests: Some(20_000),
    };
    assert_eq!(documented.realtime(), expected);
    let one = from_env("CONFAB_LIMITS_CONNECTIONS", "5").unwrap().limits;
    let expected = confab_realtime::Limits {
        connections: Some(5),
        ..confab_realtime::Limits::default()
    };
    assert_eq!(one.realtime(), expected);
}

#[test]
fn wrong_values_stop_the_start_with_name_origin_and_what_is_allowed() {
    let too_short = "short-token";
    let wrong = [
        ("listen", "localhost"),
        ("listen", ""),
        ("listen", "127.0.0.1:65536"),
        ("data_dir", ""),
        ("public_url", "https://chat.example.com/path"),
        ("public_url", "chat.example.com"),
        ("public_url", ""),
        ("database", "mysql://db"),
        ("database", "postgres://"),
        ("account_sid", "AC123"),
        ("account_sid", "AC0123456789ABCDEF0123456789ABCDEF"),
        ("auth_token", too_short),
        ("auth_token", "has a space in the middle"),
        ("master_key", "c2hvcnQ="),
        ("master_key", "***"),
        ("trusted_proxies", "10.0.0.0/33"),
        ("trusted_proxies", "10.0.0.1,"),
        ("tls.listen", "8443"),
        ("tls.only", "1"),
        ("tls.certificate", ""),
        ("tls.key", " "),
        ("numbers.auto_claim", "yes"),
        ("limits.frame_bytes", "65535"),
        ("limits.frame_bytes", "16777217"),
        ("limits.frame_bytes", "-1"),
        ("limits.frame_bytes", "1MiB"),
        ("limits.participants", "0"),
        ("shutdown.drain_secs", "11"),
        ("log.format", "xml"),
        ("log.level", "verbose"),
        ("log.level", ""),
        ("store.readers", "0"),
        ("store.readers", "65"),
        ("store.postgres_connections", "257"),
    ];
    for (key, value) in wrong {
        let setting = Setting::by_key(key).unwrap();
        let error = from_env(&setting.env(), value).unwrap_err();
        for part in [key, &setting.env(), &setting.kind.allowed()] {
            assert!(
                error.contains(part),
                "{key} = {value:?}: {part:?} is missing in {error}"
            );
        }
        let shows_value = error.contains(&format!("{value:?} is not allowed"));
        assert_eq!(shows_value, !setting.secret, "{error}");
    }
    // Every kind of setting has a wrong value above.
    for setting in SETTINGS {
        let same = |key: &str| {
            let other = Setting::by_key(key).unwrap().kind;
            std::mem::discriminant(&other) == std::mem::discriminant(&setting.kind)
        };
        assert!(wrong.iter().any(|(key, _)| same(key)), "{}", setting.key);
    }
}

#[test]
fn wrong_flags_and_file_values_name_their_origin() {
    let error = load(&[("listen", "nowhere")], &[], "").unwrap_err();
    assert!(
        error.contains("listen (from flag --listen): \"nowhere\" is not allowed; allowed: an IP"),
        "{error}"
    );
    let error = from_file("[limits]\nframe_bytes = 7").unwrap_err();
    assert!(
        error.contains("limits.frame_bytes (from file confab.toml): \"7\" is not allowed"),
        "{error}"
    );
}

#[test]
fn a_value_of_the_file_must_have_the_right_type() {
    for (file, part) in [
        (
            "limits.frame_bytes = '1048576'",
            "a TOML string is not allowed; allowed: a whole number",
        ),
        ("limits.frame_bytes = 1.5", "a TOML float is not allowed"),
        (
            "numbers.auto_claim = 'true'",
            "a TOML string is not allowed; allowed: true or false",
        ),
        (
            "trusted_proxies = '10.0.0.1'",
            "a TOML string is not allowed; allowed: a list",
        ),
        ("trusted_proxies = [1]", "the items of the list must be strings"),
        ("listen = 8080", "a TOML integer is not allowed"),
        ("auth_token = 1234567890123456", "a TOML integer is not allowed"),
    ] {
        let error = from_file(file).unwrap_err();
        assert!(error.contains(part), "{file}: {error}");
        assert!(!error.contains("1234567890123456"), "{error}");
    }
}

#[test]
fn unknown_keys_are_refused_with_the_nearest_known_one() {
    for (file, part) in [
        (
            "listne = 'x'",
            "there is no setting `listne`; did you mean `listen`?",
        ),
        (
            "[limit]\nparticipants = 3",
            "there is no setting `limit`; `confab config` lists all settings",
        ),
        (
            "[limits]\nframebytes = 3",
            "`limits.framebytes`; did you mean `limits.frame_bytes`?",
        ),
        (
            "ping_interval_secs = 3",
            "did you mean `realtime.ping_interval_secs`?",
        ),
        ("limits = 3", "there is no setting `limits`"),
        (
            "zzz = 3",
            "there is no setting `zzz`; `confab config` lists all settings",
        ),
    ] {
        let error = from_file(file).unwrap_err();
        assert!(error.contains(part), "{file}: {error}");
        assert!(error.contains("confab.toml"), "{error}");
    }
    let error = from_env("CONFAB_LISTN", "127.0.0.1:1").unwrap_err();
    assert!(
        error.contains("CONFAB_LISTN: there is no such setting; did you mean `CONFAB_LISTEN`?"),
        "{error}"
    );
    assert!(from_env("CONFAB_PORT", "8080").is_err());
}

#[test]
fn settings_that_do_not_fit_each_other_are_refused() {
    for (file, part) in [
        (
            "tls.only = true",
            "tls.only (from file confab.toml): nothing would be served; set tls.listen",
        ),
        (
            "tls.certificate = 'a'",
            "tls.certificate (from file confab.toml): set tls.key as well",
        ),
        (
            "tls.key = 'a'",
            "tls.key (from file confab.toml): set tls.certificate as well",
        ),
    ] {
        let error = from_file(file).unwrap_err();
        assert!(error.contains(part), "{file}: {error}");
    }
    let both = from_file("tls.certificate = 'a'\ntls.key = 'b'").unwrap();
    assert_eq!(both.tls.certificate.as_deref(), Some(Path::new("a")));
}

#[test]
fn variables_that_are_no_settings_are_left_alone() {
    for (name, value) in [
        ("PATH", "/bin"),
        ("CONFAB_CONFIG", "confab.toml"),
        ("CONFAB_TEST_POSTGRES", "x"),
        ("CONFAB_CRASH_ROUNDS", "5"),
        ("CONFAB_BIN", "x"),
        ("CONFAB_BENCH_SECONDS", "1"),
        ("CONFAB_SERVICE_HOST", "10.0.0.1"),
        ("CONFAB_SERVICE_PORT_HTTP", "8080"),
        ("CONFAB_PORT", "tcp://10.0.0.1:8080"),
        ("CONFAB_PORT_8080_TCP_ADDR", "10.0.0.1"),
    ] {
        assert_eq!(from_env(name, value).unwrap(), Config::default(), "{name}");
    }
}

#[test]
fn all_faults_are_reported_at_once_also_of_values_that_are_overridden() {
    let env = [("CONFAB_LISTEN", "wrong"), ("CONFAB_NOPE", "1")];
    let error = load(&[("listen", "127.0.0.1:1")], &env, "[store]\nreaders = 0").unwrap_err();
    for part in ["store.readers", "CONFAB_LISTEN", "CONFAB_NOPE"] {
        assert!(error.contains(part), "{part} is missing in {error}");
    }
}

#[test]
fn a_syntax_error_names_the_line_but_does_not_quote_it() {
    let error = from_file("listen = '127.0.0.1:1'\nauth_token = \"hunter2hunter2hunter2\n").unwrap_err();
    assert!(error.contains("confab.toml, line 2:"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

fn full() -> Config {
    let values = other_values();
    let env = values.iter().map(|(key, text, _)| {
        (
            OsString::from(Setting::by_key(key).unwrap().env()),
            OsString::from(text),
        )
    });
    Config::load(&[], env, None).unwrap()
}

#[test]
fn the_printed_configuration_documents_every_setting_and_hides_secrets() {
    let text = to_toml(&full());
    for setting in SETTINGS {
        assert!(
            text.contains(&format!("# Environment: {}", setting.env())),
            "{}",
            setting.key
        );
        assert!(text.contains(&setting.kind.allowed()), "{}", setting.key);
    }
    for line in [
        "listen = \"[::]:9000\"",
        "# From: environment variable CONFAB_LISTEN",
        "# Environment: CONFAB_LISTEN; flag: --listen",
        "# Default: \"127.0.0.1:8080\"",
        "# auth_token = \"(set)\"",
        "# master_key = \"(set)\"",
        "# database = \"postgres://confab:***@db/confab\"",
        "trusted_proxies = [\"10.0.0.0/8\", \"::1\"]",
        "[limits]",
    ] {
        assert!(
            text.lines().any(|printed| printed == line),
            "{line} is missing in\n{text}"
        );
    }
    for secret in [
        "0123456789abcdef0123456789abcdef\n",
        "= \"0123456789abcdef",
        KEY,
        "pa55",
    ] {
        assert!(!text.contains(secret), "{secret}");
    }
    assert!(to_toml(&Config::default()).contains("\n# auth_token =\n"));
}

#[test]
fn the_printed_configuration_is_a_configuration_file() {
    let config = full();
    let mut again = from_file(&to_toml(&config)).unwrap();
    again.origins.clone_from(&config.origins);
    let without_secrets = Config {
        database: None,
        auth_token: None,
        master_key: None,
        ..config
    };
    assert_eq!(again, without_secrets);
}

#[test]
fn debug_output_shows_no_secret() {
    let text = format!("{:?}", full());
    assert!(
        !text.contains("pa55") && !text.contains("\"0123456789abcdef") && !text.contains("[1, 2, 3"),
        "{text}"
    );
}

#[test]
fn the_documentation_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == to_markdown(),
        "run: cargo run -- config --markdown > docs/configuration.md"
    );
}
