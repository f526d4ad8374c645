//! Sinks of NATS: each event is published as a `CloudEvent` in structured mode, with its id as `Nats-Msg-Id`.
//!
//! With `JetStream` an event counts as delivered when a stream has acknowledged it. Without, when the server has shown that
//! it read on behind it: nobody acknowledges more there.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_nats::client::RequestErrorKind;
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectOptions, Event, HeaderMap, ServerAddr, ServerError};
use confab_domain::stream::sink::{self, Login, Sink, Target};
use confab_engine::Engine;
use confab_outgoing::Guard;
use confab_types::{Sid as _, SinkSid};
use reqwest::Url;
use rustls::ClientConfig;
use serde::Deserialize;
use tokio::sync::{OnceCell, watch};

use crate::call::{Call, Came, Failure, REPLAY_OF};
use crate::tls;

/// Time for all that one event takes: shorter than a call's, so that a connection that hangs is dropped here.
const WITHIN: Duration = Duration::from_millis(4500);
/// Longest time for a connection to one address.
const CONNECT: Duration = Duration::from_secs(2);
/// Addresses of one name that are tried.
const ADDRESSES: usize = 4;
/// A connection that nothing was published by for so long is closed.
const IDLE: Duration = Duration::from_secs(60);
const PORT: u16 = 4222;
/// Begins the subjects by which a connection hears answers.
const INBOX: &str = "_INBOX";

/// Why an event was not published.
struct Fault(Failure, String);

impl Fault {
    fn connection(error: impl ToString) -> Self {
        Self(Failure::Connection, error.to_string())
    }
}

/// A sink with an open connection.
struct Connection {
    client: Client,
    context: Option<Context>,
    subject: String,
    /// What the server said last that is wrong, or that the connection broke.
    wrong: watch::Receiver<Option<String>>,
    /// The server lets this user hear no answers.
    blind: AtomicBool,
    used: Mutex<Instant>,
}

type Slot = Arc<OnceCell<Connection>>;

/// Publishes events.
pub(crate) struct Publisher {
    engine: Engine,
    guard: Guard,
    /// One a sink: its settings never change.
    connections: Mutex<HashMap<SinkSid, Slot>>,
    /// Root certificates are read from files.
    tls: OnceCell<tls::Verifier>,
}

/// What is read of an event.
#[derive(Deserialize)]
struct Named<'a> {
    id: &'a str,
}

impl Publisher {
    pub(crate) fn new(engine: Engine, guard: Guard) -> Self {
        Self {
            engine,
            guard,
            connections: Mutex::default(),
            tls: OnceCell::new(),
        }
    }

    /// Whether a URL is one that events are published by.
    pub(crate) fn is_meant(url: &Url) -> bool {
        matches!(url.scheme(), "nats" | "tls")
    }

    /// Publishes the event of a call to the sink that its URL names. 200 stands for its acknowledgement.
    pub(crate) async fn publish(&self, call: &Call<'_>) -> Came {
        let sink = call.url.rsplit_once('#').and_then(|(_, sid)| SinkSid::parse(sid));
        let Some(sink) = sink else {
            return Came::failed(Failure::Forbidden, "the URL names no sink");
        };
        let slot = self.slot(sink);
        let published = tokio::time::timeout(WITHIN, self.publish_by(&slot, sink, call)).await;
        let late = || Fault(Failure::Timeout, "no acknowledgement in time".into());
        match published.unwrap_or_else(|_| Err(late())) {
            Ok(answer) => Came::answered(200, answer),
            Err(Fault(failure, error)) => {
                // What is wrong with it is not known; the next one is new.
                self.drop_slot(sink, &slot);
                Came::failed(failure, error)
            }
        }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<SinkSid, Slot>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place of a sink's connection; those that are idle are closed.
    fn slot(&self, sink: SinkSid) -> Slot {
        let mut slots = self.slots();
        slots.retain(|sid, slot| {
            let used = slot.get().map(Connection::used);
            *sid == sink || used.is_none_or(|used| used.elapsed() < IDLE)
        });
        Arc::clone(slots.entry(sink).or_default())
    }

    fn drop_slot(&self, sink: SinkSid, slot: &Slot) {
        let mut slots = self.slots();
        if slots.get(&sink).is_some_and(|known| Arc::ptr_eq(known, slot)) {
            slots.remove(&sink);
        }
    }

    async fn publish_by(&self, slot: &Slot, sink: SinkSid, call: &Call<'_>) -> Result<String, Fault> {
        let connection = slot.get_or_try_init(|| self.open(sink, call)).await?;
        connection.publish(call).await
    }

    /// Connects to the first server of a sink that answers.
    async fn open(&self, sink: SinkSid, call: &Call<'_>) -> Result<Connection, Fault> {
        let account = call.account;
        let found = self.engine.read(move |tx| sink::find(tx, sink)).await;
        let found: Option<Sink> = found.map_err(Fault::connection)?;
        let gone = || Fault(Failure::Forbidden, "the sink is gone".into());
        let sink = found.filter(|found| found.account == account).ok_or_else(gone)?;
        let Target::Nats(nats) = sink.target().map_err(Fault::connection)? else {
            return Err(gone());
        };
        let login = self.engine.open_login(&sink).map_err(Fault::connection)?;
        let mut last = Fault::connection("it names no server");
        // Each try begins with another one: there is no time for all where the first ones are dead.
        let first = usize::try_from(call.retries).unwrap_or(0) % nats.servers.len().max(1);
        let (before, from) = nats.servers.split_at(first);
        for server in from.iter().chain(before) {
            match self.connect(server, &login).await {
                Ok((client, wrong)) => {
                    let context = nats.jetstream.then(|| {
                        let mut context = jetstream::new(client.clone());
                        context.set_timeout(WITHIN);
                        context
                    });
                    return Ok(Connection {
                        client,
                        context,
                        subject: nats.subject,
                        wrong,
                        blind: AtomicBool::new(false),
                        used: Mutex::new(Instant::now()),
                    });
                }
                Err(fault) => last = fault,
            }
        }
        Err(last)
    }

    async fn connect(
        &self,
        server: &str,
        login: &Login,
    ) -> Result<(Client, watch::Receiver<Option<String>>), Fault> {
        let forbidden = |why: &str| Fault(Failure::Forbidden, why.to_owned());
        let url = Url::parse(server).map_err(|_| forbidden("the URL cannot be called"))?;
        let is_tls = url.scheme() == "tls";
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = host.parse::<IpAddr>()
            && !self.guard.allows(address)
        {
            return Err(forbidden("the URL leads to an address that must not be called"));
        }
        let addresses = self.guard.addresses(host, url.port().unwrap_or(PORT)).await;
        let mut last = Fault::connection("no address");
        for address in addresses.map_err(Fault::connection)?.into_iter().take(ADDRESSES) {
            let (says, wrong) = watch::channel(None);
            let mut options = options(login).event_callback(move |event| {
                if let Some(text) = complaint(&event) {
                    says.send_replace(Some(text));
                }
                std::future::ready(())
            });
            // A server may ask for TLS by itself.
            match self.tls_of(host).await {
                Ok(tls) => options = options.tls_client_config(tls),
                Err(fault) if is_tls => return Err(fault),
                Err(_) => {}
            }
            let options = options.require_tls(is_tls);
            match options.connect(server_at(address)?).await {
                Ok(client) => return Ok((client, wrong)),
                Err(error) => last = Fault::connection(error),
            }
        }
        Err(last)
    }

    /// The server is called by an address that was looked at, and must have a certificate for its name.
    async fn tls_of(&self, host: &str) -> Result<ClientConfig, Fault> {
        let verifier = self.tls.get_or_try_init(tls::Verifier::of_platform).await;
        verifier
            .and_then(|verifier| verifier.client_for(host))
            .map_err(Fault::connection)
    }
}

fn options(login: &Login) -> ConnectOptions {
    let options = ConnectOptions::new()
        .name("confab")
        .connection_timeout(CONNECT)
        .request_timeout(Some(WITHIN))
        // What others a server knows of nobody has looked at.
        .ignore_discovered_servers()
        .max_reconnects(1);
    match login {
        Login {
            token: Some(token), ..
        } => options.token(token.clone()),
        Login {
            user: Some(user),
            password: Some(password),
            ..
        } => options.user_and_password(user.clone(), password.clone()),
        _ => options,
    }
}

fn server_at(address: SocketAddr) -> Result<ServerAddr, Fault> {
    format!("nats://{address}").parse().map_err(Fault::connection)
}

/// What of an event means that published ones may be lost.
fn complaint(event: &Event) -> Option<String> {
    match event {
        Event::Disconnected | Event::Closed => Some("the connection broke".into()),
        Event::ServerError(ServerError::Other(text)) => Some(text.clone()),
        Event::ServerError(error) => Some(error.to_string()),
        Event::ClientError(error) => Some(error.to_string()),
        _ => None,
    }
}

impl Connection {
    fn used(&self) -> Instant {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn publish(&self, call: &Call<'_>) -> Result<String, Fault> {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        let named: Named<'_> = serde_json::from_str(call.body)
            .map_err(|_| Fault(Failure::Forbidden, "the body is no event".into()))?;
        let mut headers = HeaderMap::new();
        headers.insert("Content-Type", call.content_type);
        headers.insert("Nats-Msg-Id", named.id);
        if let Some(id) = call.replay_of {
            headers.insert(REPLAY_OF, id.to_string());
        }
        let mut wrong = self.wrong.clone();
        let said = wrong.borrow_and_update().clone();
        if let Some(said) = said
            && !self.is_no_matter(&said)
        {
            return Err(Fault::connection(said));
        }
        let payload = call.body.to_owned().into();
        match &self.context {
            Some(context) => self.store(context, headers, payload, &mut wrong).await,
            None => self.tell(headers, payload, &mut wrong).await,
        }
    }

    /// Publishes to a stream, and waits for its acknowledgement.
    async fn store(
        &self,
        context: &Context,
        headers: HeaderMap,
        payload: bytes::Bytes,
        wrong: &mut watch::Receiver<Option<String>>,
    ) -> Result<String, Fault> {
        let message = PublishMessage::build().payload(payload).headers(headers);
        let stored = async {
            let sent = context.send_publish(self.subject.clone(), message).await;
            let ack = sent.map_err(of_stream)?.await.map_err(of_stream)?;
            let (stream, seq, duplicate) = (ack.stream, ack.sequence, ack.duplicate);
            Ok(serde_json::json!({ "stream": stream, "seq": seq, "duplicate": duplicate }).to_string())
        };
        tokio::select! {
            stored = stored => stored,
            said = next(wrong) => Err(Fault::connection(said)),
        }
    }

    /// Publishes to whoever listens, and waits until the server has read it.
    async fn tell(
        &self,
        headers: HeaderMap,
        payload: bytes::Bytes,
        wrong: &mut watch::Receiver<Option<String>>,
    ) -> Result<String, Fault> {
        let sent = self
            .client
            .publish_with_headers(self.subject.clone(), headers, payload)
            .await;
        sent.map_err(|error| match error.kind() {
            async_nats::client::PublishErrorKind::Send => Fault::connection(error),
            _ => Fault(Failure::Forbidden, error.to_string()),
        })?;
        self.client.flush().await.map_err(Fault::connection)?;
        if self.blind.load(Ordering::Relaxed) {
            return Ok(String::new());
        }
        // The server reads in order, so its answer to something else says that it has read this: that nobody listens.
        let question = self.client.request(self.client.new_inbox(), bytes::Bytes::new());
        tokio::select! {
            answer = question => match answer {
                Ok(_) => {}
                Err(error) if error.kind() == RequestErrorKind::NoResponders => {}
                Err(error) if error.kind() == RequestErrorKind::TimedOut => {
                    return Err(Fault(Failure::Timeout, error.to_string()));
                }
                Err(error) => return Err(Fault::connection(error)),
            },
            said = next(wrong) => if !self.is_no_matter(&said) {
                return Err(Fault::connection(said));
            },
        }
        // A complaint about this very event came before the answer.
        tokio::task::yield_now().await;
        match wrong.borrow().clone() {
            Some(said) if !self.is_no_matter(&said) => Err(Fault::connection(said)),
            _ => Ok(String::new()),
        }
    }

    /// A user who may hear or ask nothing can publish all the same: what he is refused shows that the server has read so
    /// far. From then on he does not ask again.
    fn is_no_matter(&self, said: &str) -> bool {
        let is_about_answers =
            said.to_ascii_lowercase().contains("permissions violation") && said.contains(INBOX);
        if is_about_answers && self.context.is_none() {
            self.blind.store(true, Ordering::Relaxed);
            return true;
        }
        false
    }
}

/// The next complaint of a server.
async fn next(wrong: &mut watch::Receiver<Option<String>>) -> String {
    match wrong.changed().await {
        Ok(()) => wrong.borrow_and_update().clone().unwrap_or_default(),
        Err(_) => "the connection is closed".into(),
    }
}

fn of_stream(error: async_nats::jetstream::context::PublishError) -> Fault {
    match error.kind() {
        PublishErrorKind::TimedOut => Fault(Failure::Timeout, error.to_string()),
        PublishErrorKind::MaxPayloadExceeded => Fault(Failure::Forbidden, error.to_string()),
        _ => Fault::connection(error),
    }
}
