// The chat SDKs lose their connection and find it again, and start with much or under odd names: rows ("R…") of the
// checklist in realtime.md §8, rules ("B-…") of behaviours.md.

import assert from "node:assert/strict";
import { allPages, inParallel, range, Server, unique } from "../harness.mjs";
import { forEachSdk, indices, sids } from "./stage.mjs";

const isSubscription = ({ name }) => name === "POST /v4/Subscriptions";
const isClose = ({ fromClient, header }) => !fromClient && header.method === "close";
const isDropped = (state) => state !== "connected";

/** Users with that many conversations each, who are the same for all versions. */
const many = { 60: {}, 105: {} };

async function setup({ rest }) {
  for (const [count, user] of Object.entries(many)) {
    user.name = unique("collector");
    user.made = await inParallel(range(Number(count)), async (number) => {
      const { sid } = await rest.conversations.create({ friendlyName: `number ${number}` });
      await rest.conversations(sid).participants.create({ identity: user.name });
      return sid;
    });
  }
}

/** The ids that a batch of subscriptions names, each with the last event that the client knows of it. */
const lastEvents = ({ text }) => Object.fromEntries(JSON.parse(text).requests.map((one) => [one.object_sid, one.last_event_id]));

forEachSdk(
  "reconnects",
  (cast, test) => {
    test("R37: after a lost connection everything missed arrives once", async (t) => {
      const { alice, bob, hers, sid, stored } = await cast.couple(t);
      const { wire } = alice;
      const old = await stored.messages.create({ body: "before" });
      await cast.fence(sid, alice, bob);

      const [cut, there] = [alice.now, wire.now];
      const hisStates = bob.all("connectionStateChanged");
      const his = bob.now;
      wire.cut();
      await alice.saw("connectionStateChanged", isDropped, { from: cut });
      const carol = unique("carol");
      const missed = [await stored.messages.create({ body: "first" }), await stored.messages.create({ body: "second" })];
      await stored.messages(old.sid).update({ body: "edited" });
      await stored.participants.create({ identity: carol });
      await stored.update({ friendlyName: "Meanwhile" });
      wire.mend();

      await alice.connected(cut);
      await wire.follows(`${sid}.channel`, `${sid}.messages`, `${sid}.roster`);
      const end = await cast.fence(sid, alice, bob);
      assert.equal(hers.friendlyName, "Meanwhile");
      assert.deepEqual(sids(alice.all("messageAdded", undefined, cut)), [...sids(missed), end]);
      const told = alice.told(sid, cut);
      const only = (prefix) => told.filter((event) => event.startsWith(prefix));
      assert.deepEqual(only("messageUpdated"), ["messageUpdated 0 body,dateUpdated,lastUpdatedBy"]);
      assert.deepEqual(only("participant"), [`participantJoined ${carol}`]);
      assert.deepEqual(only("conversationUpdated"), [
        "conversationUpdated dateUpdated,friendlyName,lastMessage",
        "conversationUpdated lastMessage",
      ]);
      assert.equal(told.length, 3 + 1 + 1 + 2, told.join("\n"));
      assert.deepEqual(alice.all("connectionStateChanged", undefined, cut).slice(-2), ["connecting", "connected"]);

      // The other one saw it all as it came, and nothing of her absence.
      assert.deepEqual(bob.all("connectionStateChanged"), hisStates);
      assert.deepEqual(bob.told(sid, his), [
        "messageAdded 2",
        "conversationUpdated lastMessage",
        "messageAdded 3",
        "conversationUpdated lastMessage",
        "messageUpdated 0 body,dateUpdated,lastUpdatedBy",
        `participantJoined ${carol}`,
        "conversationUpdated dateUpdated,friendlyName",
        "messageAdded 4",
        "conversationUpdated lastMessage",
      ]);

      // She came back as the one she was, and asked for what she had missed and nothing else.
      assert.deepEqual(wire.requests(there), ["init", "POST /v4/Subscriptions"]);
      const inits = wire.all(({ fromClient, header }) => fromClient && header.method === "init");
      const first = await wire.reply(inits[0]);
      assert.equal(inits.at(-1).header.continuation_token, first.header.continuation_token);
      const asked = lastEvents(wire.all(isSubscription).at(-1));
      assert.equal(Object.keys(asked).length, 5, "her two maps, and the three parts of the conversation");
      assert.ok(Object.values(asked).every(Number.isInteger));
    });

    test("R38: what came and went while away is not told, what went is", async (t) => {
      const { alice, sid, stored } = await cast.couple(t);
      const old = await stored.messages.create({ body: "old" });
      await cast.fence(sid, alice);

      const cut = alice.now;
      alice.wire.cut();
      await alice.saw("connectionStateChanged", isDropped, { from: cut });
      const brief = await stored.messages.create({ body: "brief" });
      await stored.messages(brief.sid).remove();
      await stored.messages(old.sid).remove();
      alice.wire.mend();

      await alice.connected(cut);
      await alice.wire.follows(`${sid}.channel`, `${sid}.messages`, `${sid}.roster`);
      await cast.fence(sid, alice);
      assert.deepEqual(
        alice.told(sid, cut).filter((event) => event.startsWith("message")),
        ["messageRemoved 0", "messageAdded 3"],
      );
    });

    test("R39: comes back after an offload", async (t) => {
      const { alice, hers, sid, stored } = await cast.couple(t);
      const { now } = alice;
      alice.wire.tell(
        { method: "close", id: "TM00000000-0000-4000-8000-000000000308", status: { code: 308, status: "OFFLOAD" } },
        { backoff_policy: { reconnect_min_ms: 500 } },
      );
      await alice.saw("connectionStateChanged", isDropped, { from: now });
      const missed = await stored.messages.create({ body: "missed" });
      await alice.connected(now);
      await alice.saw("messageAdded", (message) => message.sid === missed.sid);
      assert.equal(await hers.sendMessage("back"), 1);
      await cast.fence(sid, alice);
      assert.deepEqual(alice.all("messageAdded").map(({ index }) => index), [0, 1, 2]);
      assert.equal(alice.wire.sockets, 2);
      assert.equal(alice.all("connectionError", ({ terminal }) => terminal).length, 0);
    });

    test("R39: a restart of the server is a pause for its clients", async (t) => {
      const own = await Server.for(t);
      const { mint } = await own.tokenService();
      const name = unique("alice");
      const alice = await cast.connect(t, name, { token: mint(name), server: own });
      const room = await cast.room(alice);
      assert.equal(await room.sendMessage("before"), 0);
      await alice.saw("messageAdded");

      const { now } = alice;
      await own.terminate();
      // It sent its clients away, spread over some time, and told them so.
      const { header, text } = await alice.wire.saw("the offload", isClose);
      assert.equal(header.status.code, 308);
      assert.ok(JSON.parse(text).backoff_policy.reconnect_min_ms >= 500);
      await own.restart();
      const messages = own.twilio().conversations.v1.conversations(room.sid).messages;
      const missed = await messages.create({ body: "meanwhile" });
      await alice.connected(now);
      await alice.saw("messageAdded", ({ sid }) => sid === missed.sid, { from: now });
      assert.equal(await room.sendMessage("after"), 2);
      await alice.saw("messageAdded", ({ index }) => index === 2, { from: now });
      assert.deepEqual(
        alice.all("messageAdded").map(({ index, body }) => [index, body]),
        [[0, "before"], [1, "meanwhile"], [2, "after"]],
      );
      assert.equal(alice.all("connectionError", ({ terminal }) => terminal).length, 0);
    });

    test("R40: a message sent while disconnected goes out after the reconnect, once", async (t) => {
      const { alice, bob, hers, sid, stored } = await cast.couple(t);
      const { now } = alice;
      alice.wire.cut();
      await alice.saw("connectionStateChanged", isDropped, { from: now });
      const sending = hers.sendMessage("patience");
      alice.wire.mend();
      assert.equal(await sending, 0);
      await alice.saw("messageAdded", ({ body }) => body === "patience");
      assert.deepEqual((await stored.messages.list()).map(({ body }) => body), ["patience"]);
      await cast.fence(sid, alice, bob);
      for (const chat of [alice, bob]) {
        assert.deepEqual(chat.all("messageAdded").map(({ body }) => body), ["patience", "fence"]);
      }
    });

    test("R41: two connections of one user see the same", async (t) => {
      const { alice, names, hers, sid } = await cast.couple(t);
      await hers.sendMessage("earlier");
      const second = await cast.connect(t, names[0]);
      const there = await cast.opened(second, sid);
      assert.deepEqual(indices(await there.getMessages()), [0]);
      const seen = await cast.seen(sid, [alice, second], () => there.sendMessage("from the second"));
      const once = ["messageAdded 1", "conversationUpdated lastMessage"];
      // What the first one saw of its own message before may still be told.
      assert.deepEqual(seen.map((events) => events.slice(-2)), [once, once]);
      for (const chat of [alice, second]) {
        const [message] = chat.all("messageAdded", ({ index }) => index === 1);
        assert.deepEqual([message.body, message.author], ["from the second", names[0]]);
      }
      const room = await cast.room(alice);
      await second.saw("conversationJoined", (conversation) => conversation.sid === room.sid);
      // One of them goes; the other one stays.
      const { now } = alice;
      await second.shutdown();
      assert.equal(await hers.sendMessage("still here"), 3);
      assert.deepEqual(alice.all("connectionStateChanged", undefined, now), []);
    });

    test("R42 B-558: an identity may have any characters", async (t) => {
      const odd = `${unique("al ice+é")}@x.test/=&%`;
      const host = await cast.connect(t, unique("host"));
      const guest = await cast.connect(t, odd);
      assert.equal(guest.client.user.identity, odd);
      const own = await guest.client.createConversation({ friendlyName: "Odd" });
      assert.equal(own.createdBy, odd);
      const room = await cast.room(host);
      const [joined] = await cast.seen(room.sid, [host], () => room.add(odd));
      assert.deepEqual(joined, [`participantJoined ${odd}`]);
      const theirs = await cast.opened(guest, room.sid);
      assert.equal((await theirs.getParticipantByIdentity(odd)).identity, odd);
      const user = await host.client.getUser(odd);
      assert.equal(user.identity, odd);
      assert.equal(await theirs.sendMessage("odd"), 1);
      assert.equal((await host.saw("messageAdded", ({ index }) => index === 1)).author, odd);
      await cast.fence(room.sid, host);
      const [left] = await cast.seen(room.sid, [host], () => theirs.leave());
      assert.deepEqual(left, [`participantLeft ${odd}`]);
    });

    for (const [count, pages] of [[60, [50, 10]], [105, [50, 50, 5]]]) {
      test(`R43: starts with ${count} conversations`, async (t) => {
        const { name, made } = many[count];
        const alice = await cast.connect(t, name);
        const joined = await alice.sawExactly(count, "conversationJoined", undefined, { timeout: 120_000 });
        assert.deepEqual(sids(joined).sort(), [...made].sort());
        const found = await allPages(await alice.client.getSubscribedConversations());
        assert.deepEqual(found.map(({ items }) => items.length), pages);
        assert.deepEqual(found.flatMap(({ items }) => sids(items)).sort(), [...made].sort());
        // All of them live, the first and the last too.
        await alice.wire.follows(...made.flatMap((sid) => [`${sid}.channel`, `${sid}.messages`, `${sid}.roster`]));
        await Promise.all([made[0], made.at(-1)].map((sid) => cast.fence(sid, alice)));
        await alice.sawExactly(count, "conversationJoined");
        await alice.sawExactly(count, "conversationAdded");
        // A hundred to a page of the list, and more than one batch of subscriptions.
        const lists = alice.wire.requests().filter((name) => /Users\/US\/Conversations(\?PageToken=.*)?$/.test(name));
        assert.equal(lists.length, Math.ceil(count / 100));
        assert.ok(alice.wire.all(isSubscription).length >= 2);
      });
    }

    test("R47: a 503 while it opens a conversation, and a 429, pass without a trace", async (t) => {
      const { alice, hers, sid, stored } = await cast.couple(t);
      const { wire } = alice;
      const asks = (path) => ({ fromClient, name }) => fromClient && name === `GET ${path}`;
      const document = asks("/v3/Documents/CH.channel");
      wire.answer(document, { code: 503, status: "Service Unavailable", body: { status: 503, code: 20503, message: "Busy" } });
      const { now } = wire;
      const { sid: next } = await cast.rest.conversations.create({ friendlyName: "Patience" });
      await cast.rest.conversations(next).participants.create({ identity: alice.client.user.identity });
      const joined = await cast.opened(alice, next);
      assert.equal(joined.friendlyName, "Patience");
      assert.equal(wire.all(document, now).length, 2);

      const conversation = asks("/Client/v2/Services/IS/Conversations/CH");
      wire.answer(conversation, { code: 429, status: "Too Many Requests", body: { status: 429, code: 20429, message: "Slow down" } });
      await stored.messages.create({ body: "one" });
      assert.equal(await hers.getMessagesCount(), 1);
      assert.equal(wire.all(conversation, now).length, 2);
      await cast.fence(sid, alice);
      assert.deepEqual(alice.all("connectionStateChanged"), ["connecting", "connected"]);
    });
  },
  { setup },
);
