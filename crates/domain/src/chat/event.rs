//! What Chat's webhooks are called for (B-838, B-839). Their names are kept with a service; nothing calls them.

use crate::Result;
use crate::error::Error;

const NAMES: [&str; 22] = [
    "onMessageSend",
    "onMessageUpdate",
    "onMessageRemove",
    "onMediaMessageSend",
    "onChannelAdd",
    "onChannelUpdate",
    "onChannelDestroy",
    "onMemberAdd",
    "onMemberRemove",
    "onUserUpdate",
    "onMessageSent",
    "onMessageUpdated",
    "onMessageRemoved",
    "onMediaMessageSent",
    "onChannelAdded",
    "onChannelUpdated",
    "onChannelDestroyed",
    "onMemberAdded",
    "onMemberUpdated",
    "onMemberRemoved",
    "onUserAdded",
    "onUserUpdated",
];

/// Reads a list of filter names; each counts once, in the order of the caller.
///
/// # Errors
/// 400/50054 for an unknown one.
pub(super) fn filters(names: &[String]) -> Result<Vec<String>> {
    let mut filters: Vec<String> = Vec::new();
    for name in names {
        if !NAMES.contains(&name.as_str()) {
            return Err(Error::code(50054));
        }
        if !filters.contains(name) {
            filters.push(name.clone());
        }
    }
    Ok(filters)
}
