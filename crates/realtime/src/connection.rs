//! One websocket connection: a task that reads frames, answers requests in their order, and sends what the hub has
//! for it. Everything about the connection lives in the task; the hub knows only its outbox.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use confab_domain::{Actor, Client, Error, Stream};
use confab_engine::{ChatToken, Engine, PushGrant};
use confab_types::{ApiError, ConversationSid, KeySid, Sid, Timestamp, UserSid};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, timeout};

use crate::Shared;
use crate::ending::{self, End};
use crate::entity::Entity;
use crate::flood::{Meter, Verdict};
use crate::frame::{self, Incoming, Status};
use crate::hub::ConnectionId;
use crate::in_flight::InFlight;
use crate::limits::Slot;
use crate::outbox::{Delivery, Outbox};
use crate::presence::Present;
use crate::upstream::{self, Request};
use crate::websocket::{Message, WebSocket};

/// The websocket of a connection.
pub(crate) type Socket = WebSocket<TokioIo<Upgraded>>;

/// Time for the first frame, and for a frame to be taken by the other side.
const INIT_TIMEOUT: Duration = Duration::from_secs(30);
const SEND_TIMEOUT: Duration = Duration::from_secs(20);
/// Pings without any sign of life before the connection is given up.
const SILENT_PINGS: u32 = 3;

/// What a connection follows: the entity's stream was read at `seq`, so what is newer is sent.
struct Followed {
    seq: i64,
    member_since: i64,
}

/// The state of an initialised connection that requests work on.
pub struct Session {
    shared: Arc<Shared>,
    id: ConnectionId,
    /// Whose connection it is.
    pub client: Arc<Client>,
    /// Origin by which the client came, for media links.
    pub origin: Arc<str>,
    /// What its token says of push.
    pub push: PushGrant,
    outbox: Arc<Outbox>,
    followed: HashMap<Entity, Followed>,
    /// Frames to be sent before anything of the outbox.
    ready: Vec<Bytes>,
    /// The key that signed the token, and the engine's version at which it was good.
    key: KeySid,
    good_at: u64,
    /// What it was told, when the key is good no more.
    shut_out: Option<Arc<Error>>,
    /// Its place among the connections, where these are limited.
    slot: Option<Box<Slot>>,
    /// Keeps the user online.
    _present: Present,
}

impl Session {
    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.shared.engine
    }

    /// The changes that are under way in this server.
    #[must_use]
    pub(crate) fn in_flight(&self) -> &InFlight {
        &self.shared.in_flight
    }

    /// The client as an actor.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::Client(Arc::clone(&self.client))
    }

    /// Queues a frame.
    pub fn send(&mut self, frame: Bytes) {
        self.ready.push(frame);
    }

    /// Starts to collect live events of an entity.
    pub fn begin_follow(&self, entity: Entity) {
        self.shared.hub.follow(
            (self.id, self.client.user),
            &self.outbox,
            entity.stream(),
            Some(entity),
        );
    }

    /// Tells the hub where the rows were read; `false` when they must be read again.
    #[must_use]
    pub fn reaches(&self, entity: Entity, seq: i64) -> bool {
        self.shared.hub.start_at(entity.stream(), seq)
    }

    /// The rows were read at `seq`: only newer events are sent.
    pub fn followed(&mut self, entity: Entity, seq: i64, member_since: i64) {
        self.followed.insert(entity, Followed { seq, member_since });
    }

    /// Gives a frame to all connections of a user.
    pub fn tell(&self, user: UserSid, frame: &Bytes) {
        self.shared.hub.tell(user, frame);
    }

    /// Ends following an entity.
    pub fn unfollow(&mut self, entity: Entity) {
        self.followed.remove(&entity);
        self.shared.hub.unfollow(self.id, entity.stream(), Some(entity));
    }

    /// Sends what a change of this connection made before its answer. The SDK opens a conversation on the event of its
    /// joining; an app that goes on at the answer at once would change what the SDK has not opened yet, and miss the
    /// event of it (`join()` then `add()`: no `participantJoined`).
    async fn settle(&mut self) {
        self.shared.settled().await;
        for delivery in self.outbox.take_now() {
            self.deliver(delivery);
        }
    }

    /// Takes deliveries of the hub; what is not followed (any more) is dropped.
    fn deliver(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Event(event) => {
                if self.followed.get(&event.entity).is_some_and(|f| event.id > f.seq) {
                    self.ready.push(event.frame);
                    if event.last {
                        self.unfollow(event.entity);
                    }
                }
            }
            Delivery::Frame(frame) => self.ready.push(frame),
            Delivery::Revoked {
                conversation,
                user_seq,
            } => self.revoke(conversation, user_seq),
            Delivery::ShutOut { key, why } => {
                if key == self.key {
                    self.shut_out = Some(why);
                }
            }
            Delivery::UserRemoved => self.revoke_others(),
        }
    }

    /// Whether the credentials by which the client came in are good still. To be asked before anything is done for him
    /// or told to him, so that nothing is from the moment on at which somebody heard that he is shut out.
    async fn is_let_in(&mut self) -> Result<(), End> {
        if let Some(why) = &self.shut_out {
            return Err(ending::shut_out(why));
        }
        let version = self.shared.engine.credentials_version();
        if version == self.good_at {
            return Ok(());
        }
        // Boxed: nearly always there is nothing to look up, and idle connections would be bigger for it.
        Box::pin(self.shared.engine.check_signer(self.key))
            .await
            .map_err(|error| ending::shut_out(&error))?;
        self.good_at = version;
        Ok(())
    }

    /// The connection goes on with a token that was verified at this version.
    fn renew(&mut self, token: &ChatToken, version: u64) {
        let bearers = &self.shared.bearers;
        bearers.enter(token.account, token.key, self.id, &self.outbox);
        if token.key != self.key {
            bearers.leave(self.key, self.id);
        }
        self.key = token.key;
        self.good_at = version;
    }

    /// Counts a request; `false` when there were too many (B-746).
    fn may_ask(&mut self) -> bool {
        let engine = &self.shared.engine;
        self.slot.as_mut().is_none_or(|slot| slot.admits(|| engine.now()))
    }

    /// Stops all but the user's own maps, which tell that they are gone.
    fn revoke_others(&mut self) {
        let own = Stream::User(self.client.user);
        let others: Vec<Entity> = self
            .followed
            .keys()
            .copied()
            .filter(|e| e.stream() != own)
            .collect();
        for entity in others {
            self.unfollow(entity);
        }
    }

    /// Stops everything of a conversation that the user has left. One that he joined again since is meant no more.
    fn revoke(&mut self, conversation: ConversationSid, user_seq: i64) {
        for entity in [
            Entity::Document(conversation),
            Entity::Messages(conversation),
            Entity::Roster(conversation),
        ] {
            if self
                .followed
                .get(&entity)
                .is_some_and(|f| f.member_since < user_seq)
            {
                self.unfollow(entity);
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.shared.bearers.leave(self.key, self.id);
        let own = Stream::User(self.client.user);
        let streams: std::collections::HashSet<Stream> =
            self.followed.keys().map(|e| e.stream()).chain([own]).collect();
        for stream in streams {
            self.shared.hub.unfollow(self.id, stream, None);
        }
    }
}

/// Serves a connection to its end.
pub(crate) async fn run(mut socket: Socket, shared: Arc<Shared>, origin: Arc<str>) {
    let mut drain = shared.drain.subscribe();
    let mut meter = Meter::new(Instant::now());
    let started = tokio::select! {
        // Boxed, and gone afterwards: its state would lie in the connection's task for all its life.
        started = Box::pin(start(&mut socket, &shared, &origin, &mut meter)) => started,
        () = drained(&mut drain) => Err(ending::offload(&shared)),
    };
    let end = match started {
        Ok((session, schedule)) => serve(&mut socket, &shared, session, schedule, &mut meter).await,
        Err(end) => end,
    };
    if let End::Close(status, payload) = end {
        let _ = send(&mut socket, &shared, [frame::close(&status, payload.as_deref())]).await;
    }
    // The client closes the socket itself once it has read the frame, or after its own goodbye; a silent one is not
    // waited for.
    let _ = timeout(Duration::from_millis(500), async {
        while let Ok(message) = socket.receive().await {
            if matches!(message, Message::Close(_)) {
                break;
            }
        }
    })
    .await;
    let _ = timeout(Duration::from_secs(1), socket.close()).await;
}

/// Waits until the server sends its clients away.
async fn drained(drain: &mut tokio::sync::watch::Receiver<bool>) {
    if drain.wait_for(|d| *d).await.is_err() {
        // The sender lives as long as the connection's share of it.
        std::future::pending::<()>().await;
    }
}

async fn send(
    socket: &mut Socket,
    shared: &Shared,
    frames: impl IntoIterator<Item = Bytes>,
) -> Result<(), End> {
    let send = async {
        for frame in frames {
            shared.counters.frames_out.fetch_add(1, Ordering::Relaxed);
            socket.feed(frame).await.map_err(|_| End::Gone)?;
        }
        socket.flush().await.map_err(|_| End::Gone)
    };
    timeout(SEND_TIMEOUT, send).await.unwrap_or(Err(End::Gone))
}

/// A frame, and whether its sender has sent too many.
type Received = (Incoming, Verdict);

/// The next frame. Text messages are no frames; control messages are answered by the library.
async fn receive(socket: &mut Socket, shared: &Shared, meter: &mut Meter) -> Result<Option<Received>, End> {
    let (frame, bytes) = match socket.receive().await.map_err(|_| End::Gone)? {
        Message::Binary(bytes) => {
            shared.counters.frames_in.fetch_add(1, Ordering::Relaxed);
            let frame = frame::parse(&bytes).map_err(|e| ending::malformed(e.0))?;
            (Some(frame), bytes.len())
        }
        Message::Text(_) => return Err(ending::malformed("frames are binary messages")),
        Message::Ping(bytes) | Message::Pong(bytes) => (None, bytes.len()),
        Message::Close(_) | Message::Frame(_) => return Err(End::Gone),
    };
    let is_reply = frame.as_ref().is_some_and(|f| f.header.method == "reply");
    match meter.received(bytes, is_reply, Instant::now()) {
        Verdict::Flood => Err(ending::flooded()),
        verdict => Ok(frame.map(|frame| (frame, verdict))),
    }
}

/// Waits for `init` and answers it. The session is boxed: what is moved through these functions would lie several times
/// in the connection's task.
async fn start(
    socket: &mut Socket,
    shared: &Arc<Shared>,
    origin: &Arc<str>,
    meter: &mut Meter,
) -> Result<(Box<Session>, Schedule), End> {
    let first = timeout(INIT_TIMEOUT, async {
        loop {
            if let Some((frame, _)) = receive(socket, shared, meter).await? {
                return Ok(frame);
            }
        }
    });
    let frame = first.await.unwrap_or(Err(End::Gone))?;
    if frame.header.method != "init" {
        return Err(ending::malformed("the first frame must be init"));
    }
    let header = frame.header;
    let opened = open(shared, origin, header.token.as_deref().unwrap_or_default()).await;
    let (session, token) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            let status = ending::refusal(&error);
            let payload = ending::refusal_payload(&status);
            let reply = frame::reply(&header.id, &status, None, payload.as_bytes());
            send(socket, shared, [reply]).await?;
            // The client acts on the refusal and closes; until then the socket stays, or a proxy in between might
            // drop the reply with it.
            let goodbye = async {
                while let Ok(received) = receive(socket, shared, meter).await {
                    if received.is_some_and(|(frame, _)| frame.header.method == "close") {
                        break;
                    }
                }
            };
            let _ = timeout(Duration::from_secs(5), goodbye).await;
            return Err(End::Gone);
        }
    };
    let more = init_members(shared, &session.client, &header);
    send(
        socket,
        shared,
        [frame::reply(&header.id, &Status::ok(), Some(&more), &[])],
    )
    .await?;
    let schedule = Schedule::new(shared, &token);
    Ok((session, schedule))
}

/// Verifies the token, takes a place and makes sure that the token's user exists.
async fn open(
    shared: &Arc<Shared>,
    origin: &Arc<str>,
    token: &str,
) -> Result<(Box<Session>, ChatToken), Error> {
    let engine = &shared.engine;
    let version = engine.credentials_version();
    let token = engine.verify_token(token).await?;
    // Before the user is made: nothing comes of a refusal (B-036).
    let slot = match &shared.limiter {
        Some(limiter) => Some(Box::new(limiter.enter(token.account, || engine.now())?)),
        None => None,
    };
    let client = Arc::new(engine.client(&token).await?);
    let (id, user) = (shared.next_connection(), client.user);
    let mut session = Box::new(Session {
        _present: shared.presence.enter(&client).await,
        shared: Arc::clone(shared),
        id,
        client,
        origin: Arc::clone(origin),
        push: token.push.clone(),
        outbox: Arc::default(),
        followed: HashMap::new(),
        ready: Vec::new(),
        key: token.key,
        good_at: version,
        shut_out: None,
        slot,
    });
    session.renew(&token, version);
    // Of its own user's stream a connection hears revocations also when it follows nothing of it.
    let own = Stream::User(user);
    shared.hub.follow((id, user), &session.outbox, own, None);
    Ok((session, token))
}

fn init_members(shared: &Shared, client: &Client, header: &frame::Header) -> Map<String, Value> {
    let known = header.continuation_token.as_deref();
    let (token, status) = shared.continuation.renew(client, known);
    let registrations: Vec<Value> = header
        .registrations
        .iter()
        .flatten()
        .map(|r| {
            json!({"notification_ctx_id": uuid(), "type": r.kind, "product": r.product,
                "message_types": r.message_types})
        })
        .collect();
    let mut members = Map::new();
    // Without telemetry.v1 the client sends none: it would be ignored (realtime.md §2.3).
    members.insert("capabilities".into(), json!(["client_update"]));
    members.insert("continuation_token".into(), token.into());
    members.insert("continuation_token_status".into(), status);
    members.insert("init_registrations".into(), registrations.into());
    members
}

fn uuid() -> String {
    frame::new_id().split_off(2)
}

/// When the server speaks by itself.
struct Schedule {
    ping_every: Duration,
    ping_at: Instant,
    silent: u32,
    /// By the server's clock, as the token is: both move with one that is put forward.
    notice_at: Option<Timestamp>,
    expires_at: Timestamp,
}

impl Schedule {
    fn new(shared: &Shared, token: &ChatToken) -> Self {
        let ping_every = shared.options.ping_interval;
        let mut schedule = Self {
            ping_every,
            ping_at: Instant::now() + ping_every,
            silent: 0,
            notice_at: None,
            expires_at: Timestamp(0),
        };
        schedule.renew(shared, token);
        schedule
    }

    /// Times of a token. One that lives shorter than the notice is long gets it at three quarters of its life.
    fn renew(&mut self, shared: &Shared, token: &ChatToken) {
        let now = shared.engine.now();
        let seconds = |n: i64| Duration::from_secs(u64::try_from(n).unwrap_or(0));
        let expires_at = Timestamp(token.expires_at.saturating_mul(1_000_000));
        let left = Duration::from_micros(u64::try_from(expires_at.0 - now.0).unwrap_or(0));
        // The maker of the token wrote when it was issued; it may be anything.
        let issued_at = token.issued_at.clamp(0, now.seconds());
        let life = seconds(token.expires_at - issued_at);
        let notice = shared.options.expiry_notice.min(life / 4).min(left);
        self.expires_at = expires_at;
        let notice = i64::try_from(notice.as_micros()).unwrap_or(0);
        self.notice_at = Some(Timestamp(expires_at.0 - notice));
    }

    /// When there is something to say of the token.
    fn token_at(&self) -> Timestamp {
        self.notice_at.unwrap_or(self.expires_at).min(self.expires_at)
    }

    /// What is due now.
    fn due(&mut self, session: &mut Session) -> Result<(), End> {
        let (now, time) = (Instant::now(), session.engine().now());
        if time >= self.expires_at {
            return Err(End::Close(
                Status {
                    description: Some("Access Token expired".into()),
                    error_code: Some(20104),
                    ..Status::bare(410, "TOKEN_EXPIRED")
                },
                None,
            ));
        }
        if self.notice_at.is_some_and(|at| time >= at) {
            self.notice_at = None;
            session.send(frame::token_about_to_expire());
        }
        if now >= self.ping_at {
            if self.silent >= SILENT_PINGS {
                return Err(End::Gone);
            }
            self.silent += 1;
            self.ping_at = now + self.ping_every;
            session.send(frame::ping());
        }
        Ok(())
    }
}

async fn serve(
    socket: &mut Socket,
    shared: &Arc<Shared>,
    session: Box<Session>,
    schedule: Schedule,
    meter: &mut Meter,
) -> End {
    shared.counters.connections.fetch_add(1, Ordering::Relaxed);
    let end = converse(socket, shared, session, schedule, meter).await;
    shared.counters.connections.fetch_sub(1, Ordering::Relaxed);
    end.err().unwrap_or(End::Gone)
}

async fn converse(
    socket: &mut Socket,
    shared: &Arc<Shared>,
    mut session: Box<Session>,
    mut schedule: Schedule,
    meter: &mut Meter,
) -> Result<(), End> {
    let mut drain = shared.drain.subscribe();
    let mut drained = pin!(drained(&mut drain));
    // Kept from turn to turn: to set a timer costs more than most of what a turn does.
    let mut ping = pin!(tokio::time::sleep_until(schedule.ping_at));
    let mut token_at = schedule.token_at();
    let mut token_due = pin!(shared.engine.until(token_at));
    let outbox = Arc::clone(&session.outbox);
    loop {
        session.is_let_in().await?;
        if schedule.token_at() != token_at {
            token_at = schedule.token_at();
            token_due.set(shared.engine.until(token_at));
        }
        if !session.ready.is_empty() {
            let frames = std::mem::take(&mut session.ready);
            meter.sent(frames.len());
            send(socket, shared, frames).await?;
        }
        tokio::select! {
            received = receive(socket, shared, meter) => {
                schedule.silent = 0;
                if let Some(received) = received? {
                    session.is_let_in().await?;
                    // What came before the token expired may have waited behind another request until now; only a
                    // newer token is still welcome.
                    if received.0.header.method != "update" {
                        schedule.due(&mut session)?;
                    }
                    // Boxed: the state of a request would make every idle connection bigger.
                    Box::pin(handle(&mut session, &mut schedule, received)).await?;
                }
            }
            deliveries = outbox.take() => {
                for delivery in deliveries.ok_or(End::Gone)? {
                    session.deliver(delivery);
                }
            }
            () = &mut ping => {
                schedule.due(&mut session)?;
                ping.as_mut().reset(schedule.ping_at);
            }
            () = &mut token_due => {
                schedule.due(&mut session)?;
                token_due.set(shared.engine.until(token_at));
            }
            () = &mut drained => return Err(ending::offload(shared)),
        }
    }
}

async fn handle(
    session: &mut Session,
    schedule: &mut Schedule,
    (frame, verdict): Received,
) -> Result<(), End> {
    let Incoming { header, payload } = frame;
    match header.method.as_str() {
        // Nothing of it is done (B-036). The SDK repeats what reads and leaves the rest to the app (realtime.md §3.1).
        "message" if verdict == Verdict::TooMuch || !session.may_ask() => {
            let refusal = upstream::Reply::error(&Error::code(20429));
            session.send(frame::http_reply(&header.id, refusal.code, &refusal.body));
        }
        "message" => {
            let reply = match header.http_request.and_then(|http| Request::read(http, payload)) {
                Some(request) => {
                    let reply = upstream::answer(session, &request).await;
                    if request.method != "GET" {
                        session.settle().await;
                    }
                    tracing::debug!(method = %request.method, status = reply.code, "client request");
                    frame::http_reply(&header.id, reply.code, &reply.body)
                }
                None => {
                    let error = Error::Api(ApiError::new(20001).message("No readable http_request"));
                    frame::http_reply(&header.id, 400, &upstream::Reply::error(&error).body)
                }
            };
            session.send(reply);
        }
        "update" => {
            let token = header.token.as_deref().unwrap_or_default();
            let version = session.engine().credentials_version();
            match renewed(session, token).await {
                Ok(token) => {
                    session.renew(&token, version);
                    schedule.renew(&session.shared, &token);
                    session.push = token.push;
                    session.send(frame::reply(&header.id, &Status::ok(), None, &[]));
                }
                // The client closes after a refusal (realtime.md §2.4).
                Err(error) => session.send(frame::reply(&header.id, &ending::refusal(&error), None, &[])),
            }
        }
        "close" => return Err(End::Gone),
        // Never answered: telemetry by its definition, replies since they are answers.
        "telemetry.v1" | "reply" => {}
        "init" => return Err(ending::malformed("init was sent before")),
        // Notification contexts and anything newer: the client waits for a reply.
        _ => session.send(frame::reply(&header.id, &Status::ok(), None, &[])),
    }
    Ok(())
}

/// A new token must be of the same user in the same service (B-710).
async fn renewed(session: &Session, token: &str) -> Result<ChatToken, Error> {
    let token = session.engine().verify_token(token).await?;
    let same = token.identity == session.client.identity
        && token.service == session.client.service
        && token.account == session.client.account;
    if same { Ok(token) } else { Err(Error::code(20101)) }
}

/// The user's SID, for paths that name the user.
#[must_use]
pub fn is_own(session: &Session, key: &str) -> bool {
    key == session.client.identity || confab_types::UserSid::parse(key) == Some(session.client.user)
}
