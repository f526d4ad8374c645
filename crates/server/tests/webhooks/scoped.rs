//! Webhooks of one conversation.

use confab_testkit::Sink;

use super::{CONVERSATIONS, World};

async fn add(world: &World, sid: &str, form: &[(&str, &str)]) -> String {
    let path = format!("{CONVERSATIONS}/{sid}/Webhooks");
    world.server.post(&path, form).await.expect(201).text_of("sid")
}

/// B-419, B-420, B-506, B-512: besides the account's, for what has happened, with the header.
#[tokio::test]
async fn a_webhook_of_a_conversation_is_told_besides_the_account() {
    let mut world = World::new(&["onMessageAdded"]).await;
    let mut own = Sink::start().await;
    let (sid, other) = (world.conversation().await, world.conversation().await);
    let url = own.url("/own");
    let hook = [
        ("Target", "webhook"),
        ("Configuration.Url", url.as_str()),
        ("Configuration.Filters", "onMessageAdded"),
        ("Configuration.Filters", "onConversationUpdated"),
    ];
    let hook = add(&world, &sid, &hook).await;
    world.say(&other, "elsewhere").await;
    world.say(&sid, "here").await;
    assert_eq!(own.next().await.text("Body"), "here");
    let mut bodies = vec![];
    for _ in 0..2 {
        bodies.push(world.sink.next().await.text("Body").to_owned());
    }
    bodies.sort();
    assert_eq!(bodies, ["elsewhere", "here"]);
    let path = format!("{CONVERSATIONS}/{sid}");
    world
        .server
        .post(&path, &[("FriendlyName", "silent")])
        .await
        .expect(200);
    world.post(&path, &[("FriendlyName", "loud")]).await.expect(200);
    assert_eq!(own.next().await.text("FriendlyName"), "loud");
    // B-514: another list in the place of the first; B-513: none at all.
    let hook = format!("{path}/Webhooks/{hook}");
    let filters = [("Configuration.Filters", "onConversationRemoved")];
    world.server.post(&hook, &filters).await.expect(200);
    world.say(&sid, "not any more").await;
    world.delete(&path).await.expect(204);
    own.expect(&["onConversationRemoved"]).await; // B-515
    assert!(own.came().is_none());
}

/// B-507: keywords, in whatever case.
#[tokio::test]
async fn a_trigger_hears_its_keywords() {
    let world = World::new(&[]).await;
    let mut own = Sink::start().await;
    let sid = world.conversation().await;
    let url = own.url("/trigger");
    let hook = [
        ("Target", "trigger"),
        ("Configuration.Url", url.as_str()),
        ("Configuration.Method", "GET"),
        ("Configuration.Triggers", "Help"),
        ("Configuration.Triggers", "ÄRGER"),
    ];
    add(&world, &sid, &hook).await;
    for body in ["nothing", "please HELP me", "viel ärger", "hel p", "helpful"] {
        world.say(&sid, body).await;
    }
    let path = format!("{CONVERSATIONS}/{sid}");
    world.post(&path, &[("FriendlyName", "help")]).await.expect(200);
    for body in ["please HELP me", "viel ärger", "helpful"] {
        let call = own.next().await;
        assert_eq!((call.event(), call.text("Body")), ("onMessageAdded", body));
        assert_eq!(call.method.as_str(), "GET");
    }
    assert!(own.came().is_none());
}

/// B-509, B-510, B-511: what was there before, from an index on, before all that comes.
#[tokio::test]
async fn a_new_webhook_is_told_of_messages_before_it() {
    let world = World::new(&[]).await;
    let (mut with, mut without) = (Sink::start().await, Sink::start().await);
    let sid = world.conversation().await;
    let count = 250;
    for n in 0..count {
        let path = format!("{CONVERSATIONS}/{sid}/Messages");
        world
            .server
            .post(&path, &[("Body", &n.to_string())])
            .await
            .expect(201);
    }
    let (first, second) = (with.url("/"), without.url("/"));
    let filter = ("Configuration.Filters", "onMessageAdded");
    let target = ("Target", "webhook");
    let after = ("Configuration.ReplayAfter", "7");
    add(&world, &sid, &[target, ("Configuration.Url", &second), filter]).await;
    let hook = add(
        &world,
        &sid,
        &[target, ("Configuration.Url", &first), filter, after],
    )
    .await;
    world.say(&sid, "new").await;
    let path = format!("{CONVERSATIONS}/{sid}/Webhooks/{hook}");
    world
        .server
        .post(&path, &[("Configuration.ReplayAfter", "0")])
        .await
        .expect(200);
    for n in 7..count {
        let call = with.next().await;
        assert_eq!(
            (call.event(), call.text("Index")),
            ("onMessageAdded", n.to_string().as_str())
        );
    }
    assert_eq!(with.next().await.text("Body"), "new");
    assert_eq!(without.next().await.text("Body"), "new");
    assert!(with.came().is_none() && without.came().is_none());
}
