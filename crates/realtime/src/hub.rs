//! From commits to connections. Each stream with followers has a topic, which puts the stream's commits into the
//! order of their counts: on PostgreSQL the hint of a later commit may come first. A gap that does not close by
//! itself is read from the rows.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use confab_domain::{Change, Commit, Stream};
use confab_engine::Engine;
use confab_types::{ConversationSid, UserSid};

use crate::entity::Entity;
use crate::outbox::{Delivery, Outbox};
use crate::project::Projector;
use crate::replay;

/// Number of a connection in this process.
pub type ConnectionId = u64;

/// Locks of the topics; streams are spread over them.
const SHARDS: usize = 16;
/// A gap older than this is read from the rows.
const GAP_PATIENCE: Duration = Duration::from_millis(250);

struct Follower {
    connection: ConnectionId,
    outbox: Arc<Outbox>,
    /// Bits of the entities that it follows.
    mask: u8,
    /// Whose connection it is.
    user: UserSid,
}

#[derive(Default)]
struct Topic {
    followers: Vec<Follower>,
    /// Count up to which everything was delivered; unknown until a follower has read the rows.
    delivered: Option<i64>,
    /// Count that it started at: commits up to it were left to the rows, not delivered.
    started: i64,
    /// Commits that came before their turn.
    early: BTreeMap<i64, Commit>,
    early_since: Option<Instant>,
}

impl Topic {
    fn mask(&self) -> u8 {
        self.followers.iter().fold(0, |mask, f| mask | f.mask)
    }

    fn deliver(&self, commit: &Commit) {
        let mask = self.mask();
        for change in &commit.changes {
            for event in Projector::default().live(commit.stream, commit.seq, change, mask) {
                self.push(&event);
            }
        }
    }

    fn push(&self, event: &crate::project::Event) {
        let bit = event.entity.bit();
        for follower in self.followers.iter().filter(|f| f.mask & bit != 0) {
            follower.outbox.push(Delivery::Event(event.clone()));
        }
    }

    /// Tells the connections of a user that he is out of a conversation.
    fn revoke(&self, stream: Stream, conversation: ConversationSid, user_seq: i64) {
        for follower in self.followers.iter().filter(|f| stream == Stream::User(f.user)) {
            follower.outbox.push(Delivery::Revoked {
                conversation,
                user_seq,
            });
        }
    }

    /// Tells the connections of a user that he was removed.
    fn revoke_all(&self, stream: Stream) {
        for follower in self.followers.iter().filter(|f| stream == Stream::User(f.user)) {
            follower.outbox.push(Delivery::UserRemoved);
        }
    }

    /// Delivers the early commits whose turn has come.
    fn drain(&mut self) {
        while let Some(delivered) = self.delivered {
            self.early = self.early.split_off(&(delivered + 1));
            match self.early.remove(&(delivered + 1)) {
                Some(commit) => {
                    self.deliver(&commit);
                    self.delivered = Some(delivered + 1);
                }
                None => break,
            }
        }
        if self.early.is_empty() {
            self.early_since = None;
        }
    }
}

type Shard = Mutex<HashMap<Stream, Topic>>;

/// All topics.
pub struct Hub {
    shards: [Shard; SHARDS],
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| Shard::default()),
        }
    }
}

impl Hub {
    fn shard(&self, stream: Stream) -> MutexGuard<'_, HashMap<Stream, Topic>> {
        use confab_types::Sid as _;
        let bits = match stream {
            Stream::Conversation(sid) => sid.bits(),
            Stream::User(sid) => sid.bits(),
        };
        // The low bits of a SID are random.
        let at = usize::try_from(bits % SHARDS as u128).unwrap_or(0);
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a connection follow an entity (or, with `None`, only the revocations of a user's stream). Must be called
    /// before the rows are read: what is committed after the call waits in the outbox, what was committed before it
    /// is in the rows, so nothing is lost between the two.
    pub fn follow(
        &self,
        (connection, user): (ConnectionId, UserSid),
        outbox: &Arc<Outbox>,
        stream: Stream,
        entity: Option<Entity>,
    ) {
        let bit = entity.map_or(0, Entity::bit);
        let mut shard = self.shard(stream);
        let topic = shard.entry(stream).or_default();
        match topic.followers.iter_mut().find(|f| f.connection == connection) {
            Some(follower) => follower.mask |= bit,
            None => {
                topic.followers.push(Follower {
                    connection,
                    outbox: Arc::clone(outbox),
                    mask: bit,
                    user,
                });
            }
        }
    }

    /// Tells the count that a follower found in the rows: where a fresh topic starts. `false` when it has started
    /// at a later one, for another follower: what lies between went past this one, who has to read again. The second
    /// reading always reaches: where a topic starts is committed.
    pub fn start_at(&self, stream: Stream, seq: i64) -> bool {
        let mut shard = self.shard(stream);
        let Some(topic) = shard.get_mut(&stream) else {
            return true;
        };
        if topic.delivered.is_none() {
            topic.delivered = Some(seq);
            topic.started = seq;
            topic.drain();
        }
        // What was delivered since the start is in the follower's outbox or, of before he followed, in his rows.
        topic.started <= seq
    }

    /// Ends following an entity, or with `None` the whole stream.
    pub fn unfollow(&self, connection: ConnectionId, stream: Stream, entity: Option<Entity>) {
        let mut shard = self.shard(stream);
        let Some(topic) = shard.get_mut(&stream) else {
            return;
        };
        match entity {
            Some(entity) => {
                if let Some(follower) = topic.followers.iter_mut().find(|f| f.connection == connection) {
                    follower.mask &= !entity.bit();
                    // Of its own user's stream a connection always gets the revocations.
                    if follower.mask == 0 && stream != Stream::User(follower.user) {
                        topic.followers.retain(|f| f.connection != connection);
                    }
                }
            }
            None => topic.followers.retain(|f| f.connection != connection),
        }
        if topic.followers.is_empty() {
            shard.remove(&stream);
        }
    }

    /// Takes a commit from the bus.
    pub fn commit(&self, commit: Commit) {
        let mut shard = self.shard(commit.stream);
        let Some(topic) = shard.get_mut(&commit.stream) else {
            return;
        };
        // Ahead of the order of counts on purpose: who is out of a conversation must not get more of it while a gap
        // of his own stream is waited for. Not when the conversation went with him:
        // nothing more can come of it but the word that it is gone.
        for change in &commit.changes {
            if let Change::Left(stone) = change
                && let Some(conversation) = confab_types::Sid::parse(&stone.item)
            {
                topic.revoke(commit.stream, conversation, stone.seq);
            }
            if let Change::UserRemoved = change {
                topic.revoke_all(commit.stream);
            }
        }
        match topic.delivered {
            Some(delivered) if commit.seq <= delivered => {}
            Some(delivered) if commit.seq == delivered + 1 => {
                topic.deliver(&commit);
                topic.delivered = Some(commit.seq);
                topic.drain();
            }
            _ => {
                topic.early_since.get_or_insert_with(Instant::now);
                topic.early.insert(commit.seq, commit);
            }
        }
    }

    /// Gives a frame that belongs to no entity to all connections of a user. Each of them follows its own user's stream
    /// from its start on.
    pub fn tell(&self, user: UserSid, frame: &bytes::Bytes) {
        let stream = Stream::User(user);
        if let Some(topic) = self.shard(stream).get(&stream) {
            for follower in topic.followers.iter().filter(|f| f.user == user) {
                follower.outbox.push(Delivery::Frame(frame.clone()));
            }
        }
    }

    /// Streams with a gap that did not close by itself, and the count up to which each was delivered.
    fn gaps(&self) -> Vec<(Stream, Option<i64>)> {
        let mut found = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            for (stream, topic) in shard.iter() {
                if topic
                    .early_since
                    .is_some_and(|since| since.elapsed() > GAP_PATIENCE)
                {
                    found.push((*stream, topic.delivered));
                }
            }
        }
        found
    }

    fn mend(&self, stream: Stream, from: Option<i64>, rows: &replay::Catchup) {
        let mut shard = self.shard(stream);
        let Some(topic) = shard.get_mut(&stream) else {
            return;
        };
        if topic.delivered != from {
            return; // It closed meanwhile.
        }
        if from.is_none() {
            topic.started = rows.seq;
        }
        if from.is_some() && rows.more {
            // Too much for one go: who comes anew gets it in parts.
            topic.followers.iter().for_each(|f| f.outbox.overflow());
        } else if from.is_some() {
            for (conversation, user_seq) in &rows.left {
                topic.revoke(stream, *conversation, *user_seq);
            }
            for event in &rows.events {
                topic.push(event);
            }
        }
        topic.delivered = Some(rows.seq);
        topic.drain();
    }

    /// The row of a stream is gone; what waited still says so to its followers.
    fn end(&self, stream: Stream) {
        if let Some(mut topic) = self.shard(stream).remove(&stream) {
            for commit in std::mem::take(&mut topic.early).values() {
                topic.deliver(commit);
            }
        }
    }

    /// Reads the gaps from the rows, for ever.
    pub async fn mend_gaps(self: Arc<Self>, engine: Engine) {
        let mut tick = tokio::time::interval(GAP_PATIENCE);
        loop {
            tick.tick().await;
            for (stream, from) in self.gaps() {
                match engine.read(move |tx| replay::catch_up(tx, stream, from)).await {
                    Ok(Some(rows)) => self.mend(stream, from, &rows),
                    // The conversation or user is gone; its last commit said so.
                    Ok(None) => self.end(stream),
                    Err(error) => tracing::warn!(%error, "a gap could not be read"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use confab_domain::sync::Tombstone;
    use confab_types::Sid as _;

    use super::*;

    const USER: u128 = 7;

    fn room() -> Stream {
        Stream::Conversation(ConversationSid::from_bits(1))
    }

    fn gone(seq: i64) -> Commit {
        let stone = Tombstone {
            seq,
            created_seq: 0,
            item: "0".into(),
            data: "{}".into(),
            removed_at: confab_types::Timestamp(0),
        };
        Commit {
            stream: room(),
            seq,
            changes: vec![Change::MessageRemoved(Arc::new(stone))],
        }
    }

    fn follower(hub: &Hub, connection: ConnectionId) -> Arc<Outbox> {
        let outbox = Arc::new(Outbox::default());
        let entity = Entity::Messages(ConversationSid::from_bits(1));
        hub.follow(
            (connection, UserSid::from_bits(USER)),
            &outbox,
            room(),
            Some(entity),
        );
        outbox
    }

    fn ids(outbox: &Outbox) -> Vec<i64> {
        outbox
            .take_now()
            .into_iter()
            .filter_map(|d| match d {
                Delivery::Event(event) => Some(event.id),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn commits_are_delivered_in_the_order_of_their_counts() {
        let hub = Hub::default();
        let outbox = follower(&hub, 1);
        hub.commit(gone(12));
        assert!(hub.start_at(room(), 10));
        assert_eq!(ids(&outbox), Vec::<i64>::new());
        hub.commit(gone(11));
        hub.commit(gone(11));
        assert_eq!(ids(&outbox), [11, 12]);
    }

    #[test]
    fn a_frame_is_encoded_once_for_all_followers() {
        let hub = Hub::default();
        let outboxes: Vec<_> = (0..3).map(|connection| follower(&hub, connection)).collect();
        assert!(hub.start_at(room(), 10));
        hub.commit(gone(11));
        let frames: Vec<_> = outboxes
            .iter()
            .flat_map(|outbox| outbox.take_now())
            .filter_map(|delivery| match delivery {
                Delivery::Event(event) => Some(event.frame.as_ptr()),
                _ => None,
            })
            .collect();
        assert_eq!(frames, [frames[0]; 3], "the same bytes in memory");
    }

    #[test]
    fn who_read_before_the_topic_started_reads_again() {
        let hub = Hub::default();
        let (early, late) = (follower(&hub, 1), follower(&hub, 2));
        hub.commit(gone(11));
        hub.commit(gone(12));
        // The second one read after the commits, and is first to say so.
        assert!(hub.start_at(room(), 12));
        assert!(
            !hub.start_at(room(), 10),
            "11 and 12 never came to the one who read at 10"
        );
        hub.commit(gone(13));
        assert!(
            hub.start_at(room(), 12),
            "its second reading reaches, although 13 was delivered meanwhile"
        );
        assert_eq!((ids(&early), ids(&late)), (vec![13], vec![13]));
    }

    #[test]
    fn a_revocation_does_not_wait_for_a_gap() {
        let hub = Hub::default();
        let user = UserSid::from_bits(USER);
        let outbox = Arc::new(Outbox::default());
        hub.follow((1, user), &outbox, Stream::User(user), None);
        let stone = Tombstone {
            seq: 5,
            created_seq: 1,
            item: ConversationSid::from_bits(1).to_string(),
            data: "{}".into(),
            removed_at: confab_types::Timestamp(0),
        };
        hub.commit(Commit {
            stream: Stream::User(user),
            seq: 5,
            changes: vec![Change::Left(Arc::new(stone))],
        });
        assert!(matches!(
            outbox.take_now().front(),
            Some(Delivery::Revoked { user_seq: 5, .. })
        ));
    }
}
