// What people see of each other in the unmodified chat SDKs: what was read, who types, who is there; and a message whose
// answer is lost. Behaviour rules ("B-…") and acceptance rows ("R…") that each test holds are in its name.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Chat, Line, once, poll, SDKS, Server, unique } from "./harness.mjs";

for (const sdk of SDKS) {
  describe(`SDK ${sdk.version}`, () => {
    let server;
    let rest;
    let tokens;

    before(async () => {
      server = await Server.start({ env: { CONFAB_REALTIME_OFFLINE_GRACE_SECS: "1" } });
      rest = server.twilio().conversations.v1;
      tokens = await server.tokenService();
    });
    after(() => server?.stop());

    const connect = (t, identity, websocket = server.websocket) =>
      new Chat(t, sdk, tokens.mint(identity), websocket).initialized();

    /** Alice and Bob, connected, in a conversation that was made over REST; `hers` and `his` are what they have of it. */
    async function couple(t, { websocket } = {}) {
      const names = [unique("alice"), unique("bob")];
      const { sid } = await rest.conversations.create({ friendlyName: "Couple" });
      for (const identity of names) {
        await rest.conversations(sid).participants.create({ identity });
      }
      const [alice, bob] = await Promise.all([connect(t, names[0], websocket), connect(t, names[1])]);
      const of = async (chat) => {
        const joined = await chat.saw("conversationJoined", (seen) => seen.sid === sid);
        await joined.getParticipants();
        await joined.getMessages(1);
        return joined;
      };
      const [hers, his] = await Promise.all([of(alice), of(bob)]);
      // Typing is not told again, so both must follow the conversation by then.
      const first = await rest.conversations(sid).messages.create({ body: "first" });
      await Promise.all([alice, bob].map((chat) => chat.saw("messageAdded", (message) => message.sid === first.sid)));
      return { alice, bob, names, hers, his, posted: rest.conversations(sid).messages };
    }

    const horizonOf = (identity, index) => ({ participant, updateReasons }) =>
      participant.identity === identity &&
      updateReasons.includes("lastReadMessageIndex") &&
      participant.lastReadMessageIndex === index;

    test("R27 B-571 B-574 B-578 B-579 B-580 B-588: what was read, forwards and back", async (t) => {
      const { alice, bob, names, hers, posted } = await couple(t);
      for (const body of ["1", "2", "3"]) {
        const { sid } = await posted.create({ body });
        await alice.saw("messageAdded", (message) => message.sid === sid);
      }
      assert.equal(hers.lastReadMessageIndex, null);
      assert.equal(await hers.getUnreadMessagesCount(), null);
      const moves = [
        [() => hers.advanceLastReadMessageIndex(2), 1, 2],
        // Never back by advancing.
        [() => hers.advanceLastReadMessageIndex(0), 1, 2],
        [() => hers.updateLastReadMessageIndex(1), 2, 1],
        [() => hers.setAllMessagesRead(), 0, 3],
        [() => hers.setAllMessagesUnread(), null, null],
        [() => hers.updateLastReadMessageIndex(0), 3, 0],
      ];
      for (const [move, unread, index] of moves) {
        assert.equal(await move(), unread);
        await poll("her own horizon", () => hers.lastReadMessageIndex === index);
        await bob.saw("participantUpdated", horizonOf(names[0], index));
        // The SDK keeps the last answer for half a second.
        await poll("the count", async () => (await hers.getUnreadMessagesCount()) === unread);
      }
      const seen = bob.all("participantUpdated", ({ updateReasons }) => updateReasons.includes("lastReadTimestamp"));
      assert.ok(seen.every(({ participant }) => participant.identity === names[0]));
    });

    test("R28 B-584 B-585 B-586: typing is seen by the other one, and ends with the message", async (t) => {
      const { names, hers, his, alice, bob } = await couple(t);
      const hersEcho = [];
      alice.client.on("typingStarted", (participant) => hersEcho.push(participant.identity));
      const started = once(his, "typingStarted");
      await hers.typing();
      const typist = await started;
      assert.equal(typist.identity, names[0]);
      assert.equal(typist.isTyping, true);
      const ended = once(his, "typingEnded");
      const index = await hers.sendMessage("here it is");
      assert.equal((await ended).identity, names[0]);
      await bob.saw("messageAdded", (message) => message.index === index);
      await alice.saw("messageAdded", (message) => message.index === index);
      assert.deepEqual(hersEcho, []);
    });

    test("R25 B-555: muting is one's own", async (t) => {
      const { names, hers, his } = await couple(t);
      await hers.setUserNotificationLevel("muted");
      await poll("the level", () => hers.notificationLevel === "muted");
      const levels = names.map((name) => rest.users(name).userConversations(hers.sid).fetch());
      assert.deepEqual((await Promise.all(levels)).map((entry) => entry.notificationLevel), ["muted", "default"]);
      await hers.setUserNotificationLevel("default");
      await poll("the level", () => hers.notificationLevel === "default");
      assert.equal(his.notificationLevel, "default");
    });

    test("R29 B-546 B-548 B-550: who is there, on any of several devices", async (t) => {
      await rest.services(tokens.service).configuration().update({ reachabilityEnabled: true });
      try {
        const { alice, names } = await couple(t);
        const bob = await alice.client.getUser(names[1]);
        await poll("bob is there", () => bob.isOnline === true);
        const changes = [];
        bob.on("updated", ({ updateReasons }) => {
          if (updateReasons.includes("reachabilityOnline")) {
            changes.push(bob.isOnline);
          }
        });
        const other = unique("carol");
        const [tablet, carol] = await Promise.all([connect(t, names[1]), connect(t, other)]);
        const watched = await alice.client.getUser(other);
        await poll("carol is there", () => watched.isOnline === true);
        await tablet.shutdown();
        // She goes after it, so what it would change has been told by then.
        await carol.shutdown();
        await poll("carol has gone", () => watched.isOnline === false);
        assert.deepEqual(changes, []);
        assert.equal((await rest.users(names[1]).fetch()).isOnline, true);
      } finally {
        await rest.services(tokens.service).configuration().update({ reachabilityEnabled: false });
      }
    });

    // The SDK does not send it again by itself: the app is told, and finds it in the conversation after the reconnect.
    test("a message whose answer is lost is there once", async (t) => {
      const line = await Line.to(t, server);
      const { alice, bob, hers, posted } = await couple(t, { websocket: line.websocket });
      line.deafen();
      const sending = assert.rejects(hers.sendMessage("lost answer"));
      await bob.saw("messageAdded", (message) => message.body === "lost answer");
      line.cut();
      await sending;
      line.mend();
      await alice.saw("messageAdded", (message) => message.body === "lost answer");
      const { sid } = await posted.create({ body: "fence" });
      await alice.sawExactly(1, "messageAdded", (message) => message.sid === sid);
      await alice.sawExactly(1, "messageAdded", (message) => message.body === "lost answer");
      const stored = await posted.list();
      assert.equal(stored.filter((message) => message.body === "lost answer").length, 1);
    });
  });
}
