//! Errors that a caller sees: HTTP status, code and text (rest.md §1.5 and §14).
//!
//! An [`ApiError`] is written for the caller; what it says may be shown. Everything that must not be shown (a failing
//! database, a bug) is another error type, logged where it happens and answered as an empty 500.

use std::borrow::Cow;
use std::fmt;

/// An error as the API answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// Code of the public catalogue.
    pub code: u32,
    text: Cow<'static, str>,
}

impl ApiError {
    /// The error of a code with its status and text; an unlisted code is a bug and shows as 500/20500.
    #[must_use]
    pub fn new(code: u32) -> Self {
        match row(code) {
            Some((status, text)) => Self {
                status,
                code,
                text: Cow::Borrowed(text),
            },
            None => Self {
                status: 500,
                code: 20500,
                text: Cow::Borrowed("Internal Server Error"),
            },
        }
    }

    /// The same error with a text that says more.
    #[must_use]
    pub fn message(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.text = text.into();
        self
    }

    /// The same error with another HTTP status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The text that the caller reads.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the catalogue describes the code.
    #[must_use]
    pub fn more_info(&self) -> String {
        format!("https://www.twilio.com/docs/errors/{}", self.code)
    }

    /// A required parameter is absent (B-008).
    #[must_use]
    pub fn missing(name: &str) -> Self {
        Self::new(20001).message(format!("Missing required parameter {name} in the post body"))
    }

    /// A parameter has the wrong type or is none of the allowed values.
    #[must_use]
    pub fn invalid(name: &str) -> Self {
        Self::new(20001).message(format!("Invalid parameter value: {name}"))
    }

    /// A path names nothing; `path` is printed without the version prefix (B-004).
    #[must_use]
    pub fn not_found(path: &str) -> Self {
        Self::new(20404).message(format!("The requested resource {path} was not found"))
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} {}", self.status, self.code, self.text)
    }
}

impl std::error::Error for ApiError {}

/// Status and text of a code.
fn row(code: u32) -> Option<(u16, &'static str)> {
    let at = CATALOGUE.binary_search_by_key(&code, |row| row.0).ok()?;
    Some((CATALOGUE[at].1, CATALOGUE[at].2))
}

/// The text of a code that callers may get.
pub(crate) fn text_of(code: u32) -> Option<&'static str> {
    row(code).map(|(_, text)| text)
}

/// Code, HTTP status, text; sorted by code.
#[rustfmt::skip]
const CATALOGUE: &[(u32, u16, &str)] = &[
    (20001, 400, "Invalid parameter value"),
    (20002, 400, "Invalid FriendlyName"),
    (20003, 401, "Authenticate"),
    (20004, 405, "Method not allowed"),
    (20005, 400, "Account not active"),
    (20006, 403, "Access Denied"),
    (20007, 400, "Page size too large, the maximum is 1000"),
    (20009, 400, "Cannot delete this resource before it is complete"),
    (20101, 401, "Invalid Access Token"),
    (20102, 401, "Invalid Access Token header"),
    (20103, 401, "Invalid Access Token issuer/subject"),
    (20104, 401, "Access Token expired or expiration date invalid"),
    (20105, 401, "Access Token not yet valid"),
    (20106, 401, "Invalid Access Token grants"),
    (20107, 401, "Invalid Access Token signature"),
    (20157, 401, "Expiration Time Exceeds Maximum Time Allowed"),
    (20162, 409, "A conflicting resource update is in progress"),
    (20403, 403, "Forbidden"),
    (20404, 404, "The requested resource was not found"),
    (20409, 409, "Conflict"),
    (20413, 413, "Request Entity Too Large"),
    (20422, 400, "Invalid Parameter"),
    (20423, 400, "Invalid SID"),
    (20429, 429, "Too Many Requests"),
    (20500, 500, "Internal Server Error"),
    (20503, 503, "Service unavailable"),
    (21211, 400, "Invalid 'To' Phone Number"),
    (21212, 400, "Invalid From Number (caller ID)"),
    (21421, 400, "Phone Number is invalid"),
    (21422, 400, "PhoneNumber is not available"),
    (21451, 400, "Invalid area code"),
    (21452, 400, "No phone numbers found in area code"),
    (21606, 400, "The 'From' phone number provided is not a valid message-capable Twilio phone number for this destination"),
    (21609, 400, "Invalid 'StatusCallback'"),
    (21610, 400, "Attempt to send to unsubscribed recipient"),
    (21612, 400, "The 'To' phone number is not currently reachable via SMS"),
    (21614, 400, "'To' number is not a valid mobile number"),
    (21620, 400, "Invalid media URL(s)"),
    (21623, 400, "Number of media files exceeds allowed limit"),
    (21710, 409, "Phone Number Already Exists in Messaging Service"),
    (21712, 409, "Phone Number or Short Code is associated with another Messaging Service."),
    (30409, 400, "This message cannot be canceled"),
    (50000, 400, "FriendlyName not provided"),
    (50003, 400, "Friendly name too long"),
    (50004, 400, "Unique Name too long"),
    (50050, 404, "Service Instance not found"),
    (50052, 400, "Invalid consumption interval format"),
    (50053, 400, "Invalid typing indicator format"),
    (50054, 400, "Invalid webhook format"),
    (50055, 400, "Invalid webhook method"),
    (50056, 403, "Webhook disabled processing of command"),
    (50058, 400, "Notification template too long"),
    (50059, 400, "Notification sound name too long"),
    (50060, 400, "Invalid user channels limit format"),
    (50061, 400, "Invalid channel members limit format"),
    (50065, 400, "Invalid webhook retry count"),
    (50100, 404, "Role not found"),
    (50101, 400, "Channel role not found"),
    (50102, 400, "Deployment role not found"),
    (50104, 400, "Permission not found"),
    (50105, 400, "Invalid role type"),
    (50106, 400, "Channel creator role not found"),
    (50107, 403, "User unauthorized for command"),
    (50109, 400, "Conversation role not found"),
    (50200, 404, "User not found"),
    (50201, 409, "User already exists"),
    (50206, 400, "Identity should not match user SID pattern"),
    (50207, 400, "Identity too long"),
    (50210, 400, "Invalid notification level"),
    (50211, 400, "Identity parameter not acceptable for this Participant"),
    (50214, 400, "User conversation limit exceeded"),
    (50300, 404, "Channel not found"),
    (50303, 400, "Attributes too long"),
    (50304, 400, "Attributes not valid JSON"),
    (50306, 400, "Unique name should not match channel SID pattern"),
    (50307, 409, "Channel with provided unique name already exists"),
    (50308, 400, "Invalid Date Created parameter"),
    (50309, 400, "Invalid Date Updated parameter"),
    (50310, 400, "Author parameter is too long"),
    (50334, 400, "Channel deletion operation is in progress"),
    (50340, 400, "Messaging service SID not provided"),
    (50341, 400, "Invalid messaging service SID"),
    (50342, 400, "Messaging service does not belong to account"),
    (50350, 404, "Conversation not found"),
    (50353, 409, "Conversation with provided unique name already exists"),
    (50360, 404, "Conversation webhook not found"),
    (50361, 400, "Too many conversation webhooks"),
    (50362, 400, "Too many conversation webhook triggers"),
    (50364, 400, "Invalid conversation webhook type"),
    (50365, 400, "Invalid conversation webhook filter"),
    (50366, 400, "Invalid conversation webhook trigger"),
    (50367, 400, "Invalid conversation webhook flow SID"),
    (50369, 400, "Conversation webhook URL not provided"),
    (50370, 400, "Conversation webhook filter not provided"),
    (50371, 400, "Conversation webhook trigger not provided"),
    (50372, 400, "Conversation webhook URL is too long"),
    (50373, 400, "No Messaging Service assigned to Conversation"),
    (50374, 400, "'State' field can't be empty"),
    (50375, 400, "TimeToInactive should be greater or equal to 1 minute"),
    (50376, 400, "TimeToClosed should be greater or equal to 10 minutes"),
    (50377, 400, "Can't update conversation as it's in final closed state"),
    (50378, 400, "'State' parameter value is invalid"),
    (50379, 400, "TimeToInactive format is invalid"),
    (50380, 400, "TimeToClosed format is invalid"),
    (50384, 400, "Initial state can't be 'closed"),
    (50386, 400, "Conversation is initializing and cannot be updated or used"),
    (50390, 400, "Unique name should not match conversation sid pattern"),
    (50391, 409, "Conflicting conversation modification"),
    (50393, 400, "Type value should be 'private'."),
    (50396, 400, "EndDate must be after StartDate"),
    (50402, 404, "Member not found"),
    (50403, 400, "Channel member limit exceeded"),
    (50404, 409, "Member already exists"),
    (50405, 400, "Invalid last consumption timestamp format"),
    (50407, 400, "Invalid messaging binding address"),
    (50408, 400, "Invalid participant proxy address"),
    (50409, 400, "Participant address equals proxy address"),
    (50411, 400, "Participant address is empty"),
    (50412, 400, "Participant proxy address is empty"),
    (50413, 400, "Account is not authorized to use proxy address"),
    (50414, 400, "Participant address type does not match proxy address type"),
    (50415, 400, "Proxy address is not WhatsApp enabled sender"),
    (50416, 409, "Participant and proxy address pair is already in use"),
    (50417, 400, "Participants limit exceeded"),
    (50418, 400, "Non-Chat participants limit exceeded"),
    (50419, 409, "Conflicting member modification"),
    (50420, 400, "Participant Messaging Binding type does not support all of the provided Messaging Binding parameters"),
    (50421, 400, "Invalid last read message index format"),
    (50422, 400, "Non-chat conversation participants limit exceeded"),
    (50424, 400, "Invalid participant JSON"),
    (50425, 409, "Participant pairs are already in use"),
    (50426, 400, "Too many participants in one request"),
    (50430, 403, "Participant is not a member of conversation"),
    (50432, 404, "Participant not found"),
    (50433, 409, "Participant already exists"),
    (50434, 400, "Participant projected address not provided"),
    (50435, 409, "Group MMS activation failed"),
    (50436, 400, "Participant limit exceeded for group conversation"),
    (50437, 409, "Group Participant already exists"),
    (50438, 409, "Group conversation with given participant list already exists"),
    (50439, 400, "Account is not authorized to use the projected address"),
    (50440, 400, "Failed to remove the proxy address of a participant"),
    (50441, 400, "Failed to add a proxy address to a participant"),
    (50442, 400, "Failed to remove the projected address of a participant"),
    (50443, 400, "Failed to add a projected address to a participant"),
    (50444, 400, "Failed to add an identity to a participant"),
    (50451, 400, "One user identifier parameter for lookup at a time is allowed. Please, use either Identity or Address."),
    (50452, 400, "Group MMS is not enabled for this Account"),
    (50453, 400, "Proxy Address of participant is not supported for this channel"),
    (50500, 404, "Message not found"),
    (50503, 400, "Message body not provided"),
    (50504, 400, "Message body parameter is too long"),
    (50507, 400, "Media not found"),
    (50508, 400, "Media already sent with another message"),
    (50510, 400, "Invalid message media SID"),
    (50512, 400, "Message media size is too large"),
    (50513, 400, "Message author should be among Group MMS participants"),
    (50514, 409, "Conflicting message modification"),
    (50526, 400, "Invalid content SID"),
    (50527, 400, "Invalid content variables format"),
    (50528, 400, "Content SID is missing"),
    (50529, 400, "Content variables are too long"),
    (50530, 404, "Channel metadata not found"),
    (50540, 400, "Content variable key is too long"),
    (50541, 400, "Content variable value is too long"),
    (50542, 400, "Content template type is not supported"),
    (51001, 429, "Connections resource limit exceeded"),
    (51101, 403, "Service instance not found"),
    (51103, 403, "Token doesn't contain required grants section"),
    (51105, 403, "Token doesn't contain identity"),
    (51124, 429, "Too many connections"),
    (52001, 400, "Invalid destination binding"),
    (52002, 400, "Invalid Credential Sid"),
    (52003, 400, "Invalid Credential Type"),
    (52161, 400, "Empty Credentials"),
    (52182, 400, "Messaging Service not specified"),
    (52302, 400, "Too many recipients"),
    (54007, 403, "Access forbidden for identity"),
    (54100, 404, "Document not found"),
    (54150, 404, "List not found"),
    (54200, 404, "Map not found"),
    (92001, 400, "'Types' Parameter Required"),
    (92002, 400, "The 'variables' parameter exceeds the allowed limit"),
    (92003, 400, "'language' Parameter Required"),
    (92004, 400, "Invalid language code"),
    (92007, 400, "The Content Variables Parameter is invalid"),
    (92008, 400, "Unsupported Content Type"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_sorted_and_without_repetition() {
        assert!(CATALOGUE.windows(2).all(|w| w[0].0 < w[1].0));
    }

    #[test]
    fn an_unlisted_code_is_an_internal_error() {
        assert_eq!((ApiError::new(1).status, ApiError::new(1).code), (500, 20500));
        assert_eq!(
            (ApiError::new(50433).status, ApiError::new(50433).text()),
            (409, "Participant already exists")
        );
    }
}
