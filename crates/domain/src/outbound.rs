//! What of a message reaches a phone (behaviours §7): one medium and no text, or the text of a message without media.

use confab_types::{Channel, MediaSid};

use crate::media::{Attachment, Category};
use crate::message::Message;

/// Largest medium of a picture message (B-283), bytes.
const MMS_BYTES: i64 = 5 * 1024 * 1024;
/// Largest medium of a WhatsApp message (B-284), bytes.
pub const WHATSAPP_BYTES: i64 = 16 * 1024 * 1024;

/// JPG, PNG, MP3, AMR, MP4 and PDF (B-283, B-284), with the names that are also in use for them.
const TYPES: [&str; 9] = [
    "image/jpeg",
    "image/jpg",
    "image/png",
    "audio/mpeg",
    "audio/mp3",
    "audio/amr",
    "audio/mp4",
    "video/mp4",
    "application/pdf",
];

/// Whether phones take a medium of this MIME type.
#[must_use]
pub fn phones_take(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    TYPES.iter().any(|known| kind.eq_ignore_ascii_case(known))
}

/// What one recipient gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The text.
    Text(String),
    /// One medium without the text (B-282).
    Media(MediaSid),
    /// Nothing, and its receipt says so with this code.
    Refused(i64),
    /// Nothing, and no receipt: the message is not for this channel (B-283).
    Nothing,
}

/// What a recipient on a channel gets of a message: of several media the first (B-795).
pub(crate) fn part(message: &Message, channel: Option<Channel>) -> Part {
    let is_for_phones = |a: &&Attachment| a.category.unwrap_or_default() == Category::Media;
    let Some(media) = message.media.iter().find(is_for_phones) else {
        return Part::Text(message.body.clone().unwrap_or_default());
    };
    let taken = phones_take(&media.content_type);
    match channel {
        Some(Channel::Sms) if taken && media.size <= MMS_BYTES => Part::Media(media.sid),
        Some(Channel::Sms) => Part::Nothing,
        // "Channel did not accept given content", "Media exceeds size limit".
        _ if !taken => Part::Refused(63005),
        _ if media.size > WHATSAPP_BYTES => Part::Refused(63034),
        _ => Part::Media(media.sid),
    }
}

#[cfg(test)]
mod tests {
    use confab_types::{AccountSid, ConversationSid, MessageSid, ServiceSid, Sid, Timestamp};

    use super::*;

    fn message(media: &[(&str, i64)]) -> Message {
        let attachment = |(n, (content_type, size)): (usize, &(&str, i64))| Attachment {
            sid: MediaSid::from_bits(n as u128),
            size: *size,
            content_type: (*content_type).to_owned(),
            filename: None,
            category: None,
        };
        Message {
            sid: MessageSid::from_bits(1),
            account: AccountSid::from_bits(1),
            service: ServiceSid::from_bits(1),
            conversation: ConversationSid::from_bits(1),
            index: 0,
            seq: 1,
            created_seq: 1,
            author: "system".into(),
            participant: None,
            body: Some("text".into()),
            subject: None,
            attributes: "{}".into(),
            delivery: None,
            last_updated_by: None,
            content: None,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            media: media.iter().enumerate().map(attachment).collect(),
        }
    }

    fn first() -> Part {
        Part::Media(MediaSid::from_bits(0))
    }

    #[test]
    fn a_phone_gets_one_medium_and_no_text_b282_b795() {
        assert_eq!(part(&message(&[]), Some(Channel::Sms)), Part::Text("text".into()));
        let several = message(&[("image/png", 1), ("image/jpeg", 2)]);
        for channel in [Channel::Sms, Channel::WhatsApp] {
            assert_eq!(part(&several, Some(channel)), first());
        }
    }

    #[test]
    fn a_picture_message_has_at_most_five_megabytes_of_a_few_types_b283() {
        let sms = |kind: &str, size| part(&message(&[(kind, size)]), Some(Channel::Sms));
        for kind in [
            "image/jpeg",
            "image/png",
            "audio/mpeg",
            "audio/amr",
            "video/mp4",
            "application/pdf",
            "IMAGE/PNG; x=1",
        ] {
            assert_eq!(sms(kind, MMS_BYTES), first(), "{kind}");
            assert_eq!(sms(kind, MMS_BYTES + 1), Part::Nothing, "{kind}");
        }
        assert_eq!(sms("image/gif", 1), Part::Nothing);
        assert_eq!(sms("text/html", 1), Part::Nothing);
    }

    #[test]
    fn a_whatsapp_message_has_at_most_sixteen_megabytes_of_the_same_types_b284() {
        let whatsapp = |kind: &str, size| part(&message(&[(kind, size)]), Some(Channel::WhatsApp));
        assert_eq!(whatsapp("video/mp4", WHATSAPP_BYTES), first());
        assert_eq!(whatsapp("video/mp4", WHATSAPP_BYTES + 1), Part::Refused(63034));
        assert_eq!(whatsapp("application/zip", 1), Part::Refused(63005));
    }
}
