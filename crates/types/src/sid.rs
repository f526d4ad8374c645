//! SIDs: two letters and 32 hexadecimal digits (rest.md §1.8), one type a resource.
//!
//! A SID is kept as its 128 bits, so that it is `Copy` and compares fast; hexadecimal digits of either case are
//! accepted and lower case is written.

use std::fmt;

use serde::{Serialize, Serializer};

/// What all SID types share.
pub trait Sid: Copy + Eq + fmt::Display {
    /// The two letters of the resource.
    const PREFIX: &'static str;
    /// Makes a SID of its 128 bits.
    fn from_bits(bits: u128) -> Self;
    /// The 128 bits behind the prefix.
    fn bits(self) -> u128;
    /// Reads a SID; `None` for another prefix, length or a digit that is not hexadecimal.
    fn parse(text: &str) -> Option<Self> {
        parse_bits(text, Self::PREFIX).map(Self::from_bits)
    }
}

fn parse_bits(text: &str, prefix: &str) -> Option<u128> {
    let digits = text.strip_prefix(prefix)?;
    // `from_str_radix` alone would take a sign.
    if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(digits, 16).ok()
}

/// Writes the 34 characters of a SID into a buffer and gives them as text.
fn write_sid<'a>(prefix: &str, bits: u128, buffer: &'a mut [u8; 34]) -> &'a str {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    buffer[..2].copy_from_slice(prefix.as_bytes());
    for (i, byte) in bits.to_be_bytes().into_iter().enumerate() {
        buffer[2 + 2 * i] = DIGITS[usize::from(byte >> 4)];
        buffer[3 + 2 * i] = DIGITS[usize::from(byte & 15)];
    }
    std::str::from_utf8(buffer).unwrap_or_default()
}

macro_rules! sids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl Sid for $name {
            const PREFIX: &'static str = $prefix;
            fn from_bits(bits: u128) -> Self { Self(bits) }
            fn bits(self) -> u128 { self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(write_sid($prefix, self.0, &mut [0; 34]))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool { true }
            fn schema_name() -> std::borrow::Cow<'static, str> { stringify!($name).into() }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "pattern": concat!("^", $prefix, "[0-9a-fA-F]{32}$"),
                })
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(write_sid($prefix, self.0, &mut [0; 34]))
            }
        }
    )*};
}

sids! {
    /// An account or subaccount.
    AccountSid = "AC";
    /// An API key.
    KeySid = "SK";
    /// A conversation service (also the chat service of the same data).
    ServiceSid = "IS";
    /// A conversation (a channel of Chat v2).
    ConversationSid = "CH";
    /// A participant (a member of Chat v2).
    ParticipantSid = "MB";
    /// A message of a conversation.
    MessageSid = "IM";
    /// A user of a conversation service.
    UserSid = "US";
    /// A role.
    RoleSid = "RL";
    /// A delivery receipt.
    ReceiptSid = "DY";
    /// A media item.
    MediaSid = "ME";
    /// A messaging service.
    MessagingServiceSid = "MG";
    /// A content template.
    ContentSid = "HX";
    /// A notification of Notify.
    NotificationSid = "NT";
    /// An application: URLs that several numbers share. There are none here, but numbers may name one.
    ApplicationSid = "AP";
    /// A phone number of an account.
    NumberSid = "PN";
    /// A text message on a carrier.
    SmsSid = "SM";
    /// A text message with media on a carrier.
    MmsSid = "MM";
    /// A WhatsApp message on a carrier.
    WhatsAppSid = "WA";
    /// A webhook of one conversation.
    WebhookSid = "WH";
    /// A configuration of one of the account's addresses.
    AddressConfigurationSid = "IG";
    /// A device that is registered for push.
    BindingSid = "BS";
    /// A credential of a push service.
    CredentialSid = "CR";
    /// A Studio flow.
    FlowSid = "FW";
    /// An alert of the debugger.
    AlertSid = "NO";
    /// A change that somebody made, in the log of Monitor.
    MonitorEventSid = "AE";
    /// A sink of event streams.
    SinkSid = "DG";
    /// A subscription of event streams.
    SubscriptionSid = "DF";
    /// An event of a stream.
    StreamEventSid = "EZ";
    /// A request, as in the `Twilio-Request-Id` header (B-034).
    RequestSid = "RQ";
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn either_case_is_read_and_lower_case_is_written() {
        let sid = ConversationSid::parse("CH00000000000000000000000000ABCDEF").unwrap();
        assert_eq!(sid.to_string(), "CH00000000000000000000000000abcdef");
    }

    #[test]
    fn another_shape_is_no_sid() {
        for text in [
            "",
            "CH",
            "IM00000000000000000000000000abcdef",
            "CH0000000000000000000000000abcdef",
            "CH+0000000000000000000000000abcdef",
            "CH00000000000000000000000000abcdeg",
            "ch00000000000000000000000000abcdef",
        ] {
            assert_eq!(ConversationSid::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(bits: u128) {
            let sid = MessageSid::from_bits(bits);
            prop_assert_eq!(MessageSid::parse(&sid.to_string()), Some(sid));
        }

        #[test]
        fn any_text_is_refused_or_comes_back_in_lower_case(text in "(US)?[0-9a-fA-F+ g]{0,34}") {
            if let Some(sid) = UserSid::parse(&text) {
                prop_assert_eq!(sid.to_string()[2..].to_owned(), text[2..].to_ascii_lowercase());
            }
        }
    }
}
