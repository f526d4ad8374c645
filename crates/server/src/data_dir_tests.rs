use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_new_directory_belongs_to_its_owner_only() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("deep/er/data");
    let dir = DataDir::open(&path).unwrap();
    assert_eq!(dir.path(), path);
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&path.join("lock")), 0o600);
}

#[test]
fn a_second_process_is_refused_and_told_which_directory_is_in_use() {
    let root = tempfile::tempdir().unwrap();
    let first = DataDir::open(root.path()).unwrap();
    let refusal = format!("{:#}", DataDir::open(root.path()).unwrap_err());
    assert!(refusal.contains(&root.path().display().to_string()), "{refusal}");
    assert!(refusal.contains("in use by another confab process"), "{refusal}");
    assert!(refusal.contains(&std::process::id().to_string()), "{refusal}");
    drop(first);
    DataDir::open(root.path()).unwrap();
}

#[test]
fn a_file_in_the_place_of_the_directory_is_named() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("data");
    fs::write(&path, "").unwrap();
    let error = format!("{:#}", DataDir::open(&path).unwrap_err());
    assert!(
        error.contains("cannot create the data directory") && error.contains("data"),
        "{error}"
    );
}

#[test]
fn the_master_key_is_made_once_and_kept_private() {
    let root = tempfile::tempdir().unwrap();
    let dir = DataDir::open(root.path()).unwrap();
    let config = Config::default();
    let key = master_key(&config, &dir).unwrap();
    assert_ne!(key, [0; 32]);
    assert_eq!(mode(&root.path().join("master.key")), 0o600);
    assert_eq!(master_key(&config, &dir).unwrap(), key);
    assert!(!root.path().join("master.key.new").exists());
}

#[test]
fn a_configured_master_key_needs_no_file() {
    let root = tempfile::tempdir().unwrap();
    let dir = DataDir::open(root.path()).unwrap();
    let config = Config {
        master_key: Some(Secret::new([7; 32])),
        ..Config::default()
    };
    assert_eq!(master_key(&config, &dir).unwrap(), [7; 32]);
    assert!(!root.path().join("master.key").exists());
}

#[test]
fn a_secret_that_others_can_read_is_refused_with_the_remedy() {
    let root = tempfile::tempdir().unwrap();
    let dir = DataDir::open(root.path()).unwrap();
    let config = Config::default();
    master_key(&config, &dir).unwrap();
    credentials(&config, &dir).unwrap();
    for (name, open_mode) in [("master.key", 0o640), ("credentials", 0o604)] {
        let path = root.path().join(name);
        set_mode(&path, open_mode);
        let refused = match name {
            "credentials" => credentials(&config, &dir).map(|_| ()),
            _ => master_key(&config, &dir).map(|_| ()),
        };
        let error = format!("{:#}", refused.unwrap_err());
        assert!(
            error.contains(&format!("chmod 600 {}", path.display())),
            "{error}"
        );
    }
}

#[test]
fn a_damaged_master_key_is_not_replaced() {
    let root = tempfile::tempdir().unwrap();
    let dir = DataDir::open(root.path()).unwrap();
    let path = root.path().join("master.key");
    fs::write(&path, "AAAA\n").unwrap();
    set_mode(&path, 0o600);
    assert!(master_key(&Config::default(), &dir).is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "AAAA\n");
}

#[test]
fn an_unfinished_key_of_a_crashed_start_is_thrown_away() {
    let root = tempfile::tempdir().unwrap();
    let dir = DataDir::open(root.path()).unwrap();
    fs::write(root.path().join("master.key.new"), "half").unwrap();
    let key = master_key(&Config::default(), &dir).unwrap();
    assert_eq!(master_key(&Config::default(), &dir).unwrap(), key);
}

#[test]
fn credentials_are_generated_on_the_first_start_and_read_on_later_ones() {
    let root = tempfile::tempdir().unwrap();
    let dir = DataDir::open(root.path()).unwrap();
    let config = Config::default();
    let (made, first) = credentials(&config, &dir).unwrap();
    assert!(first);
    assert!(
        made.account_sid.starts_with("AC") && made.account_sid.len() == 34,
        "{}",
        made.account_sid
    );
    assert_eq!(made.auth_token.expose().len(), 32);
    assert_eq!(mode(&dir.credentials_path()), 0o600);
    assert_eq!(credentials(&config, &dir).unwrap(), (made.clone(), false));
    assert!(
        dir.write_credentials(&made).is_err(),
        "kept credentials are never overwritten"
    );
}

#[test]
fn configured_credentials_are_used_and_a_later_change_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let dir = DataDir::open(root.path()).unwrap();
    let token = |text: &str| Some(Secret::new(text.to_owned()));
    let mut config = Config {
        account_sid: Some(format!("AC{}", "1".repeat(32))),
        auth_token: token("a-token-of-my-own"),
        ..Config::default()
    };
    let (made, first) = credentials(&config, &dir).unwrap();
    assert!(first);
    assert_eq!(Some(&made.account_sid), config.account_sid.as_ref());
    assert_eq!(made.auth_token.expose(), "a-token-of-my-own");
    assert!(!credentials(&config, &dir).unwrap().1);

    config.auth_token = token("another-token-of-mine");
    let error = format!("{:#}", credentials(&config, &dir).unwrap_err());
    assert!(
        error.contains("auth_token") && !error.contains("another-token"),
        "{error}"
    );
    config.auth_token = None;
    config.account_sid = Some(format!("AC{}", "2".repeat(32)));
    assert!(credentials(&config, &dir).is_err());
}

#[test]
fn credentials_without_a_line_are_refused_by_its_name() {
    let root = tempfile::tempdir().unwrap();
    let dir = DataDir::open(root.path()).unwrap();
    fs::write(dir.credentials_path(), "account_sid=AC1\n").unwrap();
    set_mode(&dir.credentials_path(), 0o600);
    let error = format!("{:#}", dir.read_credentials().unwrap_err());
    assert!(error.contains("auth_token="), "{error}");
}
