// The chat SDKs send, read, change and remove messages: rows ("R…") of the checklist in realtime.md §8, rules ("B-…") of
// behaviours.md.

import assert from "node:assert/strict";
import { allPages, inParallel, phone, poll, range, unique } from "../harness.mjs";
import { forEachSdk, indices } from "./stage.mjs";

/** More than a page of receipts. */
const PHONES = 53;
/** A conversation of 66 messages, and one with many phones; they are only read, so all versions share them. */
const shared = {};

async function setup({ rest }) {
  const reader = async (title) => {
    const { sid } = await rest.conversations.create({ friendlyName: title });
    const identity = unique("reader");
    await rest.conversations(sid).participants.create({ identity });
    return { sid, identity, stored: rest.conversations(sid) };
  };
  shared.long = await reader("66 messages");
  await inParallel(range(66), (number) => shared.long.stored.messages.create({ body: `number ${number}` }));
  shared.wide = await reader("many phones");
  await inParallel(range(PHONES), () =>
    shared.wide.stored.participants.create({ "messagingBinding.address": phone(), "messagingBinding.proxyAddress": phone() }),
  );
  shared.wide.message = await shared.wide.stored.messages.create({ body: "to all" });
}

forEachSdk(
  "messages",
  (cast, test) => {
    /** A fresh client of the one who reads a shared conversation. */
    async function read(t, { identity, sid }) {
      const reader = await cast.connect(t, identity);
      return cast.opened(reader, sid);
    }

    test("R7: a message reaches both, with attributes", async (t) => {
      const { alice, bob, names, hers, sid } = await cast.couple(t);
      let index;
      const seen = await cast.seen(sid, [alice, bob], async () => {
        index = await hers.sendMessage("hello", { x: 1 });
      });
      assert.equal(index, 0);
      const once = ["messageAdded 0", "conversationUpdated lastMessage"];
      assert.deepEqual(seen, [once, once]);
      for (const chat of [alice, bob]) {
        const [message] = chat.all("messageAdded");
        assert.deepEqual([message.body, message.author, message.type], ["hello", names[0], "text"]);
        assert.deepEqual(message.attributes, { x: 1 });
        assert.equal((await message.getParticipant()).identity, names[0]);
        assert.ok(message.dateCreated instanceof Date && message.dateUpdated instanceof Date);
        assert.deepEqual([message.attachedMedia, message.aggregatedDeliveryReceipt], [[], null]);
      }
      assert.equal(hers.lastMessage.index, 1, "that of the fence");
    });

    test("R7: messages of two at once are seen in one order", async (t) => {
      const { alice, bob, hers, his, sid } = await cast.couple(t);
      await cast.seen(sid, [alice, bob], () =>
        Promise.all(range(10).flatMap((number) => [hers.sendMessage(`hers ${number}`), his.sendMessage(`his ${number}`)])),
      );
      const seen = [alice, bob].map((chat) => chat.all("messageAdded").map(({ index, body }) => `${index} ${body}`));
      assert.deepEqual(seen[0], seen[1]);
      assert.deepEqual(alice.all("messageAdded").map(({ index }) => index), range(21));
      for (const name of ["hers", "his"]) {
        const sent = seen[0].filter((text) => text.includes(` ${name} `)).map((text) => text.split(" ")[2]);
        assert.deepEqual(sent, range(10).map(String), "each one's own stay in their order");
      }
    });

    test("R8: bodies arrive as they were sent", async (t) => {
      const { bob, hers } = await cast.couple(t);
      const same = ["two\nlines\r\n", "👩‍👩‍👧 naïve ✓ مرحبا", " spaces ", "a&b=c%20+", "TWILSOCK V3.0 2\r\n{}\r\n"];
      const bodies = [...same.map((body) => [body, body]), ["", ""], [null, ""]];
      for (const [index, [sent, expected]] of bodies.entries()) {
        assert.equal(await hers.sendMessage(sent), index);
        const message = await bob.saw("messageAdded", (seen) => seen.index === index);
        assert.equal(message.body, expected);
      }
    });

    test("R13: walks back through 66 messages from the end", async (t) => {
      const conversation = await read(t, shared.long);
      const pages = await allPages(await conversation.getMessages(20), "prevPage");
      assert.deepEqual(pages.map(indices), [
        range(20).map((offset) => 46 + offset),
        range(20).map((offset) => 26 + offset),
        range(20).map((offset) => 6 + offset),
        range(6),
      ]);
      assert.equal(pages[0].hasNextPage, false);
      assert.equal(pages.at(-1).hasPrevPage, false);
      assert.deepEqual(pages[3].items.map(({ body }) => body).length, 6);
    });

    test("R14: walks forwards, and both ways from an anchor", async (t) => {
      const conversation = await read(t, shared.long);
      const fromStart = await allPages(await conversation.getMessages(20, 0, "forward"));
      assert.deepEqual(fromStart.map((page) => page.items.length), [20, 20, 20, 6]);
      assert.deepEqual(fromStart.flatMap(indices), range(66));
      assert.equal(fromStart[0].hasPrevPage, false);
      assert.equal(fromStart.at(-1).hasNextPage, false);
      // A client that has not read anything yet, and one that has: 3.x answers the latter from its cache.
      for (const fresh of [true, false]) {
        const there = fresh ? await read(t, shared.long) : conversation;
        const before = await there.getMessages(5, 30, "backwards");
        assert.deepEqual(indices(before), [26, 27, 28, 29, 30]);
        assert.deepEqual(indices(await before.prevPage()), [21, 22, 23, 24, 25]);
        assert.deepEqual(indices(await before.nextPage()), [31, 32, 33, 34, 35]);
        const behind = await there.getMessages(5, 30, "forward");
        assert.deepEqual(indices(behind), [30, 31, 32, 33, 34]);
        assert.deepEqual(indices(await behind.nextPage()), [35, 36, 37, 38, 39]);
        assert.deepEqual(indices(await behind.prevPage()), [25, 26, 27, 28, 29]);
      }
    });

    test("R15: anchors at a deleted message and beyond the end", async (t) => {
      const { alice, hers, stored, sid } = await cast.couple(t);
      const made = await inParallel(range(40), (number) => stored.messages.create({ body: `number ${number}` }));
      await stored.messages(made.find(({ index }) => index === 30).sid).remove();
      // 3.x answers from its cache, which the event corrects.
      await alice.saw("messageRemoved", ({ index }) => index === 30);
      const again = await cast.connect(t, alice.client.user.identity);
      for (const there of [hers, await cast.opened(again, sid)]) {
        assert.deepEqual(indices(await there.getMessages(5, 30, "backwards")), [25, 26, 27, 28, 29]);
        assert.deepEqual(indices(await there.getMessages(5, 30, "forward")), [31, 32, 33, 34, 35]);
        assert.deepEqual(indices(await there.getMessages(5, 1000, "backwards")), [35, 36, 37, 38, 39]);
        assert.deepEqual(indices(await there.getMessages(5, 1000, "forward")), []);
      }
    });

    test("R16: edits body and attributes", async (t) => {
      const { alice, bob, names, hers, sid, stored } = await cast.couple(t);
      await hers.sendMessage("draft");
      const mine = await alice.saw("messageAdded");
      const his = await bob.saw("messageAdded");
      const body = await cast.seen(sid, [alice, bob], () => mine.updateBody("final"));
      const final = ["messageUpdated 0 body,dateUpdated,lastUpdatedBy"];
      assert.deepEqual(body.map((seen) => seen.filter((event) => !event.startsWith("conversationUpdated"))), [final, final]);
      assert.deepEqual([his.body, his.lastUpdatedBy], ["final", names[0]]);
      const attributes = await cast.seen(sid, [alice, bob], () => mine.updateAttributes({ pinned: true }));
      const pinned = ["messageUpdated 0 attributes,dateUpdated"];
      assert.deepEqual(attributes, [pinned, pinned]);
      assert.deepEqual(his.attributes, { pinned: true });
      const message = await stored.messages(mine.sid).fetch();
      assert.deepEqual([message.body, message.attributes], ["final", '{"pinned":true}']);
    });

    test("R17: removes a message", async (t) => {
      const { alice, bob, hers, sid, stored } = await cast.couple(t);
      await hers.sendMessage("oops");
      await hers.sendMessage("stays");
      const message = await alice.saw("messageAdded", ({ index }) => index === 0);
      await cast.fence(sid, alice, bob);
      const seen = await cast.seen(sid, [alice, bob], () => message.remove());
      assert.deepEqual(seen, [["messageRemoved 0"], ["messageRemoved 0"]]);
      assert.equal(bob.all("messageRemoved")[0].sid, message.sid);
      await assert.rejects(stored.messages(message.sid).fetch(), { status: 404 });
      assert.deepEqual(indices(await hers.getMessages()), [1, 2, 3]);
    });

    test("R17: an index is never used again", async (t) => {
      const { bob, hers, his, stored } = await cast.couple(t);
      const { sid } = await stored.messages.create({ body: "oops" });
      await bob.saw("messageAdded");
      await stored.messages(sid).remove();
      await bob.saw("messageRemoved");
      assert.equal(await hers.sendMessage("next"), 1);
      await bob.saw("messageAdded", ({ index }) => index === 1);
      await bob.saw("conversationUpdated", () => his.lastMessage?.index === 1);
    });

    test("R18 B-582: what becomes of a message at a phone", async (t) => {
      const { alice, bob, hers, stored } = await cast.couple(t);
      const address = phone();
      const handset = cast.server.handset(address);
      // It does not confirm by itself: the test says when.
      await handset.mode("manual");
      await stored.participants.create({ "messagingBinding.address": address, "messagingBinding.proxyAddress": phone() });
      await hers.sendMessage("to the phone");
      const mine = await alice.saw("messageAdded");
      const { sid } = await handset.received(({ body }) => body === "to the phone");
      const amounts = (message) => {
        const { total, sent, delivered, read, failed, undelivered } = message.aggregatedDeliveryReceipt ?? {};
        return { total, sent, delivered, read, failed, undelivered };
      };
      for (const status of ["sent", "delivered"]) {
        const { status: answer } = await handset.report(sid, { Status: status });
        assert.equal(answer, 200);
        const delivered = status === "delivered" ? "all" : "none";
        const expected = { total: 1, sent: "all", delivered, read: "none", failed: "none", undelivered: "none" };
        for (const chat of [alice, bob]) {
          await chat.saw("messageUpdated", ({ message }) => JSON.stringify(amounts(message)) === JSON.stringify(expected));
        }
      }
      for (const chat of [alice, bob]) {
        const told = chat.all("messageUpdated").map(({ updateReasons }) => updateReasons.join());
        assert.deepEqual([...new Set(told)], ["deliveryReceipt"]);
        assert.ok(told.length <= 3, `${told}`);
      }
      const [receipt] = await mine.getDetailedDeliveryReceipts();
      assert.deepEqual([receipt.status, receipt.messageSid, receipt.errorCode], ["delivered", mine.sid, 0]);
    });

    test("R19: all receipts of a message, over two pages", async (t) => {
      const conversation = await read(t, shared.wide);
      const [message] = (await conversation.getMessages(1)).items;
      assert.equal(message.sid, shared.wide.message.sid);
      const receipts = await message.getDetailedDeliveryReceipts();
      assert.equal(receipts.length, PHONES);
      const sids = receipts.map(({ sid }) => sid);
      assert.equal(new Set(sids).size, PHONES);
      const stored = await shared.wide.stored.messages(message.sid).deliveryReceipts.list();
      assert.deepEqual([...sids].sort(), stored.map(({ sid }) => sid).sort());
      assert.ok(receipts.every(({ messageSid, conversationSid }) => messageSid === message.sid && conversationSid === conversation.sid));
    });

    test("R20: recipients and metadata of a message that went nowhere else", async (t) => {
      const { alice, hers } = await cast.couple(t);
      await hers.sendMessage("hello");
      const message = await alice.saw("messageAdded");
      assert.equal(await message.getChannelMetadata(), null);
      // 2.4 does not know of recipients yet.
      assert.equal(typeof message.getMessageRecipients, cast.sdk.version === "2.4.0" ? "undefined" : "function");
      if (message.getMessageRecipients) {
        assert.deepEqual(await message.getMessageRecipients(), []);
        const page = await hers.getMessageRecipients();
        assert.deepEqual([page.items, page.hasNextPage, page.hasPrevPage], [[], false, false]);
        await message.remove();
        await assert.rejects(message.getMessageRecipients());
      }
    });

    test("R24 B-018: messages over REST reach a connected client", async (t) => {
      const { alice, names, sid, stored } = await cast.couple(t);
      const message = await stored.messages.create({ author: names[1], body: "one", attributes: '{"a":1}' });
      const added = await alice.saw("messageAdded", (seen) => seen.sid === message.sid);
      assert.deepEqual([added.author, added.body, added.attributes], [names[1], "one", { a: 1 }]);
      await cast.fence(sid, alice);
      const [updated] = await cast.seen(sid, [alice], () => stored.messages(message.sid).update({ body: "two" }));
      assert.deepEqual(updated.map((event) => event.split(" ").slice(0, 2).join(" ")), ["messageUpdated 0"]);
      assert.equal(added.body, "two");
      const [removed] = await cast.seen(sid, [alice], () => stored.messages(message.sid).remove());
      assert.deepEqual(removed, ["messageRemoved 0"]);
      await poll("the number of messages", async () => (await added.conversation.getMessagesCount()) === 3);
    });
  },
  { env: { CONFAB_LIMITS_NON_CHAT_PARTICIPANTS: "100" }, setup },
);
