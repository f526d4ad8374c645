// Alerts of the debugger and the log of changes, with the official Node.js client.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server, phone } from "./harness.mjs";

let server;
let account;
let alerts;

before(async () => {
  server = await Server.start();
  account = server.twilio();
  alerts = account.monitor.v1.alerts;
});
after(() => server?.stop());

const refusal = (status, code) => (error) => {
  assert.deepEqual([error.status, error.code], [status, code], error.message);
  return true;
};

/** The configuration of an address that ends is told. */
async function alert() {
  const addresses = account.conversations.v1.addressConfigurations;
  const made = await addresses.create({ type: "sms", address: phone() });
  assert.equal(await addresses(made.sid).remove(), true);
  return made;
}

test("ListAlert FetchAlert: what went wrong is listed, and fetched with more", async () => {
  const { sid: resourceSid, address } = await alert();
  const [listed] = await alerts.list({ limit: 1 });
  assert.match(listed.sid, /^NO[0-9a-f]{32}$/);
  const wanted = { resourceSid, errorCode: "50610", logLevel: "warning", accountSid: server.accountSid };
  const fetched = await alerts(listed.sid).fetch();
  for (const [name, value] of Object.entries(wanted)) {
    assert.deepEqual([listed[name], fetched[name]], [value, value], name);
  }
  assert.ok(fetched.alertText.endsWith(address));
  assert.equal(fetched.moreInfo, "https://www.twilio.com/docs/errors/50610");
  assert.ok(fetched.dateCreated instanceof Date && fetched.dateGenerated instanceof Date);
  const { json } = await server.request("GET", new URL(fetched.url).pathname);
  const camel = (name) => name.replaceAll(/_([a-z])/g, (_, letter) => letter.toUpperCase());
  assert.deepEqual(Object.keys(json).map(camel).sort(), Object.keys(fetched.toJSON()).sort());
  await assert.rejects(alerts(`NO${"0".repeat(32)}`).fetch(), refusal(404, 20404));
});

test("ListAlert: newest first by pages, by level and by date", async () => {
  const before = (await alerts.list()).length;
  const made = [];
  for (let i = 0; i < 5; i += 1) {
    made.unshift((await alert()).sid);
  }
  const of = async (filter) => (await alerts.list({ pageSize: 2, ...filter })).map(({ resourceSid }) => resourceSid);
  assert.deepEqual((await of({})).slice(0, 5), made);
  assert.equal((await of({ logLevel: "warning" })).length, before + 5);
  assert.deepEqual(await of({ logLevel: "error" }), []);
  assert.equal((await of({ startDate: new Date(0), endDate: new Date(Date.now() + 60_000) })).length, before + 5);
  assert.deepEqual(await of({ startDate: new Date(Date.now() + 60_000) }), []);
  assert.deepEqual(await of({ endDate: new Date(0) }), []);
  await assert.rejects(alerts.list({ logLevel: "loud" }), refusal(400, 20001));
});

test("ListEvent FetchEvent: what was changed is listed, and by whom", async () => {
  const { events } = account.monitor.v1;
  const made = await account.newKeys.create({ friendlyName: "first" });
  await account.keys(made.sid).update({ friendlyName: "second" });
  assert.equal(await account.keys(made.sid).remove(), true);
  const listed = await events.list({ resourceSid: made.sid, pageSize: 2 });
  assert.deepEqual(
    listed.map(({ eventType }) => eventType),
    ["api-key.deleted", "api-key.updated", "api-key.created"],
  );
  const [, { sid }] = listed;
  assert.match(sid, /^AE[0-9a-f]{32}$/);
  const fetched = await events(sid).fetch();
  const wanted = {
    accountSid: server.accountSid,
    actorSid: server.accountSid,
    actorType: "account",
    description: null,
    eventData: { resource_properties: { friendly_name: { previous: "first", updated: "second" } } },
    resourceSid: made.sid,
    resourceType: "api-key",
    source: "api",
    sourceIpAddress: "127.0.0.1",
  };
  for (const [name, value] of Object.entries(wanted)) {
    assert.deepEqual([listed[1][name], fetched[name]], [value, value], name);
  }
  assert.ok(fetched.eventDate instanceof Date);
  assert.ok(fetched.links.resource.endsWith(`/Keys/${made.sid}.json`), fetched.links.resource);
  const count = async (filter) => (await events.list({ resourceSid: made.sid, ...filter })).length;
  assert.equal(await count({ eventType: "api-key.created" }), 1);
  assert.equal(await count({ actorSid: server.accountSid, sourceIpAddress: "127.0.0.1" }), 3);
  assert.equal(await count({ sourceIpAddress: "192.0.2.1" }), 0);
  assert.equal(await count({ startDate: new Date(0), endDate: new Date(Date.now() + 60_000) }), 3);
  assert.equal(await count({ endDate: new Date(0) }), 0);
  await assert.rejects(events.list({ actorSid: "me" }), refusal(400, 20001));
  await assert.rejects(events(`AE${"0".repeat(32)}`).fetch(), refusal(404, 20404));
});
