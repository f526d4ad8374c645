//! The API as its callers see it: requests through the router over a real store. `CONFAB_TEST_DATABASE` names a
//! PostgreSQL server to run on instead of SQLite.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

mod account_webhooks;
mod address_configurations;
mod bindings;
mod chat_channels;
mod chat_lists;
mod chat_migration;
mod chat_services;
mod common;
mod configuration;
mod content;
mod content_approvals;
mod content_lists;
mod content_messages;
mod conversation_with_participants;
mod conversations;
mod credentials;
mod event_streams;
mod forms;
mod front;
mod limits;
mod message_log;
mod message_rules;
mod messages;
mod messaging_services;
mod monitor;
mod monitor_events;
mod notify;
mod numbers;
mod paging;
mod participant_conversations;
mod participants;
mod path_sids;
mod programmable;
mod roles;
mod routing;
mod service_configurations;
mod service_notifications;
mod service_webhooks;
mod signing_keys;
mod simulator;
mod subaccounts;
mod user_conversations;
mod users;
mod webhooks;
