// The chat SDKs make, change and leave conversations: rows ("R…") of the checklist in realtime.md §8, rules ("B-…") of
// behaviours.md.

import assert from "node:assert/strict";
import { phone, unique } from "../harness.mjs";
import { forEachSdk } from "./stage.mjs";

/** The SDK makes its object of a new conversation empty, and fills it from the document before it tells of it. */
const FILLED = "attributes,createdBy,dateCreated,dateUpdated,friendlyName,state,uniqueName";

forEachSdk("conversations", (cast, test) => {
  test("R3 B-664: creates a conversation", async (t) => {
    const name = unique("alice");
    const alice = await cast.connect(t, name);
    const { wire } = alice;
    const user = await cast.rest.users(name).fetch();
    await wire.follows(`${user.sid}.my_conversations`, `${user.sid}.info`);
    const { now } = wire;
    const uniqueName = unique("room");
    const made = await alice.client.createConversation({ friendlyName: "Room", uniqueName, attributes: { a: [1, "ä"] } });
    assert.match(made.sid, /^CH[0-9a-f]{32}$/);
    assert.equal(made.friendlyName, "Room");
    assert.equal(made.uniqueName, uniqueName);
    assert.deepEqual(made.attributes, { a: [1, "ä"] });
    assert.equal(made.createdBy, name);
    assert.equal(made.status, "notParticipating");
    assert.equal(made.notificationLevel, "default");
    assert.equal(made.lastMessage, undefined);
    assert.equal(made.state.current, "active");
    assert.ok(made.dateCreated instanceof Date && made.dateUpdated instanceof Date && made.state.dateUpdated instanceof Date);
    await alice.saw("conversationAdded", (seen) => seen === made);
    assert.deepEqual(alice.told(made.sid), [`conversationUpdated ${FILLED}`, "conversationAdded"]);
    await wire.saw("its subscription", ({ name }) => name === "POST /v4/Subscriptions", now);
    assert.deepEqual(wire.requests(now), [
      "POST /Client/v2/Services/IS/Conversations",
      "GET /v3/Documents/CH.channel",
      "POST /v4/Subscriptions",
    ]);
    const stored = await cast.rest.conversations(uniqueName).fetch();
    assert.deepEqual([stored.sid, stored.friendlyName, stored.attributes], [made.sid, "Room", '{"a":[1,"ä"]}']);
    // Making it is not joining it.
    assert.deepEqual(await cast.rest.conversations(made.sid).participants.list(), []);
  });

  test("R4: joins a conversation", async (t) => {
    const name = unique("alice");
    const alice = await cast.connect(t, name);
    const made = await alice.client.createConversation({ friendlyName: "Room" });
    assert.equal(await made.join(), made);
    await cast.opened(alice, made.sid);
    assert.equal(made.status, "joined");
    await cast.fence(made.sid, alice);
    const joined = ["conversationAdded", "conversationJoined"];
    assert.deepEqual(alice.told(made.sid).filter((event) => joined.includes(event)), joined);
    const [participant] = await cast.rest.conversations(made.sid).participants.list();
    assert.equal(participant.identity, name);
    await assert.rejects(made.join(), ({ status, body }) => status === 409 && body.code === 50433);
  });

  test("R5 R6: adds a chat user, both see it", async (t) => {
    const names = [unique("alice"), unique("bob")];
    const [alice, bob] = await Promise.all(names.map((name) => cast.connect(t, name)));
    const hers = await cast.room(alice, { friendlyName: "Two" });
    const [seen] = await cast.seen(hers.sid, [alice], () => hers.add(names[1], { role: "guest" }));
    assert.deepEqual(seen, [`participantJoined ${names[1]}`]);
    const [participant] = alice.all("participantJoined");
    assert.equal(participant.type, "chat");
    assert.deepEqual(participant.attributes, { role: "guest" });
    assert.equal((await participant.getUser()).identity, names[1]);
    const his = await cast.opened(bob, hers.sid);
    await cast.fence(hers.sid, bob);
    assert.deepEqual(bob.told(hers.sid).slice(0, 2), ["conversationAdded", "conversationJoined"]);
    await bob.sawExactly(1, "conversationAdded");
    await bob.sawExactly(1, "conversationJoined");
    for (const conversation of [hers, his]) {
      const identities = (await conversation.getParticipants()).map(({ identity }) => identity);
      assert.deepEqual(identities.sort(), [...names].sort());
    }
  });

  test("R21: changes the attributes of a participant", async (t) => {
    const { alice, bob, his, names, sid } = await cast.couple(t);
    const himself = await his.getParticipantByIdentity(names[1]);
    const seen = await cast.seen(sid, [alice, bob], () => himself.updateAttributes({ mood: "good" }));
    const once = [`participantUpdated ${names[1]} attributes,dateUpdated`];
    assert.deepEqual(seen, [once, once]);
    assert.deepEqual(alice.all("participantUpdated")[0].participant.attributes, { mood: "good" });
  });

  test("R22: adds an SMS participant and removes it by SID", async (t) => {
    const { alice, bob, hers, sid, stored } = await cast.couple(t);
    const [proxy, address] = [phone(), phone()];
    const added = await cast.seen(sid, [alice, bob], () => hers.addNonChatParticipant(proxy, address, { vip: true }));
    assert.deepEqual(added, [["participantJoined sms"], ["participantJoined sms"]]);
    const joined = bob.all("participantJoined", ({ type }) => type === "sms")[0];
    assert.equal(joined.identity ?? null, null);
    assert.deepEqual(joined.attributes, { vip: true });
    const participant = await stored.participants(joined.sid).fetch();
    assert.deepEqual(participant.messagingBinding, { type: "sms", address, proxy_address: proxy });
    const removed = await cast.seen(sid, [alice, bob], () => hers.removeParticipant(joined.sid));
    // Of the fence before it the phone has a receipt, which may come at any time.
    const left = removed.map((seen) => seen.filter((event) => !event.startsWith("messageUpdated")));
    assert.deepEqual(left, [["participantLeft sms"], ["participantLeft sms"]]);
    await assert.rejects(stored.participants(joined.sid).fetch(), { status: 404, code: 50432 });
  });

  test("R22: removes another user by identity", async (t) => {
    const { alice, bob, hers, names, sid } = await cast.couple(t);
    const [seen] = await cast.seen(sid, [alice], () => hers.removeParticipant(names[1]));
    assert.deepEqual(seen, [`participantLeft ${names[1]}`]);
    await bob.sawExactly(1, "conversationLeft", (conversation) => conversation.sid === sid);
    await bob.sawExactly(1, "conversationRemoved", (conversation) => conversation.sid === sid);
  });

  test("R23: counts participants and messages", async (t) => {
    const { hers } = await cast.couple(t);
    await hers.sendMessage("one");
    await hers.sendMessage("two");
    assert.equal(await hers.getParticipantsCount(), 2);
    assert.equal(await hers.getMessagesCount(), 2);
  });

  test("R24: changes and clears names and attributes", async (t) => {
    const { alice, bob, hers, his, sid, stored } = await cast.couple(t);
    const both = async (act, reasons) => {
      const once = [`conversationUpdated ${reasons}`];
      assert.deepEqual(await cast.seen(sid, [alice, bob], act), [once, once]);
    };
    await both(() => hers.updateFriendlyName("Renamed"), "dateUpdated,friendlyName");
    assert.equal(his.friendlyName, "Renamed");
    const uniqueName = unique("room");
    await both(() => hers.updateUniqueName(uniqueName), "dateUpdated,uniqueName");
    assert.equal(his.uniqueName, uniqueName);
    await both(() => hers.updateAttributes({ topic: "tea" }), "attributes,dateUpdated");
    assert.deepEqual(his.attributes, { topic: "tea" });
    await both(() => hers.updateUniqueName(null), "dateUpdated,uniqueName");
    assert.equal(his.uniqueName, null);
    const { friendlyName, uniqueName: none, attributes } = await stored.fetch();
    assert.deepEqual([friendlyName, none, attributes], ["Renamed", null, '{"topic":"tea"}']);
  });

  test("R24 B-018: changes over REST reach a connected client", async (t) => {
    const { alice, hers, names, sid, stored } = await cast.couple(t);
    const [updated] = await cast.seen(sid, [alice], () => stored.update({ friendlyName: "From REST", attributes: '{"n":1}' }));
    assert.deepEqual(updated, ["conversationUpdated attributes,dateUpdated,friendlyName"]);
    assert.equal(hers.friendlyName, "From REST");
    assert.deepEqual(hers.attributes, { n: 1 });
    const [closed] = await cast.seen(sid, [alice], () => stored.participants(names[1]).update({ roleSid: undefined, attributes: '{"r":1}' }));
    assert.deepEqual(closed, [`participantUpdated ${names[1]} attributes,dateUpdated`]);
    const [left] = await cast.seen(sid, [alice], () => stored.participants(names[1]).remove());
    assert.deepEqual(left, [`participantLeft ${names[1]}`]);
    await stored.remove();
    await alice.sawExactly(1, "conversationRemoved", (seen) => seen.sid === sid);
  });

  test("R25: mutes a conversation for himself", async (t) => {
    const { alice, bob, his, names, sid } = await cast.couple(t);
    assert.equal(his.notificationLevel, "default");
    const from = bob.now;
    const [hers] = await cast.seen(sid, [alice], () => his.setUserNotificationLevel("muted"));
    await bob.saw("conversationUpdated", ({ updateReasons }) => updateReasons.includes("notificationLevel"), { from });
    assert.deepEqual(bob.told(sid, from).filter((event) => event.includes("notificationLevel")), [
      "conversationUpdated notificationLevel",
    ]);
    assert.equal(his.notificationLevel, "muted");
    assert.deepEqual(hers, [], "it is nobody else's business");
    const stored = await cast.rest.users(names[1]).userConversations(sid).fetch();
    assert.equal(stored.notificationLevel, "muted");
    const again = await cast.connect(t, names[1]);
    assert.equal((await cast.opened(again, sid)).notificationLevel, "muted");
  });

  test("R26: finds conversations by SID and by unique name", async (t) => {
    const alice = await cast.connect(t, unique("alice"));
    const uniqueName = unique("room");
    const room = await cast.room(alice, { friendlyName: "Room", uniqueName });
    assert.equal((await alice.client.getConversationBySid(room.sid)).sid, room.sid);
    assert.equal((await alice.client.getConversationByUniqueName(uniqueName)).sid, room.sid);
    const unknown = `CH${"0".repeat(32)}`;
    await assert.rejects(alice.client.getConversationBySid(unknown), { status: 404 });
    await assert.rejects(alice.client.getConversationByUniqueName(unique("nothing")), { status: 404 });
    await assert.rejects(alice.client.peekConversationBySid(unknown), { status: 404 });
    // A client that has just come finds it in its list.
    const again = await cast.connect(t, alice.client.user.identity);
    assert.equal((await again.client.getConversationBySid(room.sid)).friendlyName, "Room");
  });

  test("R26: peeks at a conversation that the user is not in", async (t) => {
    const { alice, names, sid } = await cast.couple(t);
    const { now } = alice;
    const eve = await cast.connect(t, unique("eve"));
    const seen = await eve.client.peekConversationBySid(sid);
    assert.deepEqual([seen.sid, seen.friendlyName, seen.createdBy], [sid, "Couple", names[0]]);
    assert.equal(seen.status, "notParticipating");
    // What is said in it stays among its members.
    await assert.rejects(seen.getMessages());
    const own = await alice.client.peekConversationBySid(sid);
    assert.equal(own.status, "joined");
    assert.deepEqual(alice.told(sid, now), []);
  });

  test("R44: leaves", async (t) => {
    const { alice, bob, names, hers, sid, stored } = await cast.couple(t);
    const { wire } = alice;
    const from = alice.now;
    const { now } = wire;
    const [his] = await cast.seen(sid, [bob], () => hers.leave());
    assert.deepEqual(his, [`participantLeft ${names[0]}`]);
    await alice.saw("conversationRemoved", (seen) => seen === hers);
    assert.deepEqual(alice.told(sid, from), ["conversationLeft", "conversationRemoved"]);
    const cancel = await wire.saw("the cancel", ({ name, text }) => name.endsWith("/Subscriptions") && text.includes("cancel"), now);
    assert.equal(wire.requests(now)[0], `DELETE /Client/v2/Services/IS/Conversations/CH/Participants/${names[0]}`);
    await wire.reply(cancel);
    assert.deepEqual((await alice.client.getSubscribedConversations()).items, []);
    // Whoever is out hears no more of it; who comes back starts anew.
    const after = alice.now;
    await stored.participants.create({ identity: names[0] });
    await cast.opened(alice, sid, after);
    assert.deepEqual(alice.told(sid, from).filter((event) => event.startsWith("conversation") && !event.includes(" ")), [
      "conversationLeft",
      "conversationRemoved",
      "conversationAdded",
      "conversationJoined",
    ]);
  });

  test("R45: deletes", async (t) => {
    const { alice, bob, names, hers, sid, stored } = await cast.couple(t);
    const from = [alice, bob].map((chat) => chat.now);
    await hers.delete();
    // The arrival of a second conversation proves that nothing more comes of the first.
    const next = await cast.room(alice);
    await next.add(names[1]);
    await cast.opened(bob, next.sid);
    for (const [n, chat] of [alice, bob].entries()) {
      assert.deepEqual(chat.told(sid, from[n]), ["conversationLeft", "conversationRemoved"]);
    }
    await assert.rejects(stored.fetch(), { status: 404, code: 20404 });
  });

  test("R46: a unique name is taken once", async (t) => {
    const alice = await cast.connect(t, unique("alice"));
    const uniqueName = unique("room");
    await alice.client.createConversation({ uniqueName });
    await assert.rejects(alice.client.createConversation({ uniqueName }), (error) => {
      assert.equal(error.status, 409);
      assert.equal(error.body.code, 50353);
      assert.equal(error.message, "Conflict");
      return true;
    });
    const other = await cast.room(alice, {});
    await assert.rejects(other.updateUniqueName(uniqueName), ({ status, body }) => status === 409 && body.code === 50353);
    assert.equal(other.uniqueName, null);
  });
});
