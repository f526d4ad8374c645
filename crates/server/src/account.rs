//! The account of the first start: made once, and found again by every later start.

use anyhow::{Context as _, bail};
use confab_domain::account::{self, Account};
use confab_domain::{Actor, Error};
use confab_engine::{Clock, Engine, Vault};
use confab_store::Store;
use confab_types::{AccountSid, Sid as _};

use crate::config::Config;
use crate::data_dir::{self, Credentials, DataDir};

/// Finds or makes the account. True when its credentials were made just now.
pub(crate) async fn open(
    config: &Config,
    data_dir: &DataDir,
    store: Store,
    clock: impl Clock,
) -> anyhow::Result<(Engine, Credentials, bool)> {
    let existing = store
        .read(account::first)
        .await
        .context("cannot read the database")?;
    if let Some(existing) = &existing {
        require_secrets(config, data_dir, existing)?;
    }
    let vault = Vault::new(&data_dir::master_key(config, data_dir)?)?;
    let engine = Engine::new(store, limits(config), vault, clock);
    // Before credentials are kept: a wrong key or SID leaves no file behind that names them.
    if let Some(existing) = &existing {
        check_master_key(&engine, config, data_dir, existing)?;
    }
    let (credentials, made_now) = data_dir::credentials(config, data_dir)?;
    ensure(&engine, config, data_dir, &credentials).await?;
    Ok((engine, credentials, made_now))
}

/// A data directory without credentials beside a database with an account: another node's database, or a lost file.
/// Making up a second account or master key would hide all that the first one has.
fn require_secrets(config: &Config, data_dir: &DataDir, existing: &Account) -> anyhow::Result<()> {
    let kept = data_dir.read_credentials()?;
    let wanted = existing.sid.to_string();
    let mut missing = Vec::new();
    if kept.is_none() {
        missing.extend(config.account_sid.is_none().then_some("account_sid"));
        missing.extend(config.auth_token.is_none().then_some("auth_token"));
    }
    if config.master_key.is_none() && !data_dir.has_master_key() {
        missing.push("master_key");
    }
    if !missing.is_empty() {
        bail!(
            "the database has the account {wanted} already, but the data directory {} does not know its secrets; \
             set {}, with the values from the files `credentials` and `master.key` of the data directory that the \
             account was made with",
            data_dir.path().display(),
            missing.join(", ")
        );
    }
    let sid = kept
        .map(|kept| kept.account_sid)
        .or_else(|| config.account_sid.clone());
    if sid.as_deref() != Some(&wanted) {
        bail!(
            "the database has the account {wanted}, but {} names {}; is this the database that belongs to the data \
             directory {}?",
            if data_dir.credentials_path().exists() {
                data_dir.credentials_path().display().to_string()
            } else {
                format!("account_sid (from {})", config.origin("account_sid"))
            },
            sid.unwrap_or_default(),
            data_dir.path().display()
        );
    }
    Ok(())
}

fn check_master_key(
    engine: &Engine,
    config: &Config,
    data_dir: &DataDir,
    account: &Account,
) -> anyhow::Result<String> {
    let sid = account.sid.to_string();
    engine.vault().open(&sid, &account.auth_token).ok().with_context(|| {
        let source = match &config.master_key {
            Some(_) => format!("master_key (from {})", config.origin("master_key")),
            None => data_dir.master_key_path().display().to_string(),
        };
        format!(
            "the master key of {source} does not open the secrets of account {sid} in the database; start with the \
             key that they were encrypted with"
        )
    })
}

/// Makes the account unless it is there, and stores the token when it is another one than the kept one.
async fn ensure(
    engine: &Engine,
    config: &Config,
    data_dir: &DataDir,
    credentials: &Credentials,
) -> anyhow::Result<()> {
    let sid = AccountSid::parse(&credentials.account_sid).with_context(|| {
        format!(
            "{} is no account SID (in {})",
            credentials.account_sid,
            data_dir.credentials_path().display()
        )
    })?;
    let token = credentials.auth_token.expose();
    // A second round only when another node made the account between our look and our write.
    for last in [false, true] {
        let stored = engine
            .read(move |tx| account::find(tx, sid))
            .await
            .context("cannot read the database")?;
        if let Some(stored) = &stored
            && check_master_key(engine, config, data_dir, stored)? == *token
        {
            return Ok(());
        }
        let ensure = account::Ensure {
            sid,
            auth_token: engine.vault().seal(&sid.to_string(), token)?,
            replace_token: stored.is_some(),
        };
        match engine.execute(Actor::System, ensure).await {
            Ok(_) => return Ok(()),
            Err(Error::Store(confab_store::Error::Unique(_))) if !last => {}
            Err(error) => return Err(error).context("cannot store the account"),
        }
    }
    Ok(())
}

fn limits(config: &Config) -> confab_domain::Limits {
    let limits = &config.limits;
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    confab_domain::Limits {
        friendly_name_chars: limits.friendly_name_chars,
        conversation_attributes_bytes: limits.conversation_attributes_bytes,
        message_attributes_bytes: limits.message_attributes_bytes,
        participant_attributes_bytes: limits.participant_attributes_bytes,
        identity_chars: limits.identity_chars,
        message_body_bytes: limits.message_body_bytes,
        sms_body_chars: limits.sms_body_chars,
        media_bytes: i64::try_from(config.media.max_bytes).unwrap_or(i64::MAX),
        unattached_media: count(limits.unattached_media),
        unattached_media_bytes: i64::try_from(limits.unattached_media_bytes).unwrap_or(i64::MAX),
        participants: count(limits.participants),
        non_chat_participants: count(limits.non_chat_participants),
        group_participants: count(limits.group_participants),
        conversations_per_identity: count(limits.conversations_per_identity),
        actions_per_second: limits.actions(),
        auto_claim: config.numbers.auto_claim,
    }
}
