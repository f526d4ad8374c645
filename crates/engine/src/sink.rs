//! How the servers of sinks are logged in to: kept sealed, and opened for who delivers events.

use confab_domain::credential::Sealed;
use confab_domain::stream::sink::{self, Create, Login, Sink};
use confab_domain::{Error, Ids as _, Origin, Result};
use confab_types::{AccountSid, Sid as _, SinkSid};

use crate::{Engine, RandomIds};

impl Engine {
    /// Makes a sink.
    ///
    /// # Errors
    /// Those of [`Create`].
    pub async fn create_sink(
        &self,
        origin: impl Into<Origin>,
        account: AccountSid,
        description: String,
        kind: String,
        configuration: String,
    ) -> Result<Sink> {
        let sid = SinkSid::from_bits(RandomIds.bits(self.now()));
        let login = sink::login(&kind, &configuration).map(|login| self.seal_login(sid, &login));
        let command = Create {
            sid,
            account,
            description,
            kind,
            configuration,
            login: login.transpose()?,
        };
        self.execute(origin, command).await
    }

    /// How the server of a sink is logged in to, for who delivers events there.
    ///
    /// # Errors
    /// 500 when it was sealed with another master key.
    pub fn open_login(&self, sink: &Sink) -> Result<Login> {
        let Some(sealed) = &sink.login else {
            return Ok(Login::default());
        };
        let text = self.vault().open(&sink.sid.to_string(), &sealed.0);
        let text = text.map_err(|_| Error::code(20500))?;
        serde_json::from_str(&text).map_err(|_| Error::code(20500))
    }

    fn seal_login(&self, sid: SinkSid, login: &Login) -> Result<Sealed> {
        let text = serde_json::to_string(login).map_err(|_| Error::code(20500))?;
        let sealed = self.vault().seal(&sid.to_string(), &text);
        Ok(Sealed(sealed.map_err(|_| Error::code(20500))?))
    }
}
