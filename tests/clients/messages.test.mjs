// Messages of Programmable Messaging with the official Node.js client: the log of what conversations send to phones and
// phones send to the account (B-252, B-302).

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server, phone, poll, range, twilio } from "./harness.mjs";

const DAY = 86_400_000;
const PNG = Buffer.from("89504e470d0a1a0a0000000d49484452", "hex");

let server;
let account;

before(async () => {
  server = await Server.start();
  account = server.twilio();
});
after(() => server?.stop());

const refusal = (status, code) => (error) => {
  assert.deepEqual([error.status, error.code], [status, code], error.message);
  return true;
};
const sids = (items) => items.map(({ sid }) => sid);
const midnight = (date) => new Date(Math.floor(date.getTime() / DAY) * DAY);

/** A conversation with one phone. */
async function withPhone(address = phone(), proxy = phone()) {
  const { sid } = await account.conversations.v1.conversations.create({});
  const conversation = account.conversations.v1.conversations(sid);
  const pair = { "messagingBinding.address": address, "messagingBinding.proxyAddress": proxy };
  await conversation.participants.create(pair);
  return { conversation, address, proxy };
}

/** The log to an address, newest first, once all of it has a status. */
const logged = (to, count, status) =>
  poll(`${count} messages ${status} in the log`, async () => {
    const messages = await account.messages.list({ to });
    return messages.length === count && messages.every((message) => message.status === status) && messages;
  });

test("ListMessage FetchMessage B-252 a message of a conversation, as its receipt has it", async () => {
  const { conversation, address, proxy } = await withPhone();
  const { sid } = await conversation.messages.create({ body: "grüße 😀" });
  const [message] = await logged(address, 1, "delivered");
  const [receipt] = await conversation.messages(sid).deliveryReceipts.list();
  const { messagingServiceSid } = await conversation.fetch();
  const wanted = {
    sid: receipt.channelMessageSid,
    accountSid: server.accountSid,
    from: proxy,
    to: address,
    body: "grüße 😀",
    direction: "outbound-api",
    numSegments: "1",
    numMedia: "0",
    price: null,
    errorCode: null,
    errorMessage: null,
    messagingServiceSid,
    apiVersion: "2010-04-01",
  };
  const shown = (instance) => Object.fromEntries(Object.keys(wanted).map((name) => [name, instance[name]]));
  assert.deepEqual(shown(message), wanted);
  const fetched = await account.messages(message.sid).fetch();
  assert.deepEqual(fetched.toJSON(), message.toJSON());
  assert.ok(fetched.dateSent >= fetched.dateCreated && fetched.dateUpdated >= fetched.dateSent);
  assert.deepEqual(await account.messages(message.sid).media.list(), []);

  // The model has all that the server sent, and the server sent all that the model has.
  const { json } = await server.request("GET", fetched.uri);
  const camel = (name) => name.replaceAll(/_([a-z])/g, (_, letter) => letter.toUpperCase());
  assert.deepEqual(Object.keys(json).map(camel).sort(), Object.keys(fetched.toJSON()).sort());
});

test("ListMessage B-885 B-886 filters, pages and streams", async () => {
  const { conversation, address, proxy } = await withPhone();
  for (const number of range(9)) {
    await conversation.messages.create({ body: `${number}` });
  }
  for (const number of range(4)) {
    assert.equal((await server.handset(address).send({ To: proxy, Body: `in ${number}` })).status, 201);
  }
  const out = await logged(address, 9, "delivered");
  const inbound = await logged(proxy, 4, "received");
  assert.deepEqual(inbound.map(({ body }) => body), ["in 3", "in 2", "in 1", "in 0"]);
  assert.ok(inbound.every(({ direction, from }) => direction === "inbound" && from === address));

  const day = midnight(out[0].dateSent);
  const [before, next] = [new Date(day - 1), new Date(+day + DAY)];
  const wanted = sids(out).sort();
  const found = async (filter) => sids(await account.messages.list({ to: address, ...filter })).sort();
  const ofDay = sids(out.filter(({ dateSent }) => dateSent >= day)).sort();
  assert.deepEqual(await found({ from: proxy }), wanted);
  assert.deepEqual(await found({ from: address }), []);
  assert.deepEqual(await found({ dateSent: day }), ofDay);
  assert.deepEqual(await found({ dateSent: out[0].dateSent }), ofDay);
  assert.deepEqual(await found({ dateSent: next }), []);
  assert.deepEqual(await found({ dateSentAfter: day }), ofDay);
  assert.deepEqual(await found({ dateSentAfter: next }), []);
  assert.deepEqual(await found({ dateSentBefore: next, from: proxy }), wanted);
  assert.deepEqual(await found({ dateSentBefore: new Date(+before - 1000) }), []);
  assert.deepEqual(await found({ dateSentAfter: out.at(-1).dateSent, dateSentBefore: out[0].dateSent }), wanted);
  await assert.rejects(account.messages.list({ dateSent: "soon" }), refusal(400, 20001));

  const seen = [];
  await new Promise((resolve, reject) => {
    const done = (error) => (error ? reject(error) : resolve());
    account.messages.each({ to: address, from: proxy, pageSize: 2, callback: ({ sid }) => seen.push(sid), done });
  });
  assert.deepEqual(seen, sids(out));
  const page = await account.messages.page({ to: address, dateSentBefore: next, pageSize: 4 });
  assert.deepEqual(sids(page.instances).length, 4);
  const second = await page.nextPage();
  assert.deepEqual(sids((await second.previousPage()).instances), sids(page.instances));
  const third = await second.nextPage();
  assert.deepEqual([...sids(page.instances), ...sids(second.instances), ...sids(third.instances)].sort(), wanted);
  assert.equal(await third.nextPage(), undefined);
});

test("DeleteMessage UpdateMessage what is on its way stays, and texts can be redacted", async () => {
  const { conversation, address } = await withPhone();
  await server.handset(address).mode("manual");
  await conversation.messages.create({ body: "secret" });
  const { sid } = await server.handset(address).received(() => true);
  const message = account.messages(sid);
  const queued = await message.fetch();
  assert.deepEqual([queued.status, queued.dateSent], ["queued", null]);
  await assert.rejects(message.remove(), refusal(400, 20009));
  await assert.rejects(message.update({ status: "canceled" }), refusal(400, 30409));
  await assert.rejects(message.update({ body: "other" }), refusal(400, 20001));
  assert.equal((await message.update({ body: "" })).body, "");
  assert.equal((await message.fetch()).body, "");
  await server.handset(address).report(sid, { Status: "undelivered", ErrorCode: "30005" });
  const failed = await message.fetch();
  assert.deepEqual(
    [failed.status, failed.errorCode, failed.errorMessage],
    ["undelivered", 30005, "Unknown destination handset"],
  );
  assert.equal(await message.remove(), true);
  await assert.rejects(message.fetch(), refusal(404, 20404));
  await assert.rejects(message.remove(), refusal(404, 20404));
  await assert.rejects(account.messages(`SM${"0".repeat(32)}`).fetch(), refusal(404, 20404));
  assert.equal((await conversation.messages.list())[0].body, "secret");
});

test("ListMedia FetchMedia DeleteMedia the files of a message", async () => {
  const { conversation, address } = await withPhone();
  const { defaultChatServiceSid } = await account.conversations.v1.configuration().fetch();
  const headers = { "Content-Type": "image/png" };
  const upload = await server.request("POST", `/mcs/v1/Services/${defaultChatServiceSid}/Media`, { body: PNG, headers });
  await conversation.messages.create({ mediaSid: upload.json.sid });
  const [message] = await logged(address, 1, "delivered");
  assert.deepEqual([message.numMedia, message.body, message.sid.slice(0, 2)], ["1", "", "MM"]);
  const { media } = account.messages(message.sid);
  const [file] = await media.list();
  assert.deepEqual([file.sid, file.parentSid, file.contentType], [upload.json.sid, message.sid, "image/png"]);
  const fetched = await media(file.sid).fetch();
  assert.deepEqual(fetched.toJSON(), file.toJSON());
  assert.deepEqual(sids(await media.list({ dateCreated: fetched.dateCreated })), [file.sid]);
  assert.deepEqual(await media.list({ dateCreatedBefore: new Date(0) }), []);
  // As apps do: the URI without its extension leads to the bytes.
  const content = await fetch(new URL(fetched.uri.replace(".json", ""), server.url), {
    headers: { Authorization: `Basic ${Buffer.from(`${server.accountSid}:${server.authToken}`).toString("base64")}` },
  });
  assert.deepEqual(Buffer.from(await content.arrayBuffer()), PNG);
  assert.equal(await fetched.remove(), true);
  await assert.rejects(fetched.fetch(), refusal(404, 20404));
  assert.deepEqual(await media.list(), []);
  assert.equal((await conversation.messages.list())[0].media.length, 1);
});

test("ListMessage a subaccount's log is its own, and its owner's", async () => {
  const made = await account.api.v2010.accounts.create({ friendlyName: "sub" });
  const sub = twilio(made.sid, made.authToken, { httpClient: account.httpClient });
  assert.deepEqual(await sub.messages.list(), []);
  const { sid } = await sub.conversations.v1.conversations.create({});
  const pair = { "messagingBinding.address": phone(), "messagingBinding.proxyAddress": phone() };
  await sub.conversations.v1.conversations(sid).participants.create(pair);
  await sub.conversations.v1.conversations(sid).messages.create({ body: "hi" });
  const [message] = await sub.messages.list();
  assert.deepEqual(sids(await account.api.v2010.accounts(made.sid).messages.list()), [message.sid]);
  assert.ok(!sids(await account.messages.list()).includes(message.sid));
  await assert.rejects(account.messages(message.sid).fetch(), refusal(404, 20404));
  await assert.rejects(sub.api.v2010.accounts(server.accountSid).messages.list(), refusal(404, 20404));
});
