//! What is called for a number. It is stored and shown; a messaging service or a conversation comes before it.

use confab_types::{ApiError, ApplicationSid, Sid as _};
use serde::{Deserialize, Serialize};

use crate::endpoint::{self, Method};
use crate::{Result, text};

/// Characters of a number's name.
const NAME_CHARS: usize = 64;

/// What is called for a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Called for messages that come in.
    pub sms_url: Option<String>,
    /// How.
    pub sms_method: Method,
    /// Called where that fails.
    pub sms_fallback_url: Option<String>,
    /// How.
    pub sms_fallback_method: Method,
    /// The application (AP…) whose URLs are called instead.
    pub sms_application: Option<String>,
    /// Called for each state of a call.
    pub status_callback: Option<String>,
    /// How.
    pub status_callback_method: Method,
    /// Called for calls that come in; this server has none.
    pub voice_url: Option<String>,
    /// How.
    pub voice_method: Method,
    /// Called where that fails.
    pub voice_fallback_url: Option<String>,
    /// How.
    pub voice_fallback_method: Method,
    /// The application (AP…) whose URLs are called instead.
    pub voice_application: Option<String>,
    /// Whether the caller's name is looked up.
    pub voice_caller_id_lookup: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sms_url: None,
            sms_method: Method::Post,
            sms_fallback_url: None,
            sms_fallback_method: Method::Post,
            sms_application: None,
            status_callback: None,
            status_callback_method: Method::Post,
            voice_url: None,
            voice_method: Method::Post,
            voice_fallback_url: None,
            voice_fallback_method: Method::Post,
            voice_application: None,
            voice_caller_id_lookup: false,
        }
    }
}

/// What may be set of a number; `None` leaves it, an empty URL or SID clears.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// At most 64 characters.
    pub friendly_name: Option<String>,
    /// See [`Settings`].
    pub sms_url: Option<String>,
    /// See [`Settings`].
    pub sms_method: Option<Method>,
    /// See [`Settings`].
    pub sms_fallback_url: Option<String>,
    /// See [`Settings`].
    pub sms_fallback_method: Option<Method>,
    /// See [`Settings`].
    pub sms_application: Option<String>,
    /// See [`Settings`].
    pub status_callback: Option<String>,
    /// See [`Settings`].
    pub status_callback_method: Option<Method>,
    /// See [`Settings`].
    pub voice_url: Option<String>,
    /// See [`Settings`].
    pub voice_method: Option<Method>,
    /// See [`Settings`].
    pub voice_fallback_url: Option<String>,
    /// See [`Settings`].
    pub voice_fallback_method: Option<Method>,
    /// See [`Settings`].
    pub voice_application: Option<String>,
    /// See [`Settings`].
    pub voice_caller_id_lookup: Option<bool>,
}

impl Fields {
    /// # Errors
    /// 400/20002 for a long name.
    pub(super) fn check_name(&self) -> Result<Option<&str>> {
        let name = self.friendly_name.as_deref();
        text::at_most(name.unwrap_or_default(), NAME_CHARS, 20002)?;
        Ok(name)
    }

    /// # Errors
    /// 400/20001 naming a URL that is none or an application that is no SID, 400/21609 for the status callback.
    pub(super) fn fill(&self, into: &mut Settings) -> Result<()> {
        for (sent, refusal, into) in [
            (&self.sms_url, ApiError::invalid("SmsUrl"), &mut into.sms_url),
            (
                &self.sms_fallback_url,
                ApiError::invalid("SmsFallbackUrl"),
                &mut into.sms_fallback_url,
            ),
            (
                &self.status_callback,
                ApiError::new(21609),
                &mut into.status_callback,
            ),
            (
                &self.voice_url,
                ApiError::invalid("VoiceUrl"),
                &mut into.voice_url,
            ),
            (
                &self.voice_fallback_url,
                ApiError::invalid("VoiceFallbackUrl"),
                &mut into.voice_fallback_url,
            ),
        ] {
            if let Some(url) = sent {
                *into = endpoint::optional_url(url).map_err(|_| refusal)?;
            }
        }
        for (sent, name, into) in [
            (
                &self.sms_application,
                "SmsApplicationSid",
                &mut into.sms_application,
            ),
            (
                &self.voice_application,
                "VoiceApplicationSid",
                &mut into.voice_application,
            ),
        ] {
            let Some(sid) = sent else { continue };
            *into = match ApplicationSid::parse(sid) {
                None if sid.is_empty() => None,
                None => return Err(ApiError::invalid(name).into()),
                Some(sid) => Some(sid.to_string()),
            };
        }
        for (sent, into) in [
            (self.sms_method, &mut into.sms_method),
            (self.sms_fallback_method, &mut into.sms_fallback_method),
            (self.status_callback_method, &mut into.status_callback_method),
            (self.voice_method, &mut into.voice_method),
            (self.voice_fallback_method, &mut into.voice_fallback_method),
        ] {
            *into = sent.unwrap_or(*into);
        }
        into.voice_caller_id_lookup = self.voice_caller_id_lookup.unwrap_or(into.voice_caller_id_lookup);
        Ok(())
    }
}
