//! Plain facts of the wire that every other crate shares: SIDs, points in time, addresses, form decoding, page
//! tokens and the error catalogue. No I/O, no clock, no randomness.

pub mod address;
pub mod alert;
pub mod duration;
pub mod error;
pub mod form;
pub mod json;
pub mod page;
pub mod segments;
pub mod sid;
pub mod span;
pub mod time;

pub use address::{Address, Channel};
pub use alert::alert_text;
pub use duration::Duration;
pub use error::ApiError;
pub use form::Form;
pub use page::{Cursor, Direction, KeyPart};
pub use segments::segments;
pub use sid::*;
pub use span::Span;
pub use time::Timestamp;
