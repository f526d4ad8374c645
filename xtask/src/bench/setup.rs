//! What the measurements need on a server, made through its API.

use super::http::Caller;
use super::load::{Render, each};
use super::sdk::{STAMP, put_stamp};
use super::server::{ACCOUNT, caller};
use anyhow::{Context as _, Result};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

const ROOT: &str = "/conversations/v1";

/// Length of all message bodies.
const BODY: usize = 120;

/// What signs access tokens.
pub(super) struct Account {
    service: String,
    key: String,
    secret: String,
}

impl Account {
    /// Makes an API key.
    pub(super) async fn open(address: SocketAddr) -> Result<Self> {
        let keys = format!("/2010-04-01/Accounts/{ACCOUNT}/Keys.json");
        let key = one(address, caller().post(&keys, "FriendlyName=bench"), 201).await?;
        let configuration = one(address, caller().get(&format!("{ROOT}/Configuration")), 200).await?;
        Ok(Self {
            service: member(&configuration, "default_chat_service_sid")?,
            key: member(&key, "sid")?,
            secret: member(&key, "secret")?,
        })
    }

    pub(super) fn access_token(&self, identity: &str) -> Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let mut header = Header::new(Algorithm::HS256);
        header.cty = Some("twilio-fpa;v=1".to_owned());
        let claims = json!({
            "jti": format!("{}-{now}", self.key),
            "iss": self.key,
            "sub": ACCOUNT,
            "iat": now,
            "exp": now + 3600,
            "grants": {"identity": identity, "chat": {"service_sid": self.service}},
        });
        let key = EncodingKey::from_secret(self.secret.as_bytes());
        Ok(jsonwebtoken::encode(&header, &claims, &key)?)
    }
}

/// The identity with a number.
pub(super) fn identity(number: usize) -> String {
    format!("user{number:05}")
}

/// Makes conversations and gives their SIDs.
pub(super) async fn conversations(address: SocketAddr, count: usize) -> Result<Vec<String>> {
    let path = format!("{ROOT}/Conversations");
    let requests = (0..count)
        .map(|n| caller().post(&path, &format!("FriendlyName=Room+{n}")))
        .collect();
    let bodies = each(address, requests, 201).await?;
    bodies
        .iter()
        .map(|body| member(&serde_json::from_slice(body)?, "sid"))
        .collect()
}

/// Adds chat participants, each a conversation and an identity.
pub(super) async fn participants(
    address: SocketAddr,
    members: impl IntoIterator<Item = (&String, String)>,
) -> Result<()> {
    let requests = members.into_iter().map(|(conversation, identity)| {
        let path = format!("{ROOT}/Conversations/{conversation}/Participants");
        caller().post(&path, &format!("Identity={identity}"))
    });
    each(address, requests.collect(), 201).await?;
    Ok(())
}

/// Sets the read horizon of a user before the first message of some conversations, so that unread messages count.
pub(super) async fn read_nothing_yet(
    address: SocketAddr,
    identity: &str,
    conversations: &[String],
) -> Result<()> {
    let requests = conversations.iter().map(|conversation| {
        let path = format!("{ROOT}/Conversations/{conversation}/Participants/{identity}");
        caller().post(&path, "LastReadMessageIndex=0")
    });
    each(address, requests.collect(), 200).await?;
    Ok(())
}

/// Lists 50 conversations of a user.
pub(super) fn list_memberships(identity: &str) -> Render {
    one_of(std::iter::once(
        caller().get(&format!("{ROOT}/Users/{identity}/Conversations?PageSize=50")),
    ))
}

/// SIDs of some messages of each conversation, with that of the conversation.
pub(super) async fn messages(address: SocketAddr, conversations: &[String]) -> Result<Vec<(String, String)>> {
    let requests = conversations
        .iter()
        .map(|sid| caller().get(&format!("{}?PageSize=10", messages_of(sid))))
        .collect();
    let mut found = Vec::new();
    for (body, conversation) in each(address, requests, 200).await?.iter().zip(conversations) {
        let page: Value = serde_json::from_slice(body)?;
        for message in page["messages"].as_array().context("a list without messages")? {
            found.push((conversation.clone(), member(message, "sid")?));
        }
    }
    Ok(found)
}

/// The request that the floor is measured with: authenticated, routed, decoded, and refused for what it lacks.
pub(super) fn without_storage() -> Render {
    let request = caller().post(&format!("{ROOT}/Services"), "Name=none");
    Arc::new(move |_, out| out.extend(&request))
}

/// Creates messages, spread over conversations; each begins with the time at which its request was rendered.
pub(super) fn create_messages(conversations: &[String]) -> Render {
    create_messages_by(&caller(), conversations)
}

/// The same of a caller whose changes webhooks hear of.
pub(super) fn announce_messages(conversations: &[String]) -> Render {
    create_messages_by(&caller().announcing(), conversations)
}

fn create_messages_by(caller: &Caller, conversations: &[String]) -> Render {
    let filler = "and+the+rest+of+a+message+of+middling+length+".repeat(3);
    let body = format!("Body={:0STAMP$}{}", 0, &filler[..BODY - STAMP]);
    let requests: Vec<Vec<u8>> = conversations
        .iter()
        .map(|sid| caller.post(&messages_of(sid), &body))
        .collect();
    Arc::new(move |turn, out| {
        out.extend(pick(&requests, turn));
        let start = out.len() - BODY;
        put_stamp(&mut out[start..start + STAMP]);
    })
}

/// Sets the webhooks of the account, as a form; none for an empty one.
pub(super) async fn webhooks(address: SocketAddr, pre: &str, post: &str, events: &[&str]) -> Result<()> {
    let mut form = format!("PreWebhookUrl={pre}&PostWebhookUrl={post}");
    for event in events {
        form.push_str("&Filters=");
        form.push_str(event);
    }
    let path = format!("{ROOT}/Configuration/Webhooks");
    one(address, caller().post(&path, &form), 200).await?;
    Ok(())
}

/// Creates one message in each conversation.
pub(super) async fn message_in_each(address: SocketAddr, conversations: &[String]) -> Result<()> {
    let body = |place: &mut Vec<u8>| {
        let start = place.len() - STAMP;
        put_stamp(&mut place[start..]);
    };
    let requests = conversations.iter().map(|sid| {
        let mut request = caller().post(&messages_of(sid), &format!("Body={:0STAMP$}", 0));
        body(&mut request);
        request
    });
    each(address, requests.collect(), 201).await?;
    Ok(())
}

/// Fetches single messages.
pub(super) fn fetch_messages(messages: &[(String, String)]) -> Render {
    one_of(
        messages
            .iter()
            .map(|(conversation, message)| caller().get(&format!("{}/{message}", messages_of(conversation)))),
    )
}

/// Lists the newest 50 messages.
pub(super) fn list_messages(conversations: &[String]) -> Render {
    one_of(
        conversations
            .iter()
            .map(|sid| caller().get(&format!("{}?PageSize=50&Order=desc", messages_of(sid)))),
    )
}

fn one_of(requests: impl Iterator<Item = Vec<u8>>) -> Render {
    let requests: Vec<Vec<u8>> = requests.collect();
    Arc::new(move |turn, out| out.extend(pick(&requests, turn)))
}

/// Spreads turns evenly and without a pattern that a cache or a lock could like.
fn pick(requests: &[Vec<u8>], turn: u64) -> &[u8] {
    let spread = turn.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    &requests[(spread as usize) % requests.len()]
}

fn messages_of(conversation: &str) -> String {
    format!("{ROOT}/Conversations/{conversation}/Messages")
}

async fn one(address: SocketAddr, request: Vec<u8>, status: u16) -> Result<Value> {
    let bodies = each(address, vec![request], status).await?;
    Ok(serde_json::from_slice(bodies.first().context("no answer")?)?)
}

fn member(value: &Value, name: &str) -> Result<String> {
    let text = value[name]
        .as_str()
        .with_context(|| format!("no {name} in {value}"))?;
    Ok(text.to_owned())
}
