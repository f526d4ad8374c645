// What the chat SDKs know of people: what they have read, that they type, who is there; and push and templates. Rows ("R…")
// of the checklist in realtime.md §8, rules ("B-…") of behaviours.md.

import assert from "node:assert/strict";
import { unique } from "../harness.mjs";
import { forEachSdk } from "./stage.mjs";

const TEMPLATES = {
  "twilio/text": { body: "hi {{1}}" },
  "twilio/media": { body: "look", media: ["https://example.com/a.png"] },
  "twilio/location": { latitude: 48.1, longitude: 11.6, label: "here" },
  "twilio/quick-reply": { body: "well?", actions: [{ title: "Yes", id: "y" }] },
  "twilio/call-to-action": { body: "go", actions: [{ type: "URL", title: "There", url: "https://example.com" }] },
  "twilio/list-picker": { body: "choose", button: "Open", items: [{ id: "a", item: "A", description: "the first" }] },
  "twilio/card": { title: "Card", subtitle: "small", media: ["https://example.com/b.png"], actions: [{ type: "QUICK_REPLY", title: "OK", id: "ok" }] },
};

forEachSdk(
  "users",
  (cast, test) => {
    test("R27 B-571 B-574 B-575 B-578 B-579: what has been read", async (t) => {
      const { alice, bob, names, his, sid, stored } = await cast.couple(t);
      for (const body of ["one", "two", "three"]) {
        await stored.messages.create({ body });
      }
      await bob.saw("messageAdded", ({ index }) => index === 2);
      await cast.fence(sid, alice, bob);
      assert.equal(his.lastReadMessageIndex, null);
      assert.equal(await his.getUnreadMessagesCount(), null);
      const steps = [
        [() => his.advanceLastReadMessageIndex(0), 3, 0],
        // The fence of each step is one more message that has not been read.
        [() => his.setAllMessagesRead(), 0, 4],
        [() => his.advanceLastReadMessageIndex(1), 1, 4],
        [() => his.updateLastReadMessageIndex(2), 4, 2],
        [() => his.setAllMessagesUnread(), null, null],
      ];
      for (const [n, [act, unread, index]] of steps.entries()) {
        const from = bob.now;
        let answer;
        const [hers] = await cast.seen(sid, [alice], async () => {
          answer = await act();
        });
        assert.deepEqual([n, answer], [n, unread]);
        // The time that goes with a number is not told when there is no number any more: the SDK keeps the last one.
        const reasons = ["dateUpdated", "lastReadMessageIndex", ...(index === null ? [] : ["lastReadTimestamp"])];
        if (n === 2) {
          // To advance to a lower number changes no number.
          assert.ok(hers.every((event) => !event.includes("lastReadMessageIndex")), hers.join());
        } else {
          assert.deepEqual(hers, [`participantUpdated ${names[1]} ${reasons}`]);
          await bob.saw("conversationUpdated", ({ updateReasons }) => updateReasons.includes("lastReadMessageIndex"), { from });
        }
        assert.equal(his.lastReadMessageIndex, index);
        const { participant } = alice.all("participantUpdated").at(-1);
        assert.equal(participant.lastReadMessageIndex, index);
        assert.ok(participant.lastReadTimestamp instanceof Date);
        const entry = await cast.rest.users(names[1]).userConversations(sid).fetch();
        assert.equal(entry.lastReadMessageIndex, index);
      }
    });

    test("R28 B-585 B-586: typing is seen by the others, and ends by itself", async (t) => {
      const { alice, bob, names, his, sid } = await cast.couple(t);
      await his.typing();
      const participant = await alice.saw("typingStarted");
      assert.equal(participant.identity, names[1]);
      assert.equal(participant.isTyping, true);
      await alice.saw("typingEnded");
      assert.equal(participant.isTyping, false);
      assert.deepEqual(alice.told(sid).filter((event) => event.startsWith("typing")), [
        `typingStarted ${names[1]}`,
        `typingEnded ${names[1]}`,
      ]);
      assert.deepEqual(bob.told(sid).filter((event) => event.startsWith("typing")), []);
    });

    test("R28: typing ends with the message", async (t) => {
      const { alice, names, his, sid } = await cast.couple(t);
      await his.typing();
      await alice.saw("typingStarted");
      const { now } = alice;
      await his.sendMessage("there");
      await alice.saw("typingEnded");
      const told = alice.told(sid, now);
      assert.ok(told.includes("messageAdded 0") && told.includes(`typingEnded ${names[1]}`), told.join("\n"));
    });

    test("R29 B-548: follows another user until it is told not to", async (t) => {
      const serviceSid = await cast.stage.reachableService();
      const mint = (name) => ({ token: cast.tokens.mint(name, { serviceSid }) });
      const names = [unique("alice"), unique("bob")];
      const alice = await cast.connect(t, names[0], mint(names[0]));
      const bob = await cast.connect(t, names[1], mint(names[1]));
      const { now } = alice;
      const seen = await alice.client.getUser(names[1]);
      assert.deepEqual([seen.identity, seen.friendlyName, seen.attributes], [names[1], names[1], {}]);
      assert.deepEqual([seen.isOnline, seen.isNotifiable, seen.isSubscribed], [true, false, true]);
      await alice.saw("userSubscribed", (user) => user === seen);
      assert.deepEqual((await alice.client.getSubscribedUsers()).map(({ identity }) => identity).sort(), [...names].sort());
      const hers = () => alice.toldOfUsers(now).filter((event) => event.includes(names[1]));
      // What it is filled with when it is first read.
      const filled = hers();
      const told = async (act, reason) => {
        const from = alice.now;
        await act();
        await alice.saw("userUpdated", ({ user, updateReasons }) => user === seen && updateReasons.includes(reason), { from });
      };
      await told(() => bob.client.user.updateFriendlyName("Bobby"), "friendlyName");
      assert.equal(seen.friendlyName, "Bobby");
      await told(() => bob.client.user.updateAttributes({ status: "away" }), "attributes");
      assert.deepEqual(seen.attributes, { status: "away" });
      await told(() => bob.client.setPushRegistrationId("fcm", unique("device")), "reachabilityNotifiable");
      assert.equal(seen.isNotifiable, true);
      await told(() => bob.shutdown(), "reachabilityOnline");
      assert.equal(seen.isOnline, false);
      assert.deepEqual(hers().slice(filled.length), [
        `userUpdated ${names[1]} friendlyName`,
        `userUpdated ${names[1]} attributes`,
        `userUpdated ${names[1]} reachabilityNotifiable`,
        `userUpdated ${names[1]} reachabilityOnline`,
      ]);
      const { now: there } = alice.wire;
      await seen.unsubscribe();
      await alice.saw("userUnsubscribed", (user) => user === seen);
      assert.equal(seen.isSubscribed, false);
      const cancel = await alice.wire.saw("the cancel", ({ fromClient, text }) => fromClient && text.includes('"cancel"'), there);
      await alice.wire.reply(cancel);
      // Now it hears no more: his own client's change is followed by one of hers, which she does hear.
      const from = alice.now;
      await cast.rest.services(serviceSid).users(names[1]).update({ friendlyName: "Robert" });
      await alice.client.user.updateFriendlyName("Alicia");
      await alice.saw("userUpdated", ({ user }) => user === alice.client.user, { from });
      assert.deepEqual(alice.toldOfUsers(from), [`userUpdated ${names[0]} friendlyName`]);
      assert.equal(seen.friendlyName, "Bobby");
    });

    test("R30 B-606 B-625: registers for push, anew, and ends it", async (t) => {
      const name = unique("alice");
      const alice = await cast.connect(t, name);
      const bindings = async () => {
        const found = await cast.rest.services(cast.tokens.service).bindings.list({ identity: [name] });
        assert.ok(found.every(({ credentialSid }) => credentialSid === null), "the token named none");
        for (const { messageTypes } of found) {
          assert.deepEqual([...messageTypes].sort(), ["added_to_conversation", "new_message", "removed_from_conversation"]);
        }
        return found.map(({ bindingType, endpoint }) => `${bindingType} ${endpoint}`);
      };
      assert.deepEqual(await bindings(), []);
      await alice.client.setPushRegistrationId("fcm", "token 1");
      const [first] = await bindings();
      assert.match(first, /^fcm BS[0-9a-f]{32}$/);
      await alice.client.setPushRegistrationId("fcm", "token 2");
      const second = await bindings();
      assert.deepEqual([second.length, second.includes(first)], [1, false]);
      // The same registration again is the same binding.
      const other = await cast.connect(t, name);
      await other.client.setPushRegistrationId("fcm", "token 2");
      assert.deepEqual(await bindings(), second);
      await alice.client.setPushRegistrationId("apn", "token 3");
      const both = await bindings();
      assert.deepEqual([both.length, both.includes(second[0])], [2, true]);
      await alice.client.unsetPushRegistrationId("fcm");
      const [last, ...none] = await bindings();
      assert.deepEqual([last.slice(0, 6), none], ["apn BS", []]);
      // Another client of the user ends what this one began; somebody else cannot.
      const mallory = await cast.connect(t, unique("mallory"));
      await mallory.client.removePushRegistrations("apn", "token 3");
      assert.deepEqual(await bindings(), [last]);
      await other.client.removePushRegistrations("apn", "token 3");
      assert.deepEqual(await bindings(), []);
      // Nothing there is nothing to complain of.
      await other.client.removePushRegistrations("apn", "token 3");
    });

    test("R31: reads the content templates", async (t) => {
      const alice = await cast.connect(t, unique("alice"));
      const templates = await alice.client.getContentTemplates();
      const found = templates.find(({ sid }) => sid === cast.stage.template.sid);
      assert.equal(found.friendlyName, cast.stage.template.friendlyName);
      assert.deepEqual(found.variables.map(({ name, value }) => [name, value]), [["1", "name"]]);
      assert.deepEqual([...found.variants.keys()].sort(), Object.keys(TEMPLATES).sort());
      const kinds = Object.fromEntries([...found.variants].map(([key, { type }]) => [key, type]));
      assert.deepEqual(kinds, {
        "twilio/text": "text",
        "twilio/media": "media",
        "twilio/location": "location",
        "twilio/quick-reply": "quickReply",
        "twilio/call-to-action": "callToAction",
        "twilio/list-picker": "listPicker",
        "twilio/card": "card",
      });
      assert.equal(found.variants.get("twilio/text").body, "hi {{1}}");
      assert.deepEqual(found.variants.get("twilio/media").media, ["https://example.com/a.png"]);
      assert.equal(found.variants.get("twilio/location").latitude, 48.1);
      assert.equal(found.variants.get("twilio/quick-reply").replies[0].title, "Yes");
      assert.equal(found.variants.get("twilio/call-to-action").actions[0].url, "https://example.com");
      assert.equal(found.variants.get("twilio/list-picker").items[0].item, "A");
      assert.equal(found.variants.get("twilio/card").title, "Card");
      assert.ok(found.dateCreated instanceof Date);
    });
  },
  {
    env: { CONFAB_REALTIME_OFFLINE_GRACE_SECS: "1" },
    async setup(stage) {
      const friendlyName = unique("template");
      const body = JSON.stringify({ friendly_name: friendlyName, language: "en", variables: { 1: "name" }, types: TEMPLATES });
      const answer = await stage.server.request("POST", "/content/v1/Content", { body, headers: { "Content-Type": "application/json" } });
      if (answer.status !== 201) {
        throw new Error(answer.text);
      }
      stage.template = { sid: answer.json.sid, friendlyName };
    },
  },
);
