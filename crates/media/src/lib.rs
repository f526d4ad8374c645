//! Media as bytes (rest.md §3): kept in an object store, uploaded and read as streams in constant memory, reached
//! without credentials by URLs that end soon, and fetched from the web where a phone sends them.
//!
//! The rows are [`confab_domain::media`], which also says how rows and bytes stay together through a crash.

mod fetch;
mod jobs;
mod library;
mod links;
mod objects;
mod serve;

pub use fetch::Fetcher;
pub use jobs::MediaJobs;
pub use library::{Error, Library, SILENCE, Upload};
pub use links::{Links, Refused};
pub use objects::{Objects, Reader};
pub use serve::{CONTENT_SECURITY_POLICY, Range, disposition};
