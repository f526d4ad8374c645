// The unmodified helper library against the REST side of the server. Behaviour rules ("B-…") are named where one is held.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { inParallel, phone, poll, range, Server, unique } from "./harness.mjs";

let server;
let account;
let rest;
let defaultService;

before(async () => {
  server = await Server.start();
  account = server.twilio();
  rest = account.conversations.v1;
  defaultService = (await rest.configuration().fetch()).defaultChatServiceSid;
});
after(() => server?.stop());

const sids = (items) => items.map(({ sid }) => sid);
const sid = (prefix) => new RegExp(`^${prefix}[0-9a-f]{32}$`);
/** Of the right shape, but of nothing. */
const nobody = (prefix) => prefix + "0".repeat(32);
const refusal = (status, code) => (error) => {
  assert.deepEqual([error.status, error.code], [status, code], error.message);
  assert.equal(error.moreInfo, `https://www.twilio.com/docs/errors/${code}`);
  return true;
};

describe("account", () => {
  test("is fetched", async () => {
    const fetched = await account.api.v2010.accounts(server.accountSid).fetch();
    assert.equal(fetched.sid, server.accountSid);
    assert.equal(fetched.status, "active");
    assert.ok(fetched.dateCreated instanceof Date);
  });

  test("B-001 B-003 keys are made, used, listed and revoked", async () => {
    const key = await account.newKeys.create({ friendlyName: "tests" });
    assert.match(key.sid, sid("SK"));
    assert.ok(key.secret.length >= 32);
    const fetched = await account.keys(key.sid).fetch();
    assert.equal(fetched.friendlyName, "tests");
    assert.equal(fetched.secret, undefined);
    assert.ok(sids(await account.keys.list()).includes(key.sid));

    const byKey = server.twilio(key.sid, key.secret).conversations.v1;
    assert.equal((await byKey.configuration().fetch()).accountSid, server.accountSid);
    await assert.rejects(server.twilio(key.sid, "wrong").conversations.v1.configuration().fetch(), refusal(401, 20003));

    assert.equal(await account.keys(key.sid).remove(), true);
    await assert.rejects(byKey.configuration().fetch(), refusal(401, 20003));
    await assert.rejects(account.keys(key.sid).fetch(), refusal(404, 20404));
    await assert.rejects(account.keys(key.sid).remove(), refusal(404, 20404));
  });

  test("phone numbers are claimed, listed, fetched and released", async () => {
    const number = phone();
    const made = await account.incomingPhoneNumbers.create({ phoneNumber: number, friendlyName: "desk" });
    assert.match(made.sid, sid("PN"));
    assert.equal(made.phoneNumber, number);
    assert.equal(made.friendlyName, "desk");
    assert.equal((await account.incomingPhoneNumbers(made.sid).fetch()).phoneNumber, number);
    assert.deepEqual(sids(await account.incomingPhoneNumbers.list({ phoneNumber: number })), [made.sid]);
    await assert.rejects(account.incomingPhoneNumbers.create({ phoneNumber: number }), refusal(400, 21422));
    await assert.rejects(account.incomingPhoneNumbers.create({ phoneNumber: "five" }), refusal(400, 21421));
    assert.equal(await account.incomingPhoneNumbers(made.sid).remove(), true);
    await assert.rejects(account.incomingPhoneNumbers(made.sid).fetch(), refusal(404, 20404));
  });
});

describe("configuration and services", () => {
  test("an account starts with a default service, a default messaging service and default roles", async () => {
    const configuration = await rest.configuration().fetch();
    assert.equal(configuration.accountSid, server.accountSid);
    assert.match(configuration.defaultChatServiceSid, sid("IS"));
    assert.match(configuration.defaultMessagingServiceSid, sid("MG"));
    assert.equal((await rest.services(configuration.defaultChatServiceSid).fetch()).accountSid, server.accountSid);
  });

  test("B-031 services are made, fetched, listed, kept apart and removed", async () => {
    const made = await rest.services.create({ friendlyName: "Second" });
    assert.match(made.sid, sid("IS"));
    assert.equal(made.friendlyName, "Second");
    assert.deepEqual(Object.keys(made.links), [
      "conversations",
      "users",
      "roles",
      "bindings",
      "configuration",
      "participant_conversations",
      "conversation_with_participants",
    ]);
    assert.equal((await rest.services(made.sid).fetch()).friendlyName, "Second");
    const listed = sids(await rest.services.list());
    assert.ok(listed.includes(made.sid) && listed.includes(defaultService));

    const uniqueName = unique("room");
    const here = await rest.services(made.sid).conversations.create({ uniqueName });
    const there = await rest.conversations.create({ uniqueName });
    assert.notEqual(here.sid, there.sid);
    await assert.rejects(rest.conversations(here.sid).fetch(), refusal(404, 20404));

    assert.equal(await rest.services(made.sid).remove(), true);
    await assert.rejects(rest.services(made.sid).fetch(), refusal(404, 20404));
    await assert.rejects(rest.services(defaultService).remove(), refusal(400, 20001));
    await assert.rejects(rest.services.create({ friendlyName: "x".repeat(257) }), (error) => error.status === 400);
  });
});

// The same resources by both forms of their URLs.
const forms = {
  "short form": { base: () => rest, url: (tail) => `/v1/${tail}` },
  "service form": { base: () => rest.services(defaultService), url: (tail) => `/v1/Services/${defaultService}/${tail}` },
};

for (const [form, { base, url }] of Object.entries(forms)) {
  describe(form, () => {
    test("conversations: create, fetch, list, update, remove", async () => {
      const uniqueName = unique("room");
      const made = await base().conversations.create({
        friendlyName: "Räum & Zeit",
        uniqueName,
        attributes: '{"a": [1, 2]}',
        dateCreated: new Date("2020-05-01T12:00:00.000Z"),
      });
      assert.match(made.sid, sid("CH"));
      assert.equal(made.accountSid, server.accountSid);
      assert.equal(made.chatServiceSid, defaultService);
      assert.equal(made.friendlyName, "Räum & Zeit");
      assert.equal(made.attributes, '{"a": [1, 2]}');
      assert.equal(made.state, "active");
      assert.deepEqual(made.timers, {});
      assert.equal(made.dateCreated.toISOString(), "2020-05-01T12:00:00.000Z");
      assert.ok(made.url.endsWith(url(`Conversations/${made.sid}`)), made.url);
      for (const [name, tail] of [["participants", "Participants"], ["messages", "Messages"], ["webhooks", "Webhooks"]]) {
        assert.ok(made.links[name].endsWith(url(`Conversations/${made.sid}/${tail}`)), made.links[name]);
      }

      for (const key of [made.sid, uniqueName]) {
        assert.equal((await base().conversations(key).fetch()).sid, made.sid);
      }
      assert.ok(sids(await base().conversations.list()).includes(made.sid));

      const renamed = await base().conversations(made.sid).update({ friendlyName: "New", uniqueName: "" });
      assert.deepEqual([renamed.friendlyName, renamed.uniqueName, renamed.attributes], ["New", null, '{"a": [1, 2]}']);
      // B-014: an update of nothing changes nothing.
      const unchanged = await base().conversations(made.sid).update({});
      assert.deepEqual([unchanged.friendlyName, unchanged.dateUpdated], [renamed.friendlyName, renamed.dateUpdated]);

      assert.equal(await base().conversations(made.sid).remove(), true);
      // B-013
      await assert.rejects(base().conversations(made.sid).remove(), refusal(404, 20404));
      await assert.rejects(base().conversations(made.sid).fetch(), refusal(404, 20404));
    });

    test("participants: create, fetch, list, update, remove", async () => {
      const { sid: conversation } = await base().conversations.create({});
      const { participants } = base().conversations(conversation);
      const one = (key) => base().conversations(conversation).participants(key);
      const identity = unique("alice");
      const chat = await participants.create({ identity, attributes: '{"seat":1}' });
      assert.match(chat.sid, sid("MB"));
      assert.match(chat.roleSid, sid("RL"));
      assert.deepEqual([chat.identity, chat.messagingBinding, chat.attributes], [identity, null, '{"seat":1}']);
      assert.deepEqual([chat.lastReadMessageIndex, chat.lastReadTimestamp], [null, null]);
      assert.ok(chat.url.endsWith(url(`Conversations/${conversation}/Participants/${chat.sid}`)), chat.url);
      // B-544
      assert.equal((await base().users(identity).fetch()).identity, identity);

      const [address, proxy] = [phone(), phone()];
      const sms = await participants.create({ "messagingBinding.address": address, "messagingBinding.proxyAddress": proxy });
      assert.deepEqual(sms.messagingBinding, { type: "sms", address, proxy_address: proxy });
      assert.equal(sms.identity, null);
      // B-169: nobody owned the proxy address, so it was claimed for the account.
      assert.equal((await account.incomingPhoneNumbers.list({ phoneNumber: proxy })).length, 1);

      for (const key of [chat.sid, identity]) {
        assert.equal((await one(key).fetch()).sid, chat.sid);
      }
      assert.deepEqual(sids(await participants.list()).sort(), [chat.sid, sms.sid].sort());
      assert.equal((await one(chat.sid).update({ attributes: "[]" })).attributes, "[]");
      const read = await one(chat.sid).update({ lastReadMessageIndex: 3 });
      assert.equal(read.lastReadMessageIndex, 3);
      assert.ok(read.lastReadTimestamp);

      await assert.rejects(participants.create({ identity }), refusal(409, 50433));
      const { sid: other } = await base().conversations.create({});
      const pair = { "messagingBinding.address": address, "messagingBinding.proxyAddress": proxy };
      await assert.rejects(base().conversations(other).participants.create(pair), refusal(409, 50416));
      await assert.rejects(participants.create({}), refusal(400, 20001));
      await assert.rejects(
        participants.create({ "messagingBinding.address": "nonsense", "messagingBinding.proxyAddress": proxy }),
        refusal(400, 50407),
      );
      // B-169: an address of the account itself is none of a participant.
      await assert.rejects(
        participants.create({ "messagingBinding.address": proxy, "messagingBinding.proxyAddress": phone() }),
        refusal(400, 50407),
      );

      assert.equal(await one(sms.sid).remove(), true);
      await assert.rejects(one(sms.sid).fetch(), refusal(404, 50432));
      // The pair is free again.
      assert.match((await base().conversations(other).participants.create(pair)).sid, sid("MB"));
    });

    test("messages: create, fetch, list, update, remove", async () => {
      const { sid: conversation } = await base().conversations.create({});
      const identity = unique("alice");
      const { messages, participants } = base().conversations(conversation);
      const one = (key) => base().conversations(conversation).messages(key);
      const member = await participants.create({ identity });
      const first = await messages.create({ author: identity, body: "ü 😀\nsecond line", attributes: '"text"' });
      assert.match(first.sid, sid("IM"));
      assert.equal(first.index, 0);
      assert.deepEqual(
        [first.author, first.participantSid, first.body, first.attributes, first.media, first.delivery],
        [identity, member.sid, "ü 😀\nsecond line", '"text"', null, null],
      );
      assert.ok(first.url.endsWith(url(`Conversations/${conversation}/Messages/${first.sid}`)), first.url);
      assert.deepEqual(Object.keys(first.links).sort(), ["channel_metadata", "delivery_receipts"]);
      const second = await messages.create({ body: "two" });
      assert.deepEqual([second.index, second.author, second.participantSid], [1, "system", null]);

      assert.equal((await one(first.sid).fetch()).body, first.body);
      assert.deepEqual(sids(await messages.list()), [first.sid, second.sid]);
      assert.deepEqual(sids(await messages.list({ order: "desc" })), [second.sid, first.sid]);
      const edited = await one(second.sid).update({ body: "2", author: identity });
      assert.deepEqual([edited.body, edited.index, edited.participantSid], ["2", 1, member.sid]);

      await assert.rejects(messages.create({}), refusal(400, 50503));
      await assert.rejects(messages.create({ body: "x", attributes: "{" }), refusal(400, 50304));
      await assert.rejects(one(nobody("IM")).fetch(), refusal(404, 50500));
      assert.equal(await one(second.sid).remove(), true);
      await assert.rejects(one(second.sid).fetch(), refusal(404, 50500));
      assert.equal((await messages.create({ body: "three" })).index, 2, "an index is never used again");
    });

    test("users: create, fetch, list, update, remove", async () => {
      const identity = unique("carol+é @x");
      const made = await base().users.create({ identity, friendlyName: "Carol", attributes: '{"a":1}' });
      assert.match(made.sid, sid("US"));
      assert.deepEqual([made.identity, made.friendlyName, made.attributes], [identity, "Carol", '{"a":1}']);
      assert.match(made.roleSid, sid("RL"));
      assert.equal((await base().users(made.sid).fetch()).identity, identity);
      // An identity as a path item is the caller's to encode, which the library leaves out.
      assert.equal((await base().users(encodeURIComponent(identity)).fetch()).sid, made.sid);
      assert.equal((await base().users(made.sid).update({ friendlyName: "C" })).friendlyName, "C");
      await assert.rejects(base().users.create({ identity }), refusal(409, 50201));
      await assert.rejects(base().users.create({ identity: nobody("US") }), refusal(400, 50206));
      await assert.rejects(base().users.create({ identity: "x".repeat(257) }), refusal(400, 50207));
      assert.ok(sids(await base().users.list()).includes(made.sid));
      assert.equal(await base().users(made.sid).remove(), true);
      await assert.rejects(base().users(made.sid).fetch(), (error) => error.status === 404);
      // B-552
      assert.notEqual((await base().users.create({ identity })).sid, made.sid);
    });

    test("B-019 B-020 refusals name status and code", async () => {
      const uniqueName = unique("room");
      await base().conversations.create({ uniqueName });
      await assert.rejects(base().conversations.create({ uniqueName }), refusal(409, 50353));
      await assert.rejects(base().conversations.create({ attributes: "{a}" }), refusal(400, 50304));
      await assert.rejects(base().conversations.create({ friendlyName: "x".repeat(257) }), refusal(400, 50003));
      await assert.rejects(base().conversations.create({ uniqueName: nobody("CH") }), refusal(400, 50390));
      await assert.rejects(base().conversations(nobody("CH")).fetch(), refusal(404, 20404));
      await assert.rejects(base().conversations(nobody("CH")).messages.list(), refusal(404, 50350));
      await assert.rejects(base().conversations(nobody("CH")).participants.create({ identity: "a" }), refusal(404, 50350));
      assert.equal((await base().conversations.create({ attributes: "[1]" })).attributes, "[1]");
    });
  });
}

test("B-028 both forms show the same conversation", async () => {
  const made = await rest.conversations.create({ friendlyName: "One" });
  const other = await rest.services(defaultService).conversations(made.sid).fetch();
  const shown = ({ sid, friendlyName, state, attributes, dateCreated, dateUpdated }) => ({ sid, friendlyName, state, attributes, dateCreated, dateUpdated });
  assert.deepEqual(shown(other), shown(made));
  const message = await rest.conversations(made.sid).messages.create({ body: "x" });
  assert.equal((await rest.services(defaultService).conversations(made.sid).messages(message.sid).fetch()).chatServiceSid, defaultService);
  await assert.rejects(rest.services(nobody("IS")).conversations.list(), refusal(404, 20404));
});

describe("pages", () => {
  /** Walks page by page and does `between` after each. */
  async function walk(first, between = async () => {}) {
    const pages = [];
    for (let page = await first; page; page = await page.nextPage()) {
      assert.ok(pages.length < 100, "the pages do not end");
      pages.push(page);
      await between();
    }
    return pages;
  }

  test("B-022 each message once, while others are written", async () => {
    const { sid: conversation } = await rest.conversations.create({});
    const { messages } = rest.conversations(conversation);
    const written = sids(await inParallel(range(60), (number) => messages.create({ body: `${number}` })));
    for (const order of ["asc", "desc"]) {
      const pages = await walk(messages.page({ pageSize: 7, order }), () => messages.create({ body: "more" }));
      const seen = pages.flatMap(({ instances }) => instances);
      assert.equal(new Set(sids(seen)).size, seen.length, "no message twice");
      const old = seen.filter(({ sid }) => written.includes(sid));
      assert.equal(old.length, 60);
      const indices = seen.map(({ index }) => index);
      assert.deepEqual(indices, indices.toSorted((a, b) => (order === "asc" ? a - b : b - a)));
      assert.ok(pages.every(({ instances }) => instances.length <= 7));
      // B-023: the order stays in the page URLs.
      assert.equal(new URL(pages[0].nextPageUrl).searchParams.get("Order"), order);
      assert.equal(pages[0].previousPageUrl, undefined);
      const back = await pages[2].previousPage();
      assert.deepEqual(sids(back.instances), sids(pages[1].instances));
    }
    assert.equal((await messages.list({ pageSize: 7 })).length, await messages.list().then(({ length }) => length));
  });

  test("B-022 each conversation once, while others are made", async () => {
    const { sid: service } = await rest.services.create({ friendlyName: "Pages" });
    const { conversations } = rest.services(service);
    const made = sids(await inParallel(range(60), (number) => conversations.create({ friendlyName: `${number}` })));
    const pages = await walk(conversations.page({ pageSize: 7 }), () => conversations.create({}));
    const seen = sids(pages.flatMap(({ instances }) => instances));
    assert.equal(new Set(seen).size, seen.length, "no conversation twice");
    assert.deepEqual(made.filter((one) => !seen.includes(one)), []);
  });

  test("each participant, user, key and number once", async () => {
    const { sid: conversation } = await rest.conversations.create({});
    const { participants } = rest.conversations(conversation);
    const made = await inParallel(range(16), () => participants.create({ identity: unique("member") }));
    const members = (await walk(participants.page({ pageSize: 7 }))).map(({ instances }) => instances.length);
    assert.deepEqual(members, [7, 7, 2]);
    const users = (await walk(rest.users.page({ pageSize: 7 }))).flatMap(({ instances }) => instances.map(({ identity }) => identity));
    assert.equal(new Set(users).size, users.length);
    assert.deepEqual(made.filter(({ identity }) => !users.includes(identity)), []);
    const keys = sids(await inParallel(range(9), () => account.newKeys.create({})));
    const listed = sids((await walk(account.keys.page({ pageSize: 4 }))).flatMap(({ instances }) => instances));
    assert.equal(new Set(listed).size, listed.length);
    assert.deepEqual(keys.filter((key) => !listed.includes(key)), []);
  });

  test("B-021 B-024 B-026 sizes and tokens", async () => {
    const get = async (query) => server.request("GET", `/conversations/v1/Conversations${query}`);
    const { json, headers } = await get("");
    assert.deepEqual([json.meta.page, json.meta.page_size, json.meta.key], [0, 50, "conversations"]);
    assert.equal(json.meta.previous_page_url, null);
    assert.ok(json.meta.first_page_url.endsWith("?PageSize=50&Page=0"), json.meta.first_page_url);
    assert.match(headers.get("twilio-request-id"), /^RQ[0-9a-f]{32}$/);
    assert.equal((await get("?PageSize=1000")).json.meta.page_size, 100);
    for (const [query, code] of [["?PageSize=0", 20001], ["?PageSize=1001", 20007], ["?PageToken=PAnonsense", 20001]]) {
      const refused = await get(query);
      assert.deepEqual([refused.status, refused.json.code], [400, code], query);
    }
  });
});

describe("what the helper library cannot send", () => {
  const conversations = "/conversations/v1/Conversations";

  test("B-002 no credentials, wrong credentials", async () => {
    for (const options of [{ auth: false }, { headers: { Authorization: "Basic bm9ib2R5OnNlY3JldA==" } }]) {
      const { status, headers, json } = await server.request("GET", conversations, options);
      assert.equal(status, 401);
      assert.equal(headers.get("www-authenticate"), 'Basic realm="Twilio API"');
      assert.deepEqual(json, {
        code: 20003,
        message: "Authenticate",
        more_info: "https://www.twilio.com/docs/errors/20003",
        status: 401,
      });
    }
  });

  test("B-004 B-005 B-006 unknown paths, SIDs and methods", async () => {
    for (const [method, target, status, code] of [
      ["GET", "/conversations/v1/Nothing", 404, 20404],
      ["GET", "/conversations/v1/Services/CH00000000000000000000000000000000", 404, 20404],
      ["PUT", conversations, 405, 20004],
    ]) {
      const answer = await server.request(method, target);
      assert.deepEqual([answer.status, answer.json?.code, answer.json?.status], [status, code, status], target);
    }
  });

  test("B-007 B-008 B-009 parameters", async () => {
    const services = "/conversations/v1/Services";
    const missing = { status: 400, code: 20001, message: "Missing required parameter FriendlyName in the post body" };
    for (const options of [
      { form: {} },
      { form: { friendlyname: "x" } },
      { body: '{"FriendlyName":"x"}', headers: { "Content-Type": "application/json" } },
    ]) {
      const { json } = await server.request("POST", services, options);
      assert.deepEqual({ status: json.status, code: json.code, message: json.message }, missing);
    }
    const odd = await server.request("POST", conversations, { form: { FriendlyName: "x", Unknown: "y" } });
    assert.equal(odd.status, 201);
  });

  test("B-035 preflight", async () => {
    const { status, headers } = await server.request("OPTIONS", conversations, { auth: false, headers: { Origin: "https://app.test" } });
    assert.equal(status, 204);
    assert.equal(headers.get("access-control-allow-origin"), "*");
    assert.match(headers.get("access-control-allow-methods"), /POST/);
  });

  test("health, readiness and metrics", async () => {
    for (const target of ["/healthz", "/readyz", "/metrics"]) {
      assert.equal((await server.request("GET", target, { auth: false })).status, 200, target);
    }
  });
});

describe("simulated handsets", () => {
  async function conversationWith(handset, number) {
    const { sid: conversation } = await rest.conversations.create({});
    const participant = await rest.conversations(conversation).participants.create({
      "messagingBinding.address": handset,
      "messagingBinding.proxyAddress": number,
    });
    return { conversation: rest.conversations(conversation), participant };
  }
  const settled = (conversation, message, fits) =>
    poll("the delivery receipt", async () => {
      const { delivery } = await conversation.messages(message.sid).fetch();
      return delivery && fits(delivery) && delivery;
    });

  test("receive, and confirm by themselves", async () => {
    const [number, proxy] = [phone(), phone()];
    const { conversation } = await conversationWith(number, proxy);
    const message = await conversation.messages.create({ body: "dinner?" });
    const got = await server.handset(number).received(({ body }) => body === "dinner?");
    assert.match(got.sid, sid("SM"));
    assert.deepEqual([got.direction, got.from, got.to, got.media, got.error_code], ["received", proxy, number, [], null]);
    assert.ok(!Number.isNaN(Date.parse(got.date_created)));
    const delivery = await settled(conversation, message, ({ delivered }) => delivered === "all");
    assert.deepEqual(delivery, { total: 1, sent: "all", delivered: "all", read: "none", failed: "none", undelivered: "none" });
  });

  test("confirm as they are told in manual mode", async () => {
    const [number, proxy] = [phone(), phone()];
    const handset = server.handset(number);
    assert.equal((await handset.mode("manual")).status, 200);
    const { conversation } = await conversationWith(number, proxy);
    const message = await conversation.messages.create({ body: "one" });
    const got = await handset.received(({ body }) => body === "one");
    const reported = await handset.report(got.sid, { Status: "undelivered", ErrorCode: "30003" });
    assert.equal(reported.status, 200, reported.text);
    await settled(conversation, message, ({ undelivered }) => undelivered === "all");
    const [receipt] = await conversation.messages(message.sid).deliveryReceipts.list();
    assert.deepEqual([receipt.status, receipt.errorCode], ["undelivered", 30003]);
    const [shown] = await handset.messages();
    assert.deepEqual([shown.status, shown.error_code], ["undelivered", 30003]);
  });

  test("send into the conversation of their number pair", async () => {
    const [number, proxy] = [phone(), phone()];
    const { conversation, participant } = await conversationWith(number, proxy);
    const sent = await server.handset(number).send({ To: proxy, Body: "on my way" });
    assert.equal(sent.status, 201, sent.text);
    assert.deepEqual([sent.json.direction, sent.json.from, sent.json.to, sent.json.body], ["sent", number, proxy, "on my way"]);
    const [message] = await poll("the message", async () => {
      const messages = await conversation.messages.list();
      return messages.length > 0 && messages;
    });
    assert.deepEqual([message.body, message.author, message.participantSid, message.index], ["on my way", number, participant.sid, 0]);
  });

  test("do not get their own words back, but those of the others", async () => {
    const [number, second, proxy] = [phone(), phone(), phone()];
    const { conversation } = await conversationWith(number, proxy);
    await conversation.participants.create({ "messagingBinding.address": second, "messagingBinding.proxyAddress": proxy });
    await server.handset(number).send({ To: proxy, Body: "to all" });
    const got = await server.handset(second).received(({ body }) => body === "to all");
    assert.equal(got.from, proxy);
    assert.deepEqual((await server.handset(number).messages()).map(({ direction }) => direction), ["sent"]);
  });

  test("are guarded and refuse nonsense", async () => {
    const number = phone();
    const target = `/simulator/v1/Handsets/${encodeURIComponent(number)}`;
    assert.equal((await server.request("GET", `${target}/Messages`, { auth: false })).status, 401);
    assert.equal((await server.request("POST", `${target}/Messages`, { form: { Body: "to nobody" } })).status, 400);
    assert.equal((await server.request("POST", target, { form: { Mode: "sometimes" } })).status, 400);
    assert.equal((await server.request("GET", "/simulator/v1/Handsets/nonsense/Messages")).status, 404);
    assert.equal((await server.handset(number).report(nobody("SM"), { Status: "delivered" })).status, 404);
    assert.deepEqual(await server.handset(number).messages(), []);
  });
});
