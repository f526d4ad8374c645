// The main job, once through: a phone, a REST script and the chat SDK meet in one durable conversation.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Chat, SDKS, Server, twilio } from "./harness.mjs";

const HANDSET = "+15558675310";
const NUMBER = "+15017122661";

for (const sdk of SDKS) {
  test(`the story, SDK ${sdk.version}`, async (t) => {
    const server = await Server.for(t);
    const rest = server.twilio();

    // An API key over REST, an access token with the helper library.
    const key = await rest.newKeys.create({ friendlyName: "story" });
    assert.match(key.sid, /^SK[0-9a-f]{32}$/);
    assert.ok(key.secret);
    const { defaultChatServiceSid } = await rest.conversations.v1.configuration().fetch();
    assert.match(defaultChatServiceSid, /^IS[0-9a-f]{32}$/);
    const { AccessToken } = twilio.jwt;
    const token = new AccessToken(server.accountSid, key.sid, key.secret, { identity: "alice", ttl: 3600 });
    token.addGrant(new AccessToken.ChatGrant({ serviceSid: defaultChatServiceSid }));

    // A client connects.
    const alice = await new Chat(t, sdk, token.toJwt(), server.websocket).initialized();
    assert.equal(alice.client.user.identity, "alice");

    // A conversation of a phone and of her.
    const created = await rest.conversations.v1.conversations.create({ friendlyName: "Story" });
    const conversation = rest.conversations.v1.conversations(created.sid);
    const sms = await conversation.participants.create({
      "messagingBinding.address": HANDSET,
      "messagingBinding.proxyAddress": NUMBER,
    });
    const chat = await conversation.participants.create({ identity: "alice" });
    const joined = await alice.saw("conversationJoined", (seen) => seen.sid === created.sid);
    assert.equal(joined.friendlyName, "Story");
    assert.equal(joined.status, "joined");

    // Her words reach the phone.
    assert.equal(await joined.sendMessage("hello"), 0);
    const handset = server.handset(HANDSET);
    const received = await handset.received((message) => message.body === "hello");
    assert.equal(received.from, NUMBER);
    assert.equal(received.to, HANDSET);

    // The phone's words reach her.
    const sent = await handset.send({ To: NUMBER, Body: "hi alice" });
    assert.equal(sent.status, 201, sent.text);
    const reply = await alice.saw("messageAdded", (message) => message.index === 1);
    assert.equal(reply.body, "hi alice");
    assert.equal(reply.author, HANDSET);
    assert.equal(reply.participantSid, sms.sid);

    const summary = async () =>
      (await conversation.messages.list()).map(({ index, author, body, participantSid }) => ({ index, author, body, participantSid }));
    const firstTwo = [
      { index: 0, author: "alice", body: "hello", participantSid: chat.sid },
      { index: 1, author: HANDSET, body: "hi alice", participantSid: sms.sid },
    ];
    assert.deepEqual(await summary(), firstTwo);

    // The crash.
    const crash = alice.now;
    await server.kill();
    await server.restart();
    const meanwhile = await conversation.messages.create({ author: "system", body: "meanwhile" });
    assert.equal(meanwhile.index, 2);

    // She comes back by herself and gets what she missed once. The last message is the proof that nothing more comes.
    await alice.connected(crash);
    await alice.saw("messageAdded", (message) => message.index === 2, { from: crash });
    assert.equal(await joined.sendMessage("back again"), 3);
    await alice.saw("messageAdded", (message) => message.index === 3, { from: crash });
    const after = alice.all("messageAdded", undefined, crash).map((message) => [message.index, message.body]);
    assert.deepEqual(after, [
      [2, "meanwhile"],
      [3, "back again"],
    ]);

    // Everything is still there.
    assert.deepEqual(await summary(), [
      ...firstTwo,
      { index: 2, author: "system", body: "meanwhile", participantSid: null },
      { index: 3, author: "alice", body: "back again", participantSid: chat.sid },
    ]);
    assert.equal((await conversation.fetch()).friendlyName, "Story");
    const participants = await conversation.participants.list();
    assert.deepEqual(participants.map(({ sid }) => sid).sort(), [sms.sid, chat.sid].sort());
    assert.equal((await rest.keys(key.sid).fetch()).friendlyName, "story");
    assert.deepEqual(
      (await rest.incomingPhoneNumbers.list()).map(({ phoneNumber }) => phoneNumber),
      [NUMBER],
    );
    const pages = (await joined.getMessages()).items.map((message) => message.index);
    assert.deepEqual(pages, [0, 1, 2, 3]);
    await handset.received((message) => message.body === "back again");
    const inbox = (await handset.messages()).map(({ direction, body }) => [direction, body]);
    assert.deepEqual(inbox, [
      ["received", "hello"],
      ["sent", "hi alice"],
      ["received", "meanwhile"],
      ["received", "back again"],
    ]);
  });
}
