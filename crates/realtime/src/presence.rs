//! Who is connected: a user is online while at least one of his connections is initialised (B-548, B-550), and counts
//! as offline some seconds after the last one is gone, so that a reconnect is not seen by others (realtime.md §5.2).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use confab_domain::reachability::{self, Reach};
use confab_domain::{Actor, Client, Result};
use confab_engine::Engine;
use confab_types::{ServiceSid, Timestamp, UserSid};

/// Connections of each connected user.
pub(crate) struct Presence {
    engine: Engine,
    grace: Duration,
    connections: Mutex<HashMap<UserSid, usize>>,
}

/// One connection of a user; its end is noticed when this is dropped.
pub(crate) struct Present {
    presence: Arc<Presence>,
    service: ServiceSid,
    user: UserSid,
}

/// Users that are looked at in one read after a start.
const STEP: i64 = 500;

impl Presence {
    pub(crate) fn new(engine: Engine, grace: Duration) -> Arc<Self> {
        let presence = Arc::new(Self {
            engine,
            grace,
            connections: Mutex::default(),
        });
        tokio::spawn(Arc::clone(&presence).forget_the_past());
        presence
    }

    /// A connection of a user is there. It is counted before the rows are asked: whoever writes that he has gone looks
    /// at the count afterwards.
    pub(crate) async fn enter(self: &Arc<Self>, client: &Client) -> Present {
        *self.lock().entry(client.user).or_default() += 1;
        let present = Present {
            presence: Arc::clone(self),
            service: client.service,
            user: client.user,
        };
        let (service, user) = (client.service, client.user);
        if let Some(false) = self.shown_online(service, user).await {
            self.write(service, user, true).await;
        }
        present
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<UserSid, usize>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The grace period, by the server's clock.
    async fn pause(&self) {
        let grace = i64::try_from(self.grace.as_micros()).unwrap_or(i64::MAX);
        self.engine
            .until(Timestamp(self.engine.now().0.saturating_add(grace)))
            .await;
    }

    fn is_here(&self, user: UserSid) -> bool {
        self.lock().contains_key(&user)
    }

    async fn write(&self, service: ServiceSid, user: UserSid, online: bool) {
        let command = Reach {
            service,
            user,
            online,
        };
        // It is only shown; a connection must not fail for it.
        if let Err(error) = self.engine.execute(Actor::System, command).await {
            tracing::warn!(%error, "a user's being online could not be stored");
        }
    }

    /// Whether a user is shown as online; none in a service that shows nobody.
    async fn shown_online(&self, service: ServiceSid, user: UserSid) -> Option<bool> {
        let read = self.engine.read(move |tx| {
            let Some(found) = confab_domain::user::by_sid(tx, service, user)? else {
                return Ok(None);
            };
            Ok(reachability::of(tx, &found)?.map(|shown| shown.online == Some(true)))
        });
        // It is only shown; a connection must not fail for it.
        read.await.unwrap_or_default()
    }

    /// Shows a user as offline, unless he came back within the grace period.
    async fn leave(self: Arc<Self>, service: ServiceSid, user: UserSid) {
        self.pause().await;
        if self.is_here(user) {
            return;
        }
        // In most services nobody is shown: that costs a read and no write.
        if self.shown_online(service, user).await == Some(true) {
            self.write(service, user, false).await;
            // He may have come back while that was written, and found himself online still.
            if self.is_here(user) {
                self.write(service, user, true).await;
            }
        }
    }

    /// Shows those as offline whom an earlier run of the server left online and who have not come back.
    async fn forget_the_past(self: Arc<Self>) {
        self.pause().await;
        if let Err(error) = self.sweep().await {
            tracing::warn!(%error, "users of before the start may be shown as online");
        }
    }

    async fn sweep(&self) -> Result<()> {
        let mut after = None;
        loop {
            let found = self
                .engine
                .read(move |tx| reachability::stored_online(tx, after, STEP))
                .await?;
            let Some((_, last)) = found.last() else {
                return Ok(());
            };
            after = Some(*last);
            for (service, user) in found {
                if !self.is_here(user) {
                    self.write(service, user, false).await;
                    if self.is_here(user) {
                        self.write(service, user, true).await;
                    }
                }
            }
        }
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        let mut connections = self.presence.lock();
        let Some(count) = connections.get_mut(&self.user) else {
            return;
        };
        *count -= 1;
        if *count > 0 {
            return;
        }
        connections.remove(&self.user);
        drop(connections);
        let presence = Arc::clone(&self.presence);
        // Outside of a runtime the server has ended, and the next start will find it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(presence.leave(self.service, self.user));
        }
    }
}
