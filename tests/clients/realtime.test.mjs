// The unmodified chat SDKs against the server: the acceptance rows ("R…") of the realtime protocol and behaviour rules
// ("B-…") that each test holds are in its name.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { allPages, Chat, inParallel, Line, phone, range, SDKS, Server, unique } from "./harness.mjs";

const sids = (items) => items.map((item) => item.sid);
const indices = (page) => page.items.map((message) => message.index);

for (const sdk of SDKS) {
  describe(`SDK ${sdk.version}`, () => {
    let server;
    let rest;
    let tokens;

    before(async () => {
      server = await Server.start();
      rest = server.twilio().conversations.v1;
      tokens = await server.tokenService();
    });
    after(() => server?.stop());

    const connect = (t, identity, { token = tokens.mint(identity), websocket = server.websocket } = {}) =>
      new Chat(t, sdk, token, websocket).initialized();

    /** Alice and Bob, connected, in a conversation that Alice made with the SDK. */
    async function couple(t, options = {}) {
      const names = [unique("alice"), unique("bob")];
      const [alice, bob] = await Promise.all([connect(t, names[0], options), connect(t, names[1])]);
      const hers = await alice.client.createConversation({ friendlyName: "Couple" });
      await hers.join();
      await opened(alice, hers);
      await hers.add(names[1]);
      const his = await bob.saw("conversationJoined", (seen) => seen.sid === hers.sid);
      await alice.saw("participantJoined", (participant) => participant.identity === names[1]);
      // Who leaves while the SDK is still opening the conversation makes the SDK's own request fail, which it does not catch.
      await opened(bob, his);
      return { alice, bob, names, hers, his, posted: rest.conversations(hers.sid).messages };
    }

    /** Waits until the SDK has opened a joined conversation: what is in it by then makes no event. */
    async function opened(chat, conversation) {
      await chat.saw("conversationJoined", (seen) => seen.sid === conversation.sid);
      await conversation.getParticipants();
      await conversation.getMessages(1);
    }

    /** A message after which nothing from before can still be under way to `chat`. */
    async function fence(conversationSid, chat) {
      const { sid } = await rest.conversations(conversationSid).messages.create({ body: "fence" });
      await chat.saw("messageAdded", (message) => message.sid === sid);
      return sid;
    }

    // ------------------------------------------------------------------------------------------ start

    test("R1 B-701: connects, is initialised, knows its user", async (t) => {
      const name = unique("alice");
      const alice = await connect(t, name);
      assert.deepEqual(alice.all("connectionStateChanged").slice(0, 2), ["connecting", "connected"]);
      assert.deepEqual(alice.all("stateChanged"), ["initialized"]);
      assert.equal(alice.client.user.identity, name);
      assert.equal(alice.client.user.friendlyName, name);
      assert.deepEqual(alice.client.user.attributes, {});
      // B-056: reachability is off on a new service, so nobody knows who is online.
      assert.equal(alice.client.reachabilityEnabled, false);
      assert.equal(alice.client.user.isOnline, null);
      const user = await rest.users(name).fetch();
      assert.match(user.sid, /^US[0-9a-f]{32}$/);
      assert.equal(user.friendlyName, null);
    });

    test("R2: a new user has no conversations", async (t) => {
      const alice = await connect(t, unique("alice"));
      const page = await alice.client.getSubscribedConversations();
      assert.deepEqual(page.items, []);
      assert.equal(page.hasNextPage, false);
    });

    // ------------------------------------------------------------------------------------------ conversations

    test("R3 R4 B-664: creates a conversation, then joins it", async (t) => {
      const name = unique("alice");
      const alice = await connect(t, name);
      const uniqueName = unique("room");
      const made = await alice.client.createConversation({ friendlyName: "Room", uniqueName, attributes: { a: [1, "ä"] } });
      assert.match(made.sid, /^CH[0-9a-f]{32}$/);
      assert.equal(made.friendlyName, "Room");
      assert.equal(made.uniqueName, uniqueName);
      assert.deepEqual(made.attributes, { a: [1, "ä"] });
      assert.equal(made.createdBy, name);
      assert.equal(made.status, "notParticipating");
      assert.equal(made.state.current, "active");
      assert.ok(made.dateCreated instanceof Date && made.dateUpdated instanceof Date);
      await alice.saw("conversationAdded", (seen) => seen.sid === made.sid);
      assert.equal(alice.all("conversationJoined").length, 0);

      await made.join();
      await alice.sawExactly(1, "conversationJoined", (seen) => seen.sid === made.sid);
      assert.equal(made.status, "joined");
      const stored = await rest.conversations(uniqueName).fetch();
      assert.equal(stored.sid, made.sid);
      assert.equal(stored.attributes, '{"a":[1,"ä"]}');
      const [participant] = await rest.conversations(made.sid).participants.list();
      assert.equal(participant.identity, name);
    });

    test("R5 R6: adds a chat user, both see it", async (t) => {
      const names = [unique("alice"), unique("bob")];
      const [alice, bob] = await Promise.all(names.map((name) => connect(t, name)));
      const hers = await alice.client.createConversation({ friendlyName: "Two" });
      await hers.join();
      await opened(alice, hers);
      await hers.add(names[1], { role: "guest" });
      const participant = await alice.saw("participantJoined", (seen) => seen.identity === names[1]);
      assert.equal(participant.type, "chat");
      assert.deepEqual(participant.attributes, { role: "guest" });
      await bob.sawExactly(1, "conversationAdded", (seen) => seen.sid === hers.sid);
      const his = (await bob.sawExactly(1, "conversationJoined", (seen) => seen.sid === hers.sid))[0];
      for (const conversation of [hers, his]) {
        const identities = (await conversation.getParticipants()).map(({ identity }) => identity);
        assert.deepEqual(identities.sort(), [...names].sort());
      }
    });

    test("R22: adds an SMS participant and removes it by SID", async (t) => {
      const { bob, hers } = await couple(t);
      const [proxy, address] = [phone(), phone()];
      await hers.addNonChatParticipant(proxy, address, { vip: true });
      const joined = await bob.saw("participantJoined", (seen) => seen.type === "sms");
      assert.equal(joined.identity ?? null, null);
      assert.deepEqual(joined.attributes, { vip: true });
      const stored = await rest.conversations(hers.sid).participants(joined.sid).fetch();
      assert.deepEqual(stored.messagingBinding, { type: "sms", address, proxy_address: proxy });
      await hers.removeParticipant(joined.sid);
      await bob.sawExactly(1, "participantLeft", (left) => left.sid === joined.sid);
      await assert.rejects(rest.conversations(hers.sid).participants(joined.sid).fetch(), { status: 404, code: 50432 });
    });

    test("R21: changes the attributes of a participant", async (t) => {
      const { alice, his, names } = await couple(t);
      const himself = await his.getParticipantByIdentity(names[1]);
      await himself.updateAttributes({ mood: "good" });
      const seen = await alice.saw("participantUpdated", ({ updateReasons }) => updateReasons.includes("attributes"));
      assert.equal(seen.participant.identity, names[1]);
      assert.deepEqual(seen.participant.attributes, { mood: "good" });
    });

    test("R23: counts participants and messages", async (t) => {
      const { hers } = await couple(t);
      await hers.sendMessage("one");
      await hers.sendMessage("two");
      assert.equal(await hers.getParticipantsCount(), 2);
      assert.equal(await hers.getMessagesCount(), 2);
    });

    test("R24: changes and clears names and attributes", async (t) => {
      const { bob, hers, his } = await couple(t);
      const reason = (wanted) =>
        bob.saw("conversationUpdated", ({ conversation, updateReasons }) => conversation.sid === hers.sid && updateReasons.includes(wanted));
      await hers.updateFriendlyName("Renamed");
      await reason("friendlyName");
      assert.equal(his.friendlyName, "Renamed");
      const uniqueName = unique("room");
      await hers.updateUniqueName(uniqueName);
      await reason("uniqueName");
      assert.equal(his.uniqueName, uniqueName);
      await hers.updateAttributes({ topic: "tea" });
      await reason("attributes");
      assert.deepEqual(his.attributes, { topic: "tea" });
      const { now } = bob;
      await hers.updateUniqueName(null);
      await bob.saw("conversationUpdated", ({ updateReasons }) => updateReasons.includes("uniqueName"), { from: now });
      assert.equal(his.uniqueName, null);
      const stored = await rest.conversations(hers.sid).fetch();
      assert.deepEqual([stored.friendlyName, stored.uniqueName, stored.attributes], ["Renamed", null, '{"topic":"tea"}']);
    });

    test("R24 B-018: changes over REST reach a connected client", async (t) => {
      const { alice, hers, names } = await couple(t);
      const conversation = rest.conversations(hers.sid);
      await conversation.update({ friendlyName: "From REST", attributes: '{"n":1}' });
      await alice.saw("conversationUpdated", ({ conversation: seen }) => seen.friendlyName === "From REST");
      assert.equal(hers.friendlyName, "From REST");
      assert.deepEqual(hers.attributes, { n: 1 });
      const message = await conversation.messages.create({ author: names[1], body: "one" });
      const added = await alice.saw("messageAdded", ({ sid }) => sid === message.sid);
      assert.equal(added.author, names[1]);
      await conversation.messages(message.sid).update({ body: "two" });
      await alice.saw("messageUpdated", ({ updateReasons }) => updateReasons.includes("body"));
      assert.equal(added.body, "two");
      await conversation.messages(message.sid).remove();
      await alice.saw("messageRemoved", ({ sid }) => sid === message.sid);
      await conversation.participants(names[1]).remove();
      await alice.saw("participantLeft", ({ identity }) => identity === names[1]);
      await conversation.remove();
      await alice.sawExactly(1, "conversationRemoved", ({ sid }) => sid === hers.sid);
    });

    test("R44: leaves", async (t) => {
      const { alice, bob, names, hers, his } = await couple(t);
      await his.leave();
      await bob.sawExactly(1, "conversationLeft", ({ sid }) => sid === hers.sid);
      await bob.sawExactly(1, "conversationRemoved", ({ sid }) => sid === hers.sid);
      await alice.sawExactly(1, "participantLeft", ({ identity }) => identity === names[1]);
      assert.deepEqual((await bob.client.getSubscribedConversations()).items, []);
    });

    test("R45: deletes", async (t) => {
      const { alice, bob, hers } = await couple(t);
      await hers.delete();
      await Promise.all(
        [alice, bob].flatMap((chat) => [
          chat.saw("conversationLeft", ({ sid }) => sid === hers.sid),
          chat.saw("conversationRemoved", ({ sid }) => sid === hers.sid),
        ]),
      );
      // The arrival of a second conversation proves that nothing more comes of the first.
      const next = await alice.client.createConversation();
      await next.join();
      await alice.saw("conversationJoined", ({ sid }) => sid === next.sid);
      for (const name of ["conversationLeft", "conversationRemoved"]) {
        await alice.sawExactly(1, name, ({ sid }) => sid === hers.sid);
      }
      await assert.rejects(rest.conversations(hers.sid).fetch(), { status: 404, code: 20404 });
    });

    test("R46: a unique name is taken once", async (t) => {
      const alice = await connect(t, unique("alice"));
      const uniqueName = unique("room");
      await alice.client.createConversation({ uniqueName });
      await assert.rejects(alice.client.createConversation({ uniqueName }), (error) => {
        assert.equal(error.status, 409);
        assert.equal(error.body.code, 50353);
        return true;
      });
    });

    // ------------------------------------------------------------------------------------------ messages

    test("R7: a message reaches both, with attributes", async (t) => {
      const { alice, bob, names, hers } = await couple(t);
      assert.equal(await hers.sendMessage("hello", { x: 1 }), 0);
      for (const chat of [alice, bob]) {
        const message = await chat.saw("messageAdded", ({ index }) => index === 0);
        assert.equal(message.body, "hello");
        assert.equal(message.author, names[0]);
        assert.deepEqual(message.attributes, { x: 1 });
        assert.equal(message.type, "text");
        await chat.saw("conversationUpdated", ({ updateReasons }) => updateReasons.includes("lastMessage"));
      }
      assert.equal(hers.lastMessage.index, 0);
      await fence(hers.sid, bob);
      await bob.sawExactly(1, "messageAdded", ({ index }) => index === 0);
    });

    test("R8: bodies arrive as they were sent", async (t) => {
      const { bob, hers } = await couple(t);
      const same = ["two\nlines\r\n", "👩‍👩‍👧 naïve ✓ مرحبا", " spaces ", "a&b=c%20+"].map((body) => [body, body]);
      const bodies = [...same, ["", ""], [null, ""]];
      for (const [index, [sent, expected]] of bodies.entries()) {
        assert.equal(await hers.sendMessage(sent), index);
        const message = await bob.saw("messageAdded", (seen) => seen.index === index);
        assert.equal(message.body, expected);
      }
    });

    test("R16: edits body and attributes", async (t) => {
      const { alice, bob, names, hers } = await couple(t);
      await hers.sendMessage("draft");
      const mine = await alice.saw("messageAdded");
      const his = await bob.saw("messageAdded");
      await mine.updateBody("final");
      const body = await bob.saw("messageUpdated", ({ updateReasons }) => updateReasons.includes("body"));
      assert.deepEqual([...body.updateReasons].sort(), ["body", "dateUpdated", "lastUpdatedBy"]);
      assert.equal(his.body, "final");
      assert.equal(his.lastUpdatedBy, names[0]);
      await mine.updateAttributes({ pinned: true });
      const attributes = await bob.saw("messageUpdated", ({ updateReasons }) => updateReasons.includes("attributes"));
      assert.deepEqual([...attributes.updateReasons].sort(), ["attributes", "dateUpdated"]);
      assert.deepEqual(his.attributes, { pinned: true });
      const stored = await rest.conversations(hers.sid).messages(mine.sid).fetch();
      assert.deepEqual([stored.body, stored.attributes], ["final", '{"pinned":true}']);
    });

    test("R17: removes a message", async (t) => {
      const { alice, bob, hers } = await couple(t);
      await hers.sendMessage("oops");
      const message = await alice.saw("messageAdded");
      await bob.saw("messageAdded");
      await message.remove();
      const removed = await bob.saw("messageRemoved");
      assert.equal(removed.sid, message.sid);
      assert.equal(removed.index, 0);
      await assert.rejects(rest.conversations(hers.sid).messages(message.sid).fetch(), { status: 404 });
      assert.equal(await hers.sendMessage("next"), 1, "an index is never used again");
    });

    test("R13 R14 R15: walks through 66 messages in pages", async (t) => {
      const { hers, posted } = await couple(t);
      await inParallel(range(66), (number) => posted.create({ body: `number ${number}` }));

      const fromEnd = await allPages(await hers.getMessages(20), "prevPage");
      assert.deepEqual(indices(fromEnd[0]), range(20).map((offset) => 46 + offset));
      assert.equal(fromEnd[0].hasNextPage, false);
      assert.deepEqual(fromEnd.toReversed().flatMap(indices), range(66));
      assert.equal(fromEnd.at(-1).hasPrevPage, false);

      const fromStart = await allPages(await hers.getMessages(20, 0, "forward"));
      assert.deepEqual(indices(fromStart[0]), range(20));
      assert.equal(fromStart[0].hasPrevPage, false);
      assert.deepEqual(fromStart.flatMap(indices), range(66));

      const before = await hers.getMessages(5, 30, "backwards");
      assert.deepEqual(indices(before), [26, 27, 28, 29, 30]);
      assert.deepEqual(indices(await before.prevPage()), [21, 22, 23, 24, 25]);
      assert.deepEqual(indices(await before.nextPage()), [31, 32, 33, 34, 35]);
      const behind = await hers.getMessages(5, 30, "forward");
      assert.deepEqual(indices(behind), [30, 31, 32, 33, 34]);
      assert.deepEqual(indices(await behind.nextPage()), [35, 36, 37, 38, 39]);
      assert.deepEqual(indices(await behind.prevPage()), [25, 26, 27, 28, 29]);
    });

    test("R15: anchors at a deleted message and beyond the end", async (t) => {
      const { alice, hers, posted } = await couple(t);
      const made = await inParallel(range(40), (number) => posted.create({ body: `number ${number}` }));
      await rest.conversations(hers.sid).messages(made.find(({ index }) => index === 30).sid).remove();
      // 3.x answers from its cache, which the event corrects.
      await alice.saw("messageRemoved", ({ index }) => index === 30);
      assert.deepEqual(indices(await hers.getMessages(5, 30, "backwards")), [25, 26, 27, 28, 29]);
      assert.deepEqual(indices(await hers.getMessages(5, 30, "forward")), [31, 32, 33, 34, 35]);
      assert.deepEqual(indices(await hers.getMessages(5, 1000, "backwards")), [35, 36, 37, 38, 39]);
      assert.deepEqual(indices(await hers.getMessages(5, 1000, "forward")), []);
    });

    // ------------------------------------------------------------------------------------------ tokens

    test("R32 B-708: is told before the token expires; a new one keeps the connection", async (t) => {
      const name = unique("alice");
      const alice = await connect(t, name, { token: tokens.mint(name, { ttl: 5 }) });
      await alice.saw("tokenAboutToExpire");
      const { now } = alice;
      await alice.client.updateToken(tokens.mint(name));
      assert.equal(alice.client.connectionState, "connected");
      assert.deepEqual(alice.all("connectionStateChanged", undefined, now), []);
      assert.equal(alice.all("tokenExpired").length, 0);
      const made = await alice.client.createConversation({ friendlyName: "Still here" });
      assert.equal(made.createdBy, name);
    });

    test("R33 B-703: a bad new token denies, a good one recovers with all subscriptions", async (t) => {
      const { alice, names, hers } = await couple(t);
      let { now } = alice;
      await assert.rejects(alice.client.updateToken(tokens.mint(names[0], { secret: "not the secret" })));
      await alice.saw("connectionStateChanged", (state) => state === "denied", { from: now });
      const missed = await rest.conversations(hers.sid).messages.create({ body: "missed" });
      ({ now } = alice);
      await alice.client.updateToken(tokens.mint(names[0]));
      await alice.connected(now);
      await alice.saw("messageAdded", ({ sid }) => sid === missed.sid);
      await fence(hers.sid, alice);
      await alice.sawExactly(2, "messageAdded");
    });

    test("R33: a token of another user is refused", async (t) => {
      const alice = await connect(t, unique("alice"));
      await assert.rejects(alice.client.updateToken(tokens.mint(unique("mallory"))));
    });

    test("R34 B-704 B-708: an expired token disconnects, a new one recovers", async (t) => {
      const name = unique("alice");
      const alice = await connect(t, name, { token: tokens.mint(name, { ttl: 5 }) });
      const made = await alice.client.createConversation({ friendlyName: "Expiry" });
      await made.join();
      await alice.saw("tokenExpired");
      await alice.saw("connectionStateChanged", (state) => state === "disconnected");
      const missed = await rest.conversations(made.sid).messages.create({ body: "missed" });
      const { now } = alice;
      await alice.client.updateToken(tokens.mint(name));
      await alice.connected(now);
      await alice.saw("messageAdded", ({ sid }) => sid === missed.sid);
      await fence(made.sid, alice);
      await alice.sawExactly(2, "messageAdded");
    });

    test("R35 B-703 B-704: a bad or expired first token fails for good", async (t) => {
      const name = unique("alice");
      const bad = new Chat(t, sdk, tokens.mint(name, { secret: "not the secret" }), server.websocket);
      await bad.saw("stateChanged", (state) => state === "failed");
      const error = await bad.saw("connectionError", ({ terminal }) => terminal);
      assert.deepEqual([error.httpStatusCode, error.errorCode], [401, 20107]);
      await bad.saw("initFailed");
      assert.equal(bad.all("tokenExpired").length, 0);

      const expired = new Chat(t, sdk, tokens.mint(name, { ttl: -10 }), server.websocket);
      await expired.saw("tokenExpired");
      await expired.saw("stateChanged", (state) => state === "failed");
      const late = await expired.saw("connectionError", ({ terminal }) => terminal);
      assert.deepEqual([late.httpStatusCode, late.errorCode], [401, 20104]);
    });

    // ------------------------------------------------------------------------------------------ reconnects

    test("R37: after a lost connection everything missed arrives once", async (t) => {
      const line = await Line.to(t, server);
      const { alice, bob, hers, posted } = await couple(t, { websocket: line.websocket });
      const old = await posted.create({ body: "before" });
      await Promise.all([alice, bob].map((chat) => chat.saw("messageAdded", ({ sid }) => sid === old.sid)));

      const cut = alice.now;
      const hisStates = bob.all("connectionStateChanged").length;
      line.cut();
      await alice.saw("connectionStateChanged", (state) => state !== "connected", { from: cut });
      const conversation = rest.conversations(hers.sid);
      const carol = unique("carol");
      const missed = [await posted.create({ body: "first" }), await posted.create({ body: "second" })];
      await conversation.messages(old.sid).update({ body: "edited" });
      await conversation.participants.create({ identity: carol });
      await conversation.update({ friendlyName: "Meanwhile" });
      line.mend();

      await alice.connected(cut);
      const last = await fence(hers.sid, alice);
      await alice.saw("participantJoined", ({ identity }) => identity === carol);
      await alice.saw("messageUpdated", ({ message }) => message.body === "edited");
      await alice.saw("conversationUpdated", ({ updateReasons }) => updateReasons.includes("friendlyName"), { from: cut });
      assert.equal(hers.friendlyName, "Meanwhile");
      // A second fence, because the first may overtake what belongs to the other entities.
      const end = await fence(hers.sid, alice);
      assert.deepEqual(sids(alice.all("messageAdded", undefined, cut)), [...sids(missed), last, end]);
      await alice.sawExactly(1, "messageUpdated", undefined, { from: cut });
      await alice.sawExactly(1, "participantJoined", undefined, { from: cut });
      assert.equal(alice.all("conversationJoined").length, 1);

      await bob.saw("messageAdded", ({ sid }) => sid === end);
      assert.equal(bob.all("connectionStateChanged").length, hisStates);
      assert.deepEqual(sids(bob.all("messageAdded")), [old.sid, ...sids(missed), last, end]);
    });

    test("R38: what came and went while away is not told, what went is", async (t) => {
      const line = await Line.to(t, server);
      const { alice, hers, posted } = await couple(t, { websocket: line.websocket });
      const old = await posted.create({ body: "old" });
      await alice.saw("messageAdded", ({ sid }) => sid === old.sid);

      const cut = alice.now;
      line.cut();
      await alice.saw("connectionStateChanged", (state) => state !== "connected", { from: cut });
      const brief = await posted.create({ body: "brief" });
      await rest.conversations(hers.sid).messages(brief.sid).remove();
      await rest.conversations(hers.sid).messages(old.sid).remove();
      line.mend();

      await alice.connected(cut);
      const last = await fence(hers.sid, alice);
      assert.deepEqual(sids(alice.all("messageRemoved", undefined, cut)), [old.sid]);
      assert.deepEqual(sids(alice.all("messageAdded", undefined, cut)), [last]);
    });

    test("R39: a restart of the server is a pause for its clients", async (t) => {
      const own = await Server.for(t);
      const { mint } = await own.tokenService();
      const name = unique("alice");
      const alice = await connect(t, name, { token: mint(name), websocket: own.websocket });
      const made = await alice.client.createConversation({ friendlyName: "Restart" });
      await made.join();
      await opened(alice, made);
      assert.equal(await made.sendMessage("before"), 0);
      await alice.saw("messageAdded");

      const { now } = alice;
      await own.terminate();
      await own.restart();
      const messages = own.twilio().conversations.v1.conversations(made.sid).messages;
      const missed = await messages.create({ body: "meanwhile" });
      await alice.connected(now);
      await alice.saw("messageAdded", ({ sid }) => sid === missed.sid, { from: now });
      assert.equal(await made.sendMessage("after"), 2);
      await alice.saw("messageAdded", ({ index }) => index === 2, { from: now });
      assert.deepEqual(
        alice.all("messageAdded").map(({ index, body }) => [index, body]),
        [[0, "before"], [1, "meanwhile"], [2, "after"]],
      );
      assert.equal(alice.all("connectionError", ({ terminal }) => terminal).length, 0);
    });

    test("R40: a message sent while disconnected goes out after the reconnect, once", async (t) => {
      const line = await Line.to(t, server);
      const { alice, hers, posted } = await couple(t, { websocket: line.websocket });
      const { now } = alice;
      line.cut();
      await alice.saw("connectionStateChanged", (state) => state !== "connected", { from: now });
      const sending = hers.sendMessage("patience");
      line.mend();
      assert.equal(await sending, 0);
      await alice.saw("messageAdded", ({ body }) => body === "patience");
      assert.deepEqual((await posted.list()).map(({ body }) => body), ["patience"]);
    });

    test("R41: two connections of one user see the same", async (t) => {
      const { alice, names, hers } = await couple(t);
      await hers.sendMessage("earlier");
      const second = await connect(t, names[0]);
      const there = await second.saw("conversationJoined", ({ sid }) => sid === hers.sid);
      assert.deepEqual(indices(await there.getMessages()), [0]);
      assert.equal(await there.sendMessage("from the second"), 1);
      for (const chat of [alice, second]) {
        const message = await chat.saw("messageAdded", ({ index }) => index === 1);
        assert.deepEqual([message.body, message.author], ["from the second", names[0]]);
      }
      const room = await alice.client.createConversation({ friendlyName: "New" });
      await room.join();
      await second.saw("conversationJoined", ({ sid }) => sid === room.sid);
    });

    test("R42 B-558: an identity may have any characters", async (t) => {
      const odd = `${unique("al ice+é")}@x.test/=&%`;
      const host = await connect(t, unique("host"));
      const guest = await connect(t, odd);
      assert.equal(guest.client.user.identity, odd);
      const own = await guest.client.createConversation({ friendlyName: "Odd" });
      assert.equal(own.createdBy, odd);
      const room = await host.client.createConversation({ friendlyName: "Room" });
      await room.join();
      await opened(host, room);
      await room.add(odd);
      const theirs = await guest.saw("conversationJoined", ({ sid }) => sid === room.sid);
      assert.equal((await host.saw("participantJoined", ({ identity }) => identity === odd)).identity, odd);
      assert.equal((await host.client.getUser(odd)).identity, odd);
      await theirs.leave();
      await host.saw("participantLeft", ({ identity }) => identity === odd);
    });

    test("R43: starts with 60 conversations", async (t) => {
      const name = unique("alice");
      const made = await inParallel(range(60), async (number) => {
        const { sid } = await rest.conversations.create({ friendlyName: `number ${number}` });
        await rest.conversations(sid).participants.create({ identity: name });
        return sid;
      });
      const alice = await connect(t, name);
      const joined = await alice.sawExactly(60, "conversationJoined");
      assert.deepEqual(sids(joined).sort(), [...made].sort());
      const pages = await allPages(await alice.client.getSubscribedConversations());
      assert.deepEqual(pages.map(({ items }) => items.length), [50, 10]);
      assert.deepEqual(pages.flatMap(({ items }) => sids(items)).sort(), [...made].sort());
      // All of them live: the first and the last tell of new messages.
      await Promise.all([made[0], made.at(-1)].map((sid) => fence(sid, alice)));
    });

    test("R48: shuts down, and does not come back", async (t) => {
      const alice = await connect(t, unique("alice"));
      await alice.shutdown();
      await alice.saw("connectionStateChanged", (state) => state === "disconnected");
      assert.deepEqual(alice.all("connectionStateChanged"), ["connecting", "connected", "disconnecting", "disconnected"]);
    });
  });
}
