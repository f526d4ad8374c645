//! Phones and numbers of an account that write to each other in one conversation (rest.md §2.4, B-211…B-225).
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

use confab_domain::job::Kind;
use confab_domain::message::Message;
use confab_domain::participant::{self, Fields, Participant};
use confab_domain::receipt::{Receipt, Status};
use confab_domain::{
    Actor, Change, Command, Error, Limits, Order, Stream, Window, account, conversation, handset, job,
    message, number, participant_conversation, receipt, user,
};
use confab_testkit::{TestEngine, engine, engine_with};
use confab_types::{AccountSid, Address, ConversationSid, Sid as _};

const ANN: &str = "+15558675310";
const BEN: &str = "+15558675311";
const CAT: &str = "+15558675312";
/// Numbers of the account; claimed by their first use.
const DESK: &str = "+15017122661";
const DOOR: &str = "+15017122662";

/// An engine with the words of these stories.
struct Texting {
    engine: TestEngine,
}

impl Texting {
    async fn start() -> Self {
        Self {
            engine: engine().await,
        }
    }

    async fn run<C: Command>(&self, command: C) -> Result<C::Output, u32> {
        self.run_as(Actor::Rest, command).await
    }

    async fn run_as<C: Command>(&self, actor: Actor, command: C) -> Result<C::Output, u32> {
        match self.engine.execute(actor, command).await {
            Ok(output) => Ok(output),
            Err(Error::Api(error)) => Err(error.code),
            Err(error) => panic!("{error}"),
        }
    }

    async fn conversation(&self) -> ConversationSid {
        let create = conversation::Create {
            account: self.engine.account.sid,
            service: self.engine.account.default_service,
            fields: conversation::Fields::default(),
        };
        self.run(create).await.unwrap().sid
    }

    /// A conversation with these participants.
    async fn with(&self, all: &[Fields]) -> ConversationSid {
        let sid = self.conversation().await;
        for fields in all {
            self.add(sid, fields.clone()).await.unwrap();
        }
        sid
    }

    async fn add(&self, conversation: ConversationSid, fields: Fields) -> Result<Participant, u32> {
        self.run(participant::Add {
            service: self.engine.account.default_service,
            conversation: conversation.to_string(),
            fields,
        })
        .await
    }

    async fn update(
        &self,
        of: &Participant,
        change: impl FnOnce(&mut participant::Update),
    ) -> Result<Participant, u32> {
        let (conversation, key) = (of.conversation.to_string(), of.sid.to_string());
        let mut update = participant::Update::of(of.service, &conversation, &key);
        change(&mut update);
        self.run(update).await
    }

    async fn remove(&self, of: &Participant) {
        let remove = participant::Remove {
            service: of.service,
            conversation: of.conversation.to_string(),
            key: of.sid.to_string(),
        };
        self.run(remove).await.unwrap();
    }

    async fn close(&self, sid: ConversationSid) {
        let fields = conversation::Fields {
            state: Some("closed".into()),
            ..conversation::Fields::default()
        };
        let close = conversation::Update {
            service: self.engine.account.default_service,
            key: sid.to_string(),
            fields,
        };
        self.run(close).await.unwrap();
    }

    async fn delete(&self, sid: ConversationSid) {
        let delete = conversation::Delete {
            service: self.engine.account.default_service,
            key: sid.to_string(),
        };
        self.run(delete).await.unwrap();
    }

    async fn post(&self, to: ConversationSid, author: Option<&str>) -> Result<Message, u32> {
        self.run(message::Create {
            service: self.engine.account.default_service,
            conversation: to.to_string(),
            author: author.map(str::to_owned),
            body: Some("hello".into()),
            subject: None,
            attributes: None,
            content: confab_domain::content::Reference::default(),
            created_at: None,
            updated_at: None,
            media: Vec::new(),
        })
        .await
    }

    async fn participants(&self, of: ConversationSid) -> Vec<Participant> {
        let read = move |tx: &mut confab_domain::Transaction<'_>| {
            participant::list(tx, of, Order::Ascending, &window())
        };
        self.engine.read(read).await.unwrap().items
    }

    async fn messages(&self, of: ConversationSid) -> Vec<Message> {
        let read = move |tx: &mut confab_domain::Transaction<'_>| {
            let found = conversation::by_sid(tx, of)?.unwrap();
            message::list(tx, &found, Order::Ascending, &window())
        };
        self.engine.read(read).await.unwrap().items
    }

    async fn receipts(&self, of: &Message) -> Vec<Receipt> {
        let sid = of.sid;
        let read = move |tx: &mut confab_domain::Transaction<'_>| receipt::list(tx, sid, &window());
        self.engine.read(read).await.unwrap().items
    }

    /// What is to be sent now: from, to, the others; and the SID on the carrier.
    async fn outbox(&self) -> Vec<(String, String, Vec<String>, String)> {
        let mut sent = Vec::new();
        for job in self.run_as(Actor::System, job::Claim { most: 64 }).await.unwrap() {
            if let Kind::Send {
                from,
                to,
                others,
                channel_message,
                ..
            } = job.kind
            {
                sent.push((from, to, others, channel_message));
            }
            self.run_as(Actor::System, job::Finish { id: job.id })
                .await
                .unwrap();
        }
        sent.sort();
        sent
    }

    /// A phone writes.
    async fn text(&self, from: &str, to: &str, others: &[&str]) {
        let send = handset::Send {
            account: self.engine.account.sid,
            handset: Address::parse(from).unwrap(),
            to: to.into(),
            others: others.iter().map(|o| (*o).to_owned()).collect(),
            body: format!("from {from}"),
            media: Vec::new(),
        };
        self.run_as(Actor::Carrier, send).await.unwrap();
    }
}

fn window() -> Window {
    Window {
        cursor: None,
        size: 1000,
    }
}

fn chat(identity: &str) -> Fields {
    Fields {
        identity: Some(identity.into()),
        ..Fields::default()
    }
}

fn known_as(identity: &str, number: &str) -> Fields {
    Fields {
        projected_address: Some(number.into()),
        ..chat(identity)
    }
}

fn native(address: &str) -> Fields {
    Fields {
        address: Some(address.into()),
        ..Fields::default()
    }
}

fn behind(address: &str, proxy: &str) -> Fields {
    Fields {
        proxy_address: Some(proxy.into()),
        ..native(address)
    }
}

fn number_alone(number: &str) -> Fields {
    Fields {
        projected_address: Some(number.into()),
        ..Fields::default()
    }
}

fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

#[tokio::test]
async fn the_kinds_of_members_b211_b222() {
    let texting = Texting::start().await;
    let sid = texting.conversation().await;
    let ann = texting.add(sid, native(ANN)).await.unwrap();
    let alice = texting.add(sid, known_as("alice", DESK)).await.unwrap();
    let door = texting.add(sid, number_alone(DOOR)).await.unwrap();
    let shape = |p: &Participant| {
        let binding = p.binding().unwrap();
        let owned = |text: Option<&str>| text.map(str::to_owned);
        (
            binding.kind,
            owned(binding.address),
            owned(binding.proxy_address),
            owned(binding.projected_address),
        )
    };
    assert_eq!(shape(&ann), ("sms", text(ANN), None, None));
    assert_eq!(shape(&alice), ("sms", None, None, text(DESK)));
    assert_eq!(shape(&door), ("sms", None, None, text(DOOR)));
    assert_eq!((ann.kind(), alice.kind(), door.kind()), ("sms", "chat", "sms"));
    // Who does nothing here by himself has no role.
    assert_eq!(ann.role_sid, None);
    assert!(alice.role_sid.is_some() && alice.role_sid == door.role_sid);
    assert_eq!(texting.add(sid, chat("bob")).await.unwrap().binding(), None);
}

#[tokio::test]
async fn what_an_account_cannot_project_b212_b213() {
    let texting = Texting::start().await;
    let sid = texting.conversation().await;
    for (number, code) in [
        ("+18005550100", 50439),
        ("+18885550100", 50439),
        ("+445017122661", 50439),
        ("12345", 50439),
        ("whatsapp:+15017122661", 50420),
        ("nonsense", 50407),
        ("", 50434),
    ] {
        assert_eq!(
            texting.add(sid, number_alone(number)).await.unwrap_err(),
            code,
            "{number}"
        );
    }
    let stranger = AccountSid::from_bits(2);
    let ensure = account::Ensure {
        sid: stranger,
        auth_token: "sealed".into(),
        replace_token: false,
    };
    texting.run_as(Actor::System, ensure).await.unwrap();
    let taken = number::Create {
        account: stranger,
        address: DESK.into(),
        friendly_name: None,
        kind: None,
    };
    texting.run(taken).await.unwrap();
    for fields in [number_alone(DESK), known_as("alice", DESK)] {
        assert_eq!(texting.add(sid, fields).await.unwrap_err(), 50439);
    }
    assert!(texting.participants(sid).await.is_empty());
}

#[tokio::test]
async fn a_number_that_nobody_owns_is_projected_only_where_it_may_be_claimed_b169() {
    let limits = Limits {
        auto_claim: false,
        ..Limits::default()
    };
    let texting = Texting {
        engine: engine_with(limits).await,
    };
    let sid = texting.conversation().await;
    assert_eq!(texting.add(sid, number_alone(DESK)).await.unwrap_err(), 50439);
    assert_eq!(texting.add(sid, behind(ANN, DESK)).await.unwrap_err(), 50413);
    let whatsapp = behind("whatsapp:+15558675310", "whatsapp:+15017122661");
    assert_eq!(texting.add(sid, whatsapp).await.unwrap_err(), 50415);
    let own = number::Create {
        account: texting.engine.account.sid,
        address: DESK.into(),
        friendly_name: None,
        kind: None,
    };
    texting.run(own).await.unwrap();
    texting.add(sid, number_alone(DESK)).await.unwrap();
}

#[tokio::test]
async fn what_no_member_is_made_of() {
    let texting = Texting::start().await;
    let sid = texting.conversation().await;
    let both = Fields {
        address: text(ANN),
        ..number_alone(DESK)
    };
    let proxied = Fields {
        proxy_address: text(DOOR),
        ..number_alone(DESK)
    };
    for (fields, code) in [
        (both, 50420),
        (proxied, 50420),
        (
            Fields {
                identity: text("alice"),
                ..native(ANN)
            },
            50211,
        ),
        // Reached by its carrier's rules only behind a sender of the account.
        (native("whatsapp:+15558675310"), 50412),
        (native("12345"), 50407),
        (native("nonsense"), 50407),
        (native(""), 50411),
        (native("chat:room"), 50420),
        (behind("chat:room", "chat:door"), 50453),
        (behind(ANN, ""), 50412),
    ] {
        assert_eq!(
            texting.add(sid, fields.clone()).await.unwrap_err(),
            code,
            "{fields:?}"
        );
    }
    texting.add(sid, number_alone(DESK)).await.unwrap();
    // The account's own numbers are no people.
    assert_eq!(texting.add(sid, native(DESK)).await.unwrap_err(), 50407);
    assert_eq!(texting.participants(sid).await.len(), 1);
}

#[tokio::test]
async fn the_eleventh_member_is_one_too_many_b214() {
    let texting = Texting::start().await;
    let sid = texting.conversation().await;
    for n in 0..9 {
        texting
            .add(sid, native(&format!("+1555867530{n}")))
            .await
            .unwrap();
    }
    // Who only chats is no member.
    texting.add(sid, chat("bob")).await.unwrap();
    texting.add(sid, known_as("alice", DESK)).await.unwrap();
    for fields in [native(ANN), number_alone(DOOR), known_as("carol", DOOR)] {
        assert_eq!(texting.add(sid, fields).await.unwrap_err(), 50436);
    }
    let bob = texting
        .participants(sid)
        .await
        .into_iter()
        .find(|p| p.identity == text("bob"))
        .unwrap();
    let project = texting.update(&bob, |u| u.projected_address = text(DOOR)).await;
    assert_eq!(project.unwrap_err(), 50436);
    let ann = texting.add(sid, behind(ANN, DOOR)).await.unwrap();
    let bare = texting.update(&ann, |u| u.proxy_address = text("null")).await;
    assert_eq!(bare.unwrap_err(), 50436);
}

#[tokio::test]
async fn the_owner_sets_how_big_a_group_is() {
    let limits = Limits {
        group_participants: 2,
        ..Limits::default()
    };
    let texting = Texting {
        engine: engine_with(limits).await,
    };
    let sid = texting.with(&[native(ANN), number_alone(DESK)]).await;
    assert_eq!(texting.add(sid, native(BEN)).await.unwrap_err(), 50436);
}

#[tokio::test]
async fn a_number_is_once_in_a_group() {
    let texting = Texting::start().await;
    let sid = texting
        .with(&[native(ANN), known_as("alice", DESK), behind(CAT, DOOR)])
        .await;
    for fields in [
        native(ANN),
        number_alone(DESK),
        known_as("bob", DESK),
        native(CAT),
    ] {
        assert_eq!(
            texting.add(sid, fields.clone()).await.unwrap_err(),
            50437,
            "{fields:?}"
        );
    }
    // Not even claimed: it is a phone of the group.
    assert_eq!(texting.add(sid, number_alone(ANN)).await.unwrap_err(), 50437);
    // In another conversation both are free.
    texting
        .with(&[native(ANN), native(BEN), number_alone(DESK)])
        .await;
}

#[tokio::test]
async fn one_open_conversation_has_a_set_of_numbers_b215() {
    let texting = Texting::start().await;
    let first = texting
        .with(&[native(ANN), native(BEN), known_as("alice", DESK)])
        .await;
    let second = texting.with(&[native(BEN), native(ANN)]).await;
    let add = participant::Add {
        service: texting.engine.account.default_service,
        conversation: second.to_string(),
        fields: number_alone(DESK),
    };
    let Err(Error::Api(refused)) = texting.engine.execute(Actor::Rest, add).await else {
        panic!("the group is there already");
    };
    assert_eq!((refused.status, refused.code), (409, 50438));
    assert!(refused.text().contains(&first.to_string()), "{}", refused.text());
    assert_eq!(texting.participants(second).await.len(), 2);
    // One number more or less is another group.
    texting.add(second, number_alone(DOOR)).await.unwrap();
    texting.add(second, number_alone(DESK)).await.unwrap();
    texting.with(&[native(ANN), number_alone(DESK)]).await;
}

#[tokio::test]
async fn an_update_cannot_make_a_group_twice_either_b215() {
    let texting = Texting::start().await;
    texting
        .with(&[native(ANN), native(BEN), number_alone(DESK)])
        .await;
    let sid = texting.with(&[native(ANN), native(BEN)]).await;
    let alice = texting.add(sid, chat("alice")).await.unwrap();
    let projected = texting.update(&alice, |u| u.projected_address = text(DESK)).await;
    assert_eq!(projected.unwrap_err(), 50438);
    let alice = texting
        .update(&alice, |u| u.projected_address = text(DOOR))
        .await
        .unwrap();
    let moved = texting.update(&alice, |u| u.projected_address = text(DESK)).await;
    assert_eq!(moved.unwrap_err(), 50438);
    let sid = texting.with(&[native(ANN), number_alone(DESK)]).await;
    let ben = texting.add(sid, behind(BEN, DOOR)).await.unwrap();
    let bare = texting.update(&ben, |u| u.proxy_address = text("null")).await;
    assert_eq!(bare.unwrap_err(), 50438);
    let left = texting.participants(sid).await;
    assert!(
        left.iter()
            .any(|p| p.sid == ben.sid && p.proxy_address == text(DOOR))
    );
}

#[tokio::test]
async fn a_group_that_ends_or_changes_frees_its_numbers_b172_b215() {
    let texting = Texting::start().await;
    let group = [native(ANN), native(BEN), number_alone(DESK)];
    let closed = texting.with(&group).await;
    texting.close(closed).await;
    let deleted = texting.with(&group).await;
    texting.delete(deleted).await;
    let shrunk = texting.with(&group).await;
    texting.remove(&texting.participants(shrunk).await[0]).await;
    let left = texting.with(&group).await;
    let door = texting.add(left, native(CAT)).await.unwrap();
    texting.with(&group).await;
    // The last one has them now; the other may have one member less all the same, but does not get them back.
    texting.remove(&door).await;
    assert_eq!(texting.participants(left).await.len(), 3);
    texting.text(ANN, DESK, &[BEN]).await;
    assert!(texting.messages(left).await.is_empty());
}

#[tokio::test]
async fn a_group_that_has_the_numbers_of_another_can_be_changed_all_the_same() {
    let texting = Texting::start().await;
    texting
        .with(&[native(ANN), native(BEN), known_as("alice", DESK)])
        .await;
    let sid = texting
        .with(&[
            native(ANN),
            native(BEN),
            native(CAT),
            behind("+15558675319", DOOR),
        ])
        .await;
    let bob = texting.add(sid, known_as("bob", DESK)).await.unwrap();
    let all = texting.participants(sid).await;
    let with = |address: &str| all.iter().find(|p| p.address == text(address)).unwrap();
    texting.remove(with(CAT)).await;
    let moved = texting
        .update(with("+15558675319"), |u| u.proxy_address = text("+15017122669"))
        .await;
    assert_eq!(moved.unwrap().proxy_address, text("+15017122669"));
    texting.update(&bob, |u| u.identity = text("dan")).await.unwrap();
    texting.post(sid, Some("dan")).await.unwrap();
    texting.add(sid, native(CAT)).await.unwrap();
}

#[tokio::test]
async fn two_numbers_write_to_each_other_and_three_are_a_group_b216_b217_b225() {
    let texting = Texting::start().await;
    let sid = texting
        .with(&[native(ANN), known_as("alice", DESK), chat("bob")])
        .await;
    let first = texting.post(sid, Some("alice")).await.unwrap();
    let outbox = texting.outbox().await;
    assert_eq!(outbox.len(), 1);
    assert_eq!(
        (&outbox[0].0[..], &outbox[0].1[..], &outbox[0].2[..]),
        (DESK, ANN, &[][..])
    );
    assert!(outbox[0].3.starts_with("SM"));
    assert_eq!(texting.receipts(&first).await.len(), 1);

    texting.add(sid, native(BEN)).await.unwrap();
    texting.add(sid, known_as("carol", DOOR)).await.unwrap();
    let second = texting.post(sid, Some("carol")).await.unwrap();
    let outbox = texting.outbox().await;
    let ways: Vec<_> = outbox
        .iter()
        .map(|(from, to, others, _)| {
            (
                from.as_str(),
                to.as_str(),
                others.iter().map(String::as_str).collect(),
            )
        })
        .collect();
    let expected: [(&str, &str, Vec<&str>); 2] = [(DOOR, ANN, vec![DESK, BEN]), (DOOR, BEN, vec![DESK, ANN])];
    assert_eq!(ways, expected);
    // One receipt a phone: none for alice and bob, whom the message reaches in chat.
    let receipts = texting.receipts(&second).await;
    let mut sids: Vec<_> = receipts.iter().map(|r| r.channel_message.clone()).collect();
    sids.sort();
    let mut sent: Vec<_> = outbox.into_iter().map(|o| o.3).collect();
    sent.sort();
    assert_eq!(sids, sent);
    assert!(sids.iter().all(|sid| sid.starts_with("MM")));
    let phones: Vec<_> = texting
        .participants(sid)
        .await
        .into_iter()
        .filter(Participant::is_native)
        .map(|p| p.sid)
        .collect();
    assert!(
        receipts
            .iter()
            .all(|r| r.status.is_none() && phones.contains(&r.participant))
    );
    assert!(second.delivery.unwrap().contains("\"total\":2"));
}

#[tokio::test]
async fn a_script_writes_as_a_member_b218_b219() {
    let texting = Texting::start().await;
    let sid = texting
        .with(&[
            native(ANN),
            native(BEN),
            known_as("alice", DESK),
            number_alone(DOOR),
            chat("bob"),
        ])
        .await;
    // Nobody, a stranger, one who only chats, and a phone that writes for itself.
    for author in [
        None,
        Some("system"),
        Some("nobody"),
        Some("bob"),
        Some(ANN),
        Some("+15017120000"),
    ] {
        assert_eq!(texting.post(sid, author).await.unwrap_err(), 50513, "{author:?}");
    }
    assert!(texting.messages(sid).await.is_empty() && texting.outbox().await.is_empty());
    let alice = texting.post(sid, Some("alice")).await.unwrap();
    assert!(texting.outbox().await.iter().all(|(from, ..)| from == DESK));
    let by_number = texting.post(sid, Some(DESK)).await.unwrap();
    assert_eq!(
        (by_number.author.as_str(), by_number.participant),
        (DESK, alice.participant)
    );
    assert!(texting.outbox().await.iter().all(|(from, ..)| from == DESK));
    let door = texting.post(sid, Some(DOOR)).await.unwrap();
    let outbox = texting.outbox().await;
    assert!(door.participant.is_some() && outbox.len() == 2);
    assert!(outbox.iter().all(|(from, ..)| from == DOOR));
}

#[tokio::test]
async fn phones_without_a_number_of_the_account_cannot_be_written_to_b216() {
    let texting = Texting::start().await;
    let sid = texting.with(&[native(ANN), native(BEN), chat("alice")]).await;
    assert_eq!(texting.post(sid, Some("alice")).await.unwrap_err(), 50435);
    assert_eq!(texting.post(sid, None).await.unwrap_err(), 50435);
    assert!(texting.messages(sid).await.is_empty());
}

#[tokio::test]
async fn what_comes_in_beside_a_group_is_not_lost() {
    let texting = Texting::start().await;
    let sid = texting.with(&[native(ANN), behind(CAT, DOOR)]).await;
    // No number of the account could tell ann; her receipt says so.
    texting.text(CAT, DOOR, &[]).await;
    let first = texting.messages(sid).await.remove(0);
    let receipts = texting.receipts(&first).await;
    assert_eq!(receipts.len(), 1);
    assert_eq!(
        (receipts[0].status, receipts[0].error_code),
        (Some(Status::Failed), 50435)
    );
    assert!(first.delivery.unwrap().contains("\"failed\":\"all\""));
    assert!(texting.outbox().await.is_empty());
    // Nor does one that stands for somebody else; one that nobody is behind does.
    texting.add(sid, known_as("alice", DESK)).await.unwrap();
    texting.text(CAT, DOOR, &[]).await;
    assert!(texting.outbox().await.is_empty());
    texting.add(sid, number_alone("+15017122663")).await.unwrap();
    texting.text(CAT, DOOR, &[]).await;
    let outbox = texting.outbox().await;
    assert_eq!(
        (outbox.len(), outbox[0].0.as_str(), outbox[0].1.as_str()),
        (1, "+15017122663", ANN)
    );
}

#[tokio::test]
async fn a_phone_answers_to_all_numbers_of_its_group_b223() {
    let texting = Texting::start().await;
    let sid = texting
        .with(&[
            native(ANN),
            native(BEN),
            known_as("alice", DESK),
            known_as("bob", DOOR),
        ])
        .await;
    let pair = texting.with(&[native(ANN), number_alone(DESK)]).await;
    texting.text(ANN, DESK, &[DOOR, BEN]).await;
    texting.text(BEN, DOOR, &[DESK, ANN]).await;
    texting.text(ANN, DESK, &[]).await;
    // One who writes to some of the group only means them alone.
    texting.text(ANN, DESK, &[BEN]).await;
    let said = texting.messages(sid).await;
    let authors: Vec<_> = said.iter().map(|m| m.author.as_str()).collect();
    assert_eq!(authors, [ANN, BEN]);
    let phones: Vec<_> = texting
        .participants(sid)
        .await
        .into_iter()
        .filter(Participant::is_native)
        .map(|p| p.sid)
        .collect();
    assert!(
        said.iter()
            .all(|m| m.participant.is_some_and(|p| phones.contains(&p)))
    );
    // Their network has brought it to the other phones.
    assert!(texting.outbox().await.is_empty() && said[0].delivery.is_none());
    assert_eq!(texting.messages(pair).await.len(), 1);
    texting.close(sid).await;
    texting.text(ANN, DESK, &[DOOR, BEN]).await;
    assert_eq!(texting.messages(sid).await.len(), 2);
}

#[tokio::test]
async fn a_pair_goes_before_a_group_of_two() {
    let texting = Texting::start().await;
    let group = texting.with(&[native(ANN), number_alone(DESK)]).await;
    let pair = texting.with(&[behind(ANN, DESK)]).await;
    texting.text(ANN, DESK, &[]).await;
    assert_eq!(
        (
            texting.messages(group).await.len(),
            texting.messages(pair).await.len()
        ),
        (0, 1)
    );
}

#[tokio::test]
async fn another_account_cannot_write_into_a_group_by_a_number_that_it_took() {
    let texting = Texting::start().await;
    let sid = texting
        .with(&[native(ANN), native(BEN), number_alone(DESK)])
        .await;
    let stranger = AccountSid::from_bits(2);
    let ensure = account::Ensure {
        sid: stranger,
        auth_token: "sealed".into(),
        replace_token: false,
    };
    texting.run_as(Actor::System, ensure).await.unwrap();
    let taken = number::Create {
        account: stranger,
        address: BEN.into(),
        friendly_name: None,
        kind: None,
    };
    texting.run(taken).await.unwrap();
    let send = handset::Send {
        account: stranger,
        handset: Address::parse(ANN).unwrap(),
        to: BEN.into(),
        others: vec![DESK.into()],
        body: "intruder".into(),
        media: Vec::new(),
    };
    texting.run_as(Actor::Carrier, send).await.unwrap();
    assert!(texting.messages(sid).await.is_empty());
}

#[tokio::test]
async fn another_person_takes_over_a_number_b220() {
    let texting = Texting::start().await;
    let sid = texting.with(&[native(ANN), native(BEN)]).await;
    let alice = texting.add(sid, known_as("alice", DESK)).await.unwrap();
    texting
        .update(&alice, |u| u.horizon = Some(participant::Horizon::At(3)))
        .await
        .unwrap();
    let mut commits = texting.engine.commits();
    let bob = texting
        .update(&alice, |u| u.identity = text("bob"))
        .await
        .unwrap();
    assert_eq!((bob.sid, &bob.projected_address), (alice.sid, &text(DESK)));
    assert_eq!(
        (&bob.identity, bob.last_read_index, bob.last_read_at),
        (&text("bob"), None, None)
    );
    assert_ne!(bob.user, alice.user);
    // Clients never change the identity of a participant, so one leaves and one comes, in this order.
    let mut seen = Vec::new();
    while let Ok(commit) = commits.try_recv() {
        for change in &commit.changes {
            let what = match change {
                Change::Left(stone) => format!("left {}", stone.item == sid.to_string()),
                Change::ParticipantRemoved(stone) => format!("out {}", stone.item == alice.sid.to_string()),
                Change::ParticipantAdded(p) => format!("in {}", p.identity.as_deref().unwrap_or("-")),
                Change::Joined(p) => format!("joined {}", p.identity.as_deref().unwrap_or("-")),
                other => format!("{other:?}"),
            };
            let whose = match commit.stream {
                Stream::User(user) if Some(user) == alice.user => "alice",
                Stream::User(_) => "bob",
                Stream::Conversation(_) => "all",
            };
            seen.push(format!("{whose}: {what}"));
        }
    }
    assert_eq!(
        seen,
        [
            "alice: left true",
            "all: out true",
            "all: in bob",
            "bob: joined bob"
        ]
    );

    let nobody = texting.update(&bob, |u| u.identity = text("null")).await.unwrap();
    assert_eq!(
        (&nobody.identity, nobody.user, &nobody.projected_address),
        (&None, None, &text(DESK))
    );
    texting.post(sid, Some(DESK)).await.unwrap();
    assert_eq!(
        texting
            .update(&nobody, |u| u.identity = text("null"))
            .await
            .unwrap_err(),
        50211
    );
    let carol = texting
        .update(&nobody, |u| u.identity = text("carol"))
        .await
        .unwrap();
    assert_eq!(carol.identity, text("carol"));
    texting.add(sid, chat("dan")).await.unwrap();
    assert_eq!(
        texting
            .update(&carol, |u| u.identity = text("dan"))
            .await
            .unwrap_err(),
        50433
    );
    let long = "x".repeat(257);
    assert_eq!(
        texting
            .update(&carol, |u| u.identity = Some(long))
            .await
            .unwrap_err(),
        50207
    );
}

#[tokio::test]
async fn the_next_person_of_a_number_is_in_no_more_conversations_than_others_b179() {
    let limits = Limits {
        conversations_per_identity: 1,
        ..Limits::default()
    };
    let texting = Texting {
        engine: engine_with(limits).await,
    };
    let busy = texting.with(&[chat("bob")]).await;
    let sid = texting.conversation().await;
    let alice = texting.add(sid, known_as("alice", DESK)).await.unwrap();
    assert_eq!(
        texting
            .update(&alice, |u| u.identity = text("bob"))
            .await
            .unwrap_err(),
        50214
    );
    texting.close(busy).await;
    texting
        .update(&alice, |u| u.identity = text("bob"))
        .await
        .unwrap();
}

#[tokio::test]
async fn identities_of_others_stay_b221() {
    let texting = Texting::start().await;
    let sid = texting.conversation().await;
    let alice = texting.add(sid, chat("alice")).await.unwrap();
    let ann = texting.add(sid, native(ANN)).await.unwrap();
    let cat = texting.add(sid, behind(CAT, DOOR)).await.unwrap();
    for (of, identity, code) in [
        (&alice, "bob", 50444),
        (&alice, "null", 50444),
        (&ann, "bob", 50211),
        (&cat, "bob", 50211),
    ] {
        assert_eq!(
            texting
                .update(of, |u| u.identity = text(identity))
                .await
                .unwrap_err(),
            code
        );
    }
    // Saying what it is changes nothing.
    let same = texting
        .update(&alice, |u| u.identity = text("alice"))
        .await
        .unwrap();
    assert_eq!((same.sid, same.user), (alice.sid, alice.user));
}

#[tokio::test]
async fn proxies_and_projected_addresses_come_and_go_b183_b184() {
    let texting = Texting::start().await;
    let sid = texting.conversation().await;
    let alice = texting.add(sid, chat("alice")).await.unwrap();
    let ann = texting.add(sid, behind(ANN, DESK)).await.unwrap();
    let whatsapp = behind("whatsapp:+15558675310", "whatsapp:+15017122661");
    let whatsapp = texting.add(sid, whatsapp).await.unwrap();
    let alone = texting.add(sid, number_alone(DOOR)).await.unwrap();
    let proxy = |value: &str| {
        let value = text(value);
        move |u: &mut participant::Update| u.proxy_address = value
    };
    let projected = |value: &str| {
        let value = text(value);
        move |u: &mut participant::Update| u.projected_address = value
    };
    assert_eq!(texting.update(&alice, proxy(DOOR)).await.unwrap_err(), 50441);
    assert_eq!(texting.update(&alice, proxy("null")).await.unwrap_err(), 50440);
    assert_eq!(
        texting.update(&alice, projected("null")).await.unwrap_err(),
        50442
    );
    assert_eq!(
        texting.update(&alone, projected("null")).await.unwrap_err(),
        50442
    );
    assert_eq!(texting.update(&ann, projected(DOOR)).await.unwrap_err(), 50443);
    assert_eq!(texting.update(&whatsapp, proxy("null")).await.unwrap_err(), 50440);
    assert_eq!(texting.update(&ann, proxy("")).await.unwrap_err(), 50412);
    assert_eq!(texting.update(&alice, projected("")).await.unwrap_err(), 50434);
    assert_eq!(
        texting
            .update(&alice, projected("+18005550100"))
            .await
            .unwrap_err(),
        50439
    );
    assert_eq!(texting.update(&alice, projected(DOOR)).await.unwrap_err(), 50437);

    let role = ann.role_sid;
    let bare = texting.update(&ann, proxy("null")).await.unwrap();
    assert!(bare.is_native() && bare.role_sid.is_none() && role.is_some());
    assert_eq!(texting.update(&bare, proxy("null")).await.unwrap_err(), 50440);
    // The pair is free for others (B-172), and then taken.
    let elsewhere = texting.with(&[behind(ANN, DESK)]).await;
    assert_eq!(texting.update(&bare, proxy(DESK)).await.unwrap_err(), 50416);
    texting.delete(elsewhere).await;
    let again = texting.update(&bare, proxy(DESK)).await.unwrap();
    assert_eq!(
        (again.proxy_address.as_deref(), again.role_sid),
        (Some(DESK), role)
    );

    let known = texting.update(&alice, projected("+15017122663")).await.unwrap();
    assert_eq!(known.binding().unwrap().projected_address, Some("+15017122663"));
    let chats = texting.update(&known, projected("null")).await.unwrap();
    assert_eq!(chats.binding(), None);
}

#[tokio::test]
async fn who_began_as_a_number_alone_is_never_found_b189() {
    let texting = Texting::start().await;
    let sid = texting.conversation().await;
    let alone = texting.add(sid, number_alone(DESK)).await.unwrap();
    let alice = texting
        .update(&alone, |u| u.identity = text("alice"))
        .await
        .unwrap();
    assert_eq!(alice.identity, text("alice"));
    let began_as_chat = texting.with(&[known_as("alice", DOOR)]).await;
    let service = texting.engine.account.default_service;
    let find = |who: participant_conversation::Who| {
        texting.engine.read(move |tx| {
            let page = participant_conversation::list(tx, service, &who, &window())?;
            Ok(page
                .items
                .into_iter()
                .map(|i| i.conversation.sid)
                .collect::<Vec<_>>())
        })
    };
    use participant_conversation::Who;
    assert_eq!(
        find(Who::Identity("alice".into())).await.unwrap(),
        [began_as_chat]
    );
    for number in [DESK, DOOR] {
        assert!(find(Who::Address(number.into())).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_deleted_user_takes_its_number_out_of_the_group_b551() {
    let texting = Texting::start().await;
    let small = [native(ANN), native(BEN), known_as("bob", DESK)];
    let holder = texting.with(&small).await;
    let sid = texting
        .with(&[
            native(ANN),
            native(BEN),
            known_as("alice", DOOR),
            known_as("carol", DESK),
        ])
        .await;
    // What is left has the numbers of another conversation; the user goes all the same.
    let delete = user::Delete {
        service: texting.engine.account.default_service,
        key: "alice".into(),
    };
    texting.run(delete).await.unwrap();
    assert_eq!(texting.participants(sid).await.len(), 3);
    texting.text(ANN, DESK, &[BEN]).await;
    assert_eq!(
        (
            texting.messages(holder).await.len(),
            texting.messages(sid).await.len()
        ),
        (1, 0)
    );
}

#[tokio::test]
async fn a_group_needs_a_messaging_service_b173() {
    let texting = Texting::start().await;
    let create = conversation::Create {
        account: texting.engine.account.sid,
        service: texting.engine.account.default_service,
        fields: conversation::Fields {
            messaging_service: Some(String::new()),
            ..conversation::Fields::default()
        },
    };
    let sid = texting.run(create).await.unwrap().sid;
    for fields in [native(ANN), number_alone(DESK), behind(ANN, DESK)] {
        assert_eq!(texting.add(sid, fields).await.unwrap_err(), 50373);
    }
}

#[tokio::test]
async fn reading_on_whatsapp_moves_the_horizon_and_texting_has_none_b582_b583() {
    let texting = Texting::start().await;
    let sid = texting.conversation().await;
    let whatsapp = behind("whatsapp:+15558675310", "whatsapp:+15017122661");
    let reader = texting.add(sid, whatsapp).await.unwrap();
    let phone = texting.add(sid, behind(CAT, DOOR)).await.unwrap();
    let mut sent = Vec::new();
    for _ in 0..3 {
        let said = texting.post(sid, None).await.unwrap();
        sent.push(texting.receipts(&said).await);
    }
    let read = |n: usize, who: &Participant| receipt::Report {
        channel_message: sent[n]
            .iter()
            .find(|r| r.participant == who.sid)
            .unwrap()
            .channel_message
            .clone(),
        status: Status::Read,
        error_code: None,
    };
    let horizon = |who: &Participant| {
        let key = who.sid;
        let all = texting.participants(sid);
        async move {
            let found = all.await.into_iter().find(|p| p.sid == key).unwrap();
            (found.last_read_index, found.last_read_at.is_some())
        }
    };
    let mut commits = texting.engine.commits();
    assert!(texting.run_as(Actor::Carrier, read(1, &reader)).await.unwrap());
    assert_eq!(horizon(&reader).await, (Some(1), true));
    let commit = commits.try_recv().unwrap();
    assert!(
        matches!(&commit.changes[..], [Change::MessageUpdated(_), Change::ParticipantUpdated(p)] if p.sid == reader.sid)
    );
    // An older one that is told of later does not move it back.
    assert!(texting.run_as(Actor::Carrier, read(0, &reader)).await.unwrap());
    assert_eq!(horizon(&reader).await, (Some(1), true));
    assert!(!texting.run_as(Actor::Carrier, read(2, &phone)).await.unwrap());
    assert_eq!(horizon(&phone).await, (None, false));
    // Neither by request.
    let asked = texting
        .update(&phone, |u| u.horizon = Some(participant::Horizon::At(2)))
        .await
        .unwrap();
    assert_eq!((asked.last_read_index, asked.last_read_at), (None, None));
    texting.close(sid).await;
    assert!(texting.run_as(Actor::Carrier, read(2, &reader)).await.unwrap());
    assert_eq!(horizon(&reader).await, (Some(1), true));
}

#[tokio::test]
async fn a_group_message_is_not_read_either_b356() {
    let texting = Texting::start().await;
    let sid = texting
        .with(&[native(ANN), native(BEN), known_as("alice", DESK)])
        .await;
    let said = texting.post(sid, Some("alice")).await.unwrap();
    let report = receipt::Report {
        channel_message: texting.receipts(&said).await[0].channel_message.clone(),
        status: Status::Read,
        error_code: None,
    };
    assert!(!texting.run_as(Actor::Carrier, report).await.unwrap());
}
