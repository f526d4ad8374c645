//! Channels that are migrated while others use them.

use confab_domain::chat::channel::{self, Values};
use confab_domain::chat::{member, message as chat_message, migration};
use confab_domain::conversation::Conversation;
use confab_domain::message::Message;
use confab_domain::participant::{self, Participant};
use confab_domain::{Actor, Command, Cx, Order, Result, Transaction, Window, conversation, message, user};
use confab_testkit::{TestEngine, engine};
use confab_types::ServiceSid;

use crate::{CALLERS, at_once};

async fn public(engine: &TestEngine, members: &[&str]) -> Conversation {
    let service = engine.account.default_service;
    let create = channel::Create {
        account: engine.account.sid,
        service,
        public: true,
        values: Values::default(),
    };
    let made = engine.execute(Actor::Rest, create).await.unwrap();
    for identity in members {
        let add = add(service, &made, identity);
        engine.execute(Actor::Rest, add).await.unwrap();
    }
    made
}

fn add(service: ServiceSid, channel: &Conversation, identity: &str) -> member::Add {
    member::Add {
        service,
        channel: channel.sid.to_string(),
        identity: identity.to_owned(),
        role: None,
        attributes: None,
        created_at: None,
        updated_at: None,
    }
}

fn migrate(service: ServiceSid, channel: &Conversation) -> migration::Migrate {
    migration::Migrate {
        service,
        key: channel.sid.to_string(),
        kind: Some("private".into()),
        messaging_service: None,
    }
}

/// What a caller does to a channel.
enum Act {
    Say(chat_message::Create),
    Add(member::Add),
    Migrate(migration::Migrate),
}

impl Command for Act {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        match self {
            Self::Say(command) => command.apply(tx, cx).map(drop),
            Self::Add(command) => command.apply(tx, cx).map(drop),
            Self::Migrate(command) => command.apply(tx, cx).map(drop),
        }
    }
}

fn everything() -> Window {
    Window {
        cursor: None,
        size: 100,
    }
}

async fn inside(
    engine: &TestEngine,
    channel: &Conversation,
) -> (Conversation, Vec<Participant>, Vec<Message>) {
    let (service, sid) = (engine.account.default_service, channel.sid);
    let read = move |tx: &mut Transaction<'_>| {
        let found = conversation::fetch(tx, service, &sid.to_string())?;
        let members = participant::list(tx, sid, Order::Ascending, &everything())?.items;
        let said = message::list(tx, &found, Order::Ascending, &everything())?.items;
        Ok((found, members, said))
    };
    engine.read(read).await.unwrap()
}

/// Whoever came before or behind the migration is in the conversation, with his user, and nothing said is lost.
#[tokio::test]
async fn a_channel_is_migrated_under_its_members_b835() {
    let engine = engine().await;
    let service = engine.account.default_service;
    let channel = public(&engine, &["ann"]).await;
    let (done, refused) = at_once(&engine, |n| match n % 4 {
        0 => Act::Migrate(migrate(service, &channel)),
        1 => Act::Add(add(service, &channel, &format!("user {n}"))),
        _ => Act::Say(chat_message::Create {
            service,
            channel: channel.sid.to_string(),
            from: Some("ann".into()),
            body: Some(n.to_string()),
            attributes: None,
            created_at: None,
            updated_at: None,
            media: None,
        }),
    })
    .await;
    assert_eq!((done.len(), refused), (CALLERS, vec![]));
    let (found, members, said) = inside(&engine, &channel).await;
    assert_eq!((found.participants_count, members.len()), (5, 5));
    let indexes: Vec<i64> = said.iter().map(|m| m.index).collect();
    assert_eq!(indexes, (0..8).collect::<Vec<_>>());
    for member in members {
        let user = engine
            .read(move |tx| user::by_identity(tx, service, member.identity.as_deref().unwrap_or_default()))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(member.user, Some(user.sid));
        assert!(member.user_seq > 0 && member.user_seq <= user.seq);
    }
}

/// Two channels with the same members lock the same users.
#[tokio::test]
async fn many_channels_of_the_same_members_are_migrated_at_once_b833() {
    let engine = engine().await;
    let service = engine.account.default_service;
    let mut channels = Vec::new();
    for n in 0..CALLERS {
        let members = if n % 2 == 0 {
            ["ann", "bob", "cleo"]
        } else {
            ["cleo", "bob", "ann"]
        };
        channels.push(public(&engine, &members).await);
    }
    let (done, refused) = at_once(&engine, |n| migrate(service, &channels[n])).await;
    assert_eq!((done.len(), refused), (CALLERS, vec![]));
    let ann = engine
        .read(move |tx| {
            let ann = user::by_identity(tx, service, "ann")?.unwrap();
            participant::of_user(tx, ann.sid, Order::Ascending, &everything())
        })
        .await
        .unwrap();
    let mut counts: Vec<i64> = ann.items.iter().map(|p| p.user_seq).collect();
    counts.sort_unstable();
    counts.dedup();
    assert_eq!(counts.len(), CALLERS, "each has a count of its own");
}

/// Who is removed as a user is no member of public channels either.
#[tokio::test]
async fn a_user_leaves_public_channels_b551() {
    let engine = engine().await;
    let service = engine.account.default_service;
    let channel = public(&engine, &["ann", "bob"]).await;
    let delete = user::Delete {
        service,
        key: "ann".into(),
    };
    engine.execute(Actor::Rest, delete).await.unwrap();
    engine
        .execute(Actor::Rest, migrate(service, &channel))
        .await
        .unwrap();
    let (_, members, _) = inside(&engine, &channel).await;
    let identities: Vec<_> = members.into_iter().filter_map(|m| m.identity).collect();
    assert_eq!(identities, ["bob"]);
}
