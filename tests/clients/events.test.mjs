// Event Streams with the official Node.js client: what is peculiar to it. Sinks and subscriptions are entries of
// resources.test.mjs, too.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server, unique } from "./harness.mjs";

const ADDED = "com.twilio.conversations.message.added";
const USER = "com.twilio.conversations.user.added";

let server;
let events;

before(async () => {
  server = await Server.start();
  events = server.twilio().events.v1;
});
after(() => server?.stop());

const refusal = (status, code) => (error) => {
  assert.deepEqual([error.status, error.code], [status, code], error.message);
  return true;
};
const newSink = () =>
  events.sinks.create({
    description: unique("sink"),
    sinkType: "webhook",
    sinkConfiguration: { destination: "https://example.com/events", method: "POST", batch_events: true },
  });
const kinesis = () =>
  events.sinks.create({
    description: unique("sink"),
    sinkType: "kinesis",
    sinkConfiguration: { arn: "arn:aws:kinesis:1", role_arn: "arn:aws:iam:2", external_id: "3" },
  });
const sids = (items) => items.map(({ sid }) => sid).sort();

test("ListSink DeleteSink: a sink in use stays", async () => {
  const [used, free, waiting] = [await newSink(), await newSink(), await kinesis()];
  assert.deepEqual([used.status, waiting.status], ["active", "initialized"]);
  const types = [{ type: ADDED, schema_version: 2 }];
  const made = await events.subscriptions.create({ description: "all", sinkSid: used.sid, types });
  assert.deepEqual(sids(await events.sinks.list({ inUse: true })), [used.sid]);
  assert.deepEqual(sids(await events.sinks.list({ inUse: false, status: "active" })), [free.sid]);
  assert.deepEqual(sids(await events.sinks.list({ status: "initialized" })), [waiting.sid]);
  await assert.rejects(events.sinks(used.sid).remove(), refusal(409, 20409));
  assert.deepEqual(sids(await events.subscriptions.list({ sinkSid: used.sid })), [made.sid]);
  assert.deepEqual(await events.subscriptions.list({ sinkSid: free.sid }), []);
  assert.equal(await events.subscriptions(made.sid).remove(), true);
  assert.equal(await events.sinks(used.sid).remove(), true);
  const refused = { description: "x", sinkSid: waiting.sid, types };
  await assert.rejects(events.subscriptions.create(refused), refusal(400, 20001));
});

test("CreateSinkTest CreateSinkValidate", async () => {
  const { sid } = await kinesis();
  assert.equal((await events.sinks(sid).sinkTest.create()).result, "submitted");
  assert.equal((await events.sinks(sid).sinkValidate.create({ testId: "guessed" })).result, "invalid");
  assert.equal((await events.sinks(sid).fetch()).status, "initialized");
});

test(
  "B-821 CreateSubscribedEvent FetchSubscribedEvent ListSubscribedEvent UpdateSubscribedEvent DeleteSubscribedEvent",
  async () => {
    const { sid: sinkSid } = await newSink();
    const types = [{ type: USER }];
    const made = await events.subscriptions.create({ description: "some", sinkSid, types });
    const inIt = events.subscriptions(made.sid).subscribedEvents;
    const shown = async () => (await inIt.list({ pageSize: 1 })).map((one) => [one.type, one.schemaVersion]);
    assert.deepEqual(await shown(), [[USER, 2]]);
    const added = await inIt.create({ type: ADDED, schemaVersion: 1 });
    assert.deepEqual([added.type, added.schemaVersion, added.subscriptionSid], [ADDED, 1, made.sid]);
    assert.deepEqual(await shown(), [[ADDED, 1], [USER, 2]]);
    assert.equal((await inIt(ADDED).update({ schemaVersion: 2 })).schemaVersion, 2);
    assert.equal((await inIt(ADDED).fetch()).schemaVersion, 2);
    await assert.rejects(inIt(ADDED).update({ schemaVersion: 99 }), refusal(400, 20001));
    await assert.rejects(inIt.create({ type: "com.twilio.nothing" }), refusal(400, 20001));
    assert.equal(await inIt(USER).remove(), true);
    await assert.rejects(inIt(USER).remove(), refusal(404, 20404));
    assert.deepEqual(await shown(), [[ADDED, 2]]);
  },
);

test("B-811 B-812 ListEventType FetchEventType FetchSchema ListSchemaVersion FetchSchemaVersion", async () => {
  const types = await events.eventTypes.list({ pageSize: 5 });
  assert.equal(types.length, 12);
  const added = await events.eventTypes(ADDED).fetch();
  assert.deepEqual([added.schemaId, added.status], ["Conversations.MessageAdded", "available"]);
  const [same] = await events.eventTypes.list({ schemaId: added.schemaId });
  assert.equal(same.type, ADDED);
  const schema = await events.schemas(added.schemaId).fetch();
  assert.equal(schema.latestVersion, 2);
  const versions = await events.schemas(added.schemaId).versions.list();
  assert.deepEqual(versions.map(({ schemaVersion }) => schemaVersion), [1, 2]);
  const latest = await events.schemas(added.schemaId).versions(schema.latestVersion).fetch();
  const { status, json } = await server.request("GET", new URL(latest.raw).pathname, { auth: null });
  assert.deepEqual([status, json.title], [200, added.schemaId]);
  await assert.rejects(events.schemas(added.schemaId).versions(3).fetch(), refusal(404, 20404));
  await assert.rejects(events.eventTypes("com.twilio.nothing").fetch(), refusal(404, 20404));
});
