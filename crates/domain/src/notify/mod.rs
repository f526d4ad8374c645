//! Notify (rest.md §4): services with their settings, and notifications.

pub mod notification;
pub mod service;
