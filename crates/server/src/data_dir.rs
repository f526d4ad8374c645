//! The data directory: its lock and the files that hold secrets.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::config::{Config, Secret};

const LOCK: &str = "lock";
const MASTER_KEY: &str = "master.key";
const CREDENTIALS: &str = "credentials";
const SERVER: &str = "server";

/// The data directory of this process. Nobody else can open it while this value lives; the kernel releases the
/// lock when the process ends in whatever way, so there is never a stale lock to remove.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// The account that was made on the first start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `AC…`
    pub account_sid: String,
    /// Password of the account for Basic authentication.
    pub auth_token: Secret<String>,
}

impl DataDir {
    /// Creates the directory when it is absent and locks it.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        create_private_dir(path, "the data directory")?;
        let lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join(LOCK))
            .with_context(|| format!("cannot write in the data directory {shown}"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = fs::read_to_string(path.join(LOCK)).unwrap_or_default();
                let holder = match holder.trim().parse::<u32>() {
                    Ok(process) => format!(" (process {process})"),
                    Err(_) => String::new(),
                };
                bail!(
                    "the data directory {shown} is in use by another confab process{holder}; \
                     stop that one, or give this one a directory of its own with --data-dir"
                );
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock the data directory {shown}"));
            }
        }
        // Only a help for the message above; the lock holds without it.
        let _ = lock
            .set_len(0)
            .and_then(|()| (&lock).write_all(format!("{}\n", std::process::id()).as_bytes()));
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the credentials are kept.
    pub fn credentials_path(&self) -> PathBuf {
        self.path.join(CREDENTIALS)
    }

    /// Where the master key is kept, unless it is configured.
    pub fn master_key_path(&self) -> PathBuf {
        self.path.join(MASTER_KEY)
    }

    /// Whether a master key is kept.
    pub fn has_master_key(&self) -> bool {
        self.master_key_path().exists()
    }

    /// The name of the server that has this directory, made at its first start. Nobody else has it while the directory is
    /// locked, so what stands under it in the database is this server's or was.
    pub fn server_name(&self) -> anyhow::Result<String> {
        let path = self.path.join(SERVER);
        match fs::read_to_string(&path) {
            Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
            _ => {}
        }
        let name = format!("{:032x}", u128::from_be_bytes(random()?));
        write_file(&self.path, SERVER, &format!("{name}\n"), 0o600)?;
        Ok(name)
    }

    /// The kept credentials; none before the first start.
    pub fn read_credentials(&self) -> anyhow::Result<Option<Credentials>> {
        read_credentials(&self.path)
    }

    /// Keeps the credentials for the people who run the server. Fails when there are some already.
    pub fn write_credentials(&self, credentials: &Credentials) -> anyhow::Result<()> {
        let text = format!(
            "# Account of this Confab server, made on its first start. Whoever reads this file can do everything.\n\
             account_sid={}\nauth_token={}\n",
            credentials.account_sid,
            credentials.auth_token.expose()
        );
        self.create_secret_file(CREDENTIALS, &text)
    }

    /// Creates a file that only its owner can read. Fails when there is one already.
    fn create_secret_file(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.path.join(name);
        let free = match path.try_exists() {
            Ok(false) => Ok(()),
            Ok(true) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(error) => Err(error),
        };
        free.with_context(|| format!("cannot create {}", path.display()))?;
        write_file(&self.path, name, text, 0o600)
    }
}

/// Creates a directory for its owner alone, with the directories above it, unless it is there.
pub(crate) fn create_private_dir(path: &Path, what: &str) -> anyhow::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent)
            .with_context(|| format!("cannot create {}, parent of {what}", parent.display()))?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        // Two processes that start together: a lock decides between them.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        result => result.with_context(|| format!("cannot create {what} {}", path.display())),
    }
}

/// Writes a file of this mode, in the place of one of this name if there is one. It appears complete and durable or
/// not at all: a half-written key after a crash would be worse than none.
pub(crate) fn write_file(directory: &Path, name: &str, text: &str, mode: u32) -> anyhow::Result<()> {
    let path = directory.join(name);
    let write = || -> io::Result<()> {
        let unfinished = directory.join(format!("{name}.new"));
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        File::open(directory)?.sync_all()
    };
    write().with_context(|| format!("cannot create {}", path.display()))
}

/// The credentials that are kept in a data directory, also while a server has it; none when there are none yet.
///
/// # Errors
/// When they cannot be read, or others can read them too.
pub fn read_credentials(directory: &Path) -> anyhow::Result<Option<Credentials>> {
    let path = directory.join(CREDENTIALS);
    let Some(text) = read_secret_file(&path)? else {
        return Ok(None);
    };
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
            .ok_or_else(|| anyhow!("{} has no line {name}=…", path.display()))
    };
    Ok(Some(Credentials {
        account_sid: field("account_sid")?,
        auth_token: Secret::new(field("auth_token")?),
    }))
}

/// The text of a secret file; none when there is no such file.
pub(crate) fn read_secret_file(path: &Path) -> anyhow::Result<Option<String>> {
    let shown = path.display();
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {shown}")),
    };
    let mode = file
        .metadata()
        .with_context(|| format!("cannot read {shown}"))?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        bail!(
            "{shown} holds a secret, but other users can reach it (mode {:03o}); run: chmod 600 {shown}",
            mode & 0o777
        );
    }
    let mut text = String::new();
    file.read_to_string(&mut text)
        .with_context(|| format!("cannot read {shown}"))?;
    Ok(Some(text))
}

/// The key that encrypts stored secrets: the configured one, or the one in the data directory, which is made when
/// it is absent.
pub fn master_key(config: &Config, data_dir: &DataDir) -> anyhow::Result<[u8; 32]> {
    if let Some(key) = &config.master_key {
        return Ok(*key.expose());
    }
    let path = data_dir.master_key_path();
    if let Some(text) = read_secret_file(&path)? {
        let bytes = STANDARD
            .decode(text.trim())
            .ok()
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        return bytes.ok_or_else(|| anyhow!("{} does not hold 32 bytes in base64", path.display()));
    }
    let key = random::<32>()?;
    data_dir.create_secret_file(MASTER_KEY, &format!("{}\n", STANDARD.encode(key)))?;
    Ok(key)
}

impl Credentials {
    /// The configured account; what is not configured is made up.
    pub fn generate(config: &Config) -> anyhow::Result<Self> {
        let account_sid = match &config.account_sid {
            Some(sid) => sid.clone(),
            None => format!("AC{:032x}", u128::from_be_bytes(random()?)),
        };
        let auth_token = match &config.auth_token {
            Some(token) => token.clone(),
            None => Secret::new(format!("{:032x}", u128::from_be_bytes(random()?))),
        };
        Ok(Self {
            account_sid,
            auth_token,
        })
    }

    /// Refuses a configuration that names another account or token than these: they are used on the first start
    /// only, and who changes them later must not believe that it had an effect.
    pub fn check_against(&self, config: &Config, path: &Path) -> anyhow::Result<()> {
        let sid_differs = config
            .account_sid
            .as_ref()
            .is_some_and(|sid| *sid != self.account_sid);
        let token_differs = config
            .auth_token
            .as_ref()
            .is_some_and(|token| *token != self.auth_token);
        for (key, differs) in [("account_sid", sid_differs), ("auth_token", token_differs)] {
            if differs {
                bail!(
                    "{key} (from {}) is not the one of the account that was made on the first start, kept in {}; \
                     remove the setting",
                    config.origin(key),
                    path.display()
                );
            }
        }
        Ok(())
    }
}

/// The credentials of this data directory, and whether they were made just now. They are kept before the caller
/// makes the account: a crash in between leaves credentials to make it from, not an account nobody can enter.
pub fn credentials(config: &Config, data_dir: &DataDir) -> anyhow::Result<(Credentials, bool)> {
    if let Some(kept) = data_dir.read_credentials()? {
        kept.check_against(config, &data_dir.credentials_path())?;
        return Ok((kept, false));
    }
    let made = Credentials::generate(config)?;
    data_dir.write_credentials(&made)?;
    Ok((made, true))
}

fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| anyhow!("the system gives no random numbers"))?;
    Ok(bytes)
}

#[cfg(test)]
#[path = "data_dir_tests.rs"]
mod tests;
