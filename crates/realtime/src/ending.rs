//! How a connection is refused or ended from our side, in the words that the SDK acts on (realtime.md §2.3, §2.6).

use confab_domain::Error;
use serde_json::value::RawValue;

use crate::Shared;
use crate::frame::Status;

/// Why a connection ends from our side.
pub(crate) enum End {
    /// The socket broke, the client closed, or it is too slow: nothing more to say.
    Gone,
    /// The client is told.
    Close(Status, Option<Box<RawValue>>),
}

/// When the client may come back.
fn backoff(milliseconds: u64) -> String {
    format!("{{\"backoff_policy\":{{\"reconnect_min_ms\":{milliseconds}}}}}")
}

/// The server ends; the client comes back by itself.
pub(crate) fn offload(shared: &Shared) -> End {
    let payload = RawValue::from_string(backoff(shared.offload_backoff_ms()));
    End::Close(Status::bare(308, "OFFLOAD"), payload.ok())
}

/// The client sends without measure. The SDK takes this as it takes 308 and comes back some seconds later.
pub(crate) fn flooded() -> End {
    tracing::warn!("a client sent frames without measure and was sent away");
    End::Close(
        Status {
            description: Some("Too many frames".into()),
            error_code: Some(20429),
            ..Status::bare(429, "TOO_MANY_REQUESTS")
        },
        None,
    )
}

/// The token is good no more. At 401 the SDK goes, tells the app that it is disconnected, and stays away until it is
/// given another token; at 403, which a new connection would be refused with, it would come back at once
/// (realtime.md §2.6).
pub(crate) fn shut_out(error: &Error) -> End {
    let status = match error {
        Error::Api(api) if api.status < 500 => Status {
            description: Some(api.text().to_owned()),
            error_code: Some(api.code),
            ..Status::bare(401, "UNAUTHORIZED")
        },
        // Nobody knows; who comes anew is looked at again.
        other => {
            tracing::error!(error = %other, "the credentials of a connection could not be checked");
            Status::bare(500, "INTERNAL_SERVER_ERROR")
        }
    };
    End::Close(status, None)
}

/// What the client sent is no frame, or not one for this moment.
pub(crate) fn malformed(what: &str) -> End {
    End::Close(
        Status {
            description: Some(what.to_owned()),
            ..Status::bare(406, "NOT_ACCEPTABLE")
        },
        None,
    )
}

/// How a refused token or connection is told; a database that fails is no fault of the token, and the client may come
/// again.
pub(crate) fn refusal(error: &Error) -> Status {
    match error {
        Error::Api(api) if api.status == 401 || api.status == 403 => Status {
            code: api.status,
            status: if api.status == 401 {
                "UNAUTHORIZED"
            } else {
                "FORBIDDEN"
            },
            description: Some(api.text().to_owned()),
            error_code: Some(api.code),
        },
        Error::Api(api) if api.status == 429 => Status {
            description: Some(api.text().to_owned()),
            error_code: Some(api.code),
            ..Status::bare(429, "TOO_MANY_REQUESTS")
        },
        Error::Api(api) if api.code == 50207 => Status {
            code: 403,
            status: "FORBIDDEN",
            description: Some(api.text().to_owned()),
            error_code: Some(51003),
        },
        Error::Api(api) if api.status < 500 => Status {
            code: 403,
            status: "FORBIDDEN",
            description: Some(api.text().to_owned()),
            error_code: Some(api.code),
        },
        other => {
            tracing::error!(error = %other, "a connection could not be opened");
            Status::bare(500, "INTERNAL_SERVER_ERROR")
        }
    }
}

/// What goes with a refusal: how long one who found no room stays away, from a second on; the SDK makes it longer from
/// try to try. Those refused together come back spread, or they would meet again.
pub(crate) fn refusal_payload(status: &Status) -> String {
    if status.code == 429 {
        backoff(1000 + u64::from(rand::random::<u8>()) * 8)
    } else {
        String::new()
    }
}
