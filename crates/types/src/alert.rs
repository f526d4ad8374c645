//! The words of the public catalogue on codes that no caller gets as an answer: those of alerts and receipts (rest.md §14).

use crate::error;

/// What a code of an alert or receipt means; some of them are also answers.
#[must_use]
pub fn alert_text(code: i64) -> &'static str {
    let Ok(code) = u32::try_from(code) else {
        return UNKNOWN;
    };
    match TEXTS.binary_search_by_key(&code, |row| row.0) {
        Ok(at) => TEXTS[at].1,
        Err(_) => error::text_of(code).unwrap_or(UNKNOWN),
    }
}

const UNKNOWN: &str = "Unknown error";

/// Sorted by code.
#[rustfmt::skip]
const TEXTS: &[(u32, &str)] = &[
    (11200, "HTTP retrieval failure"),
    (11205, "HTTP connection failure"),
    (11206, "HTTP protocol violation"),
    (11210, "HTTP bad host name"),
    (11215, "HTTP too many redirects"),
    (11220, "SSL/TLS Handshake Error"),
    (30001, "Queue overflow"),
    (30002, "Account suspended"),
    (30003, "Unreachable destination handset"),
    (30004, "Message blocked"),
    (30005, "Unknown destination handset"),
    (30006, "Landline or unreachable carrier"),
    (30007, "Message filtered"),
    (30008, "Unknown error"),
    (30011, "MMS not supported by the receiving phone number in this region"),
    (30019, "Content size exceeds carrier limit"),
    (30022, "US A2P 10DLC - Rate Limits Exceeded"),
    (30034, "US A2P 10DLC - Message from an Unregistered Number"),
    (50057, "Webhook call failed to execute successfully"),
    (50076, "Webhook failed to execute successfully due to timeout"),
    (50427, "Errors while creating conversation with participants"),
    (50610, "Address configuration deleted"),
    (51003, "Identity too long"),
    (51101, "Service instance not found"),
    (51103, "Token doesn't contain required grants section"),
    (51105, "Token doesn't contain identity"),
    (51107, "Service can't be used"),
    (51114, "Invalid access token header"),
    (51115, "Invalid access token subject"),
    (51117, "Invalid access token signature"),
    (51119, "Token expired"),
    (51120, "Token is not valid yet"),
    (51121, "Token expiration time exceeds maximum"),
    (51130, "Token is invalid"),
    (52004, "Push credential not found"),
    (52101, "Invalid GCM Api Key or FCM Secret"),
    (52102, "Invalid GCM/FCM registration token"),
    (52103, "GCM/FCM client uninstalled or turned off notifications"),
    (52131, "Invalid APNs credentials"),
    (52134, "Invalid APNs device token"),
    (52141, "The provided APNs device token has been unregistered"),
    (63001, "Channel could not authenticate the request"),
    (63002, "Channel could not find the From address"),
    (63003, "Channel could not find To address"),
    (63005, "Channel did not accept given content"),
    (63007, "Could not find a Channel with the specified From address"),
    (63009, "Channel provider returned an internal service error (HTTP 5xx)"),
    (63013, "Channel policy violation"),
    (63014, "Channel message blocked by user action"),
    (63015, "Channel Sandbox can only send messages to phone numbers that have joined the Sandbox"),
    (63016, "Failed to send freeform message because you are outside the allowed window. If you are using WhatsApp, please use a Message Template"),
    (63018, "Rate limit exceeded for Channel"),
    (63019, "Media failed to download"),
    (63021, "Channel invalid content error"),
    (63024, "Invalid message recipient"),
    (63027, "Template does not exist for a language and locale"),
    (63028, "Number of parameters provided does not match the expected number of parameters"),
    (63032, "We cannot send this message to this user because of a WhatsApp limitation"),
    (63034, "Media exceeds size limit"),
    (63040, "Template Rejected"),
    (63041, "Template paused"),
    (81000, "The Execution has exceeded max steps allowed for a flow"),
    (81011, "Failed to send Message"),
    (81017, "Error in Function Response"),
    (81018, "Template evaluation error in Studio widget"),
    (93101, "Unable to deliver events to sink"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_are_sorted_and_without_repetition() {
        assert!(TEXTS.windows(2).all(|w| w[0].0 < w[1].0));
        assert_eq!(alert_text(11200), "HTTP retrieval failure");
        assert_eq!(alert_text(50435), "Group MMS activation failed");
        assert_eq!(
            (alert_text(1), alert_text(-1)),
            ("Unknown error", "Unknown error")
        );
    }
}
