// Alerts of the debugger, with the official Node.js client.

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
