// What an account and a service are set up with, with the official Node.js client.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server, unique } from "./harness.mjs";

let server;
let rest;

before(async () => {
  server = await Server.start();
  rest = server.twilio().conversations.v1;
});
after(() => server?.stop());

const refusal = (status, code) => (error) => {
  assert.deepEqual([error.status, error.code], [status, code], error.message);
  return true;
};
const newService = async () => rest.services((await rest.services.create({ friendlyName: unique("service") })).sid);
const pick = (object, ...names) => Object.fromEntries(names.map((name) => [name, object[name]]));

test("B-059 B-060 FetchConfiguration UpdateConfiguration: timers of conversations made afterwards", async () => {
  const fresh = await rest.configuration().fetch();
  assert.deepEqual([fresh.defaultInactiveTimer, fresh.defaultClosedTimer], [null, null]);
  const earlier = await rest.conversations.create({});
  const changed = await rest.configuration().update({ defaultInactiveTimer: "PT1H", defaultClosedTimer: "P1D" });
  assert.deepEqual([changed.defaultInactiveTimer, changed.defaultClosedTimer], ["PT1H", "P1D"]);
  const { timers } = await rest.conversations.create({});
  assert.deepEqual(Object.keys(timers).sort(), ["date_closed", "date_inactive"]);
  assert.deepEqual((await rest.conversations(earlier.sid).fetch()).timers, {});
  await assert.rejects(rest.configuration().update({ defaultInactiveTimer: "PT59S" }), refusal(400, 50375));
  await rest.configuration().update({ defaultInactiveTimer: "PT0S", defaultClosedTimer: "PT0S" });
  assert.deepEqual((await rest.conversations.create({})).timers, {});
});

test("B-062 B-067 B-068 FetchConfigurationWebhook UpdateConfigurationWebhook", async () => {
  const webhooks = rest.configuration.webhooks();
  const names = ["method", "filters", "preWebhookUrl", "postWebhookUrl", "target"];
  assert.deepEqual(pick(await webhooks.fetch(), ...names), {
    method: "POST",
    filters: [],
    preWebhookUrl: null,
    postWebhookUrl: null,
    target: "webhook",
  });
  const postWebhookUrl = "https://example.com/after";
  const change = { postWebhookUrl, filters: ["onMessageAdded", "onConversationAdded"], method: "GET" };
  await webhooks.update(change);
  const changed = await webhooks.fetch();
  assert.deepEqual([changed.postWebhookUrl, changed.method], [postWebhookUrl, "GET"]);
  assert.deepEqual([...changed.filters].sort(), [...change.filters].sort());
  await assert.rejects(webhooks.update({ filters: ["onNothing"] }), refusal(400, 50365));
  await assert.rejects(webhooks.update({ postWebhookUrl: "mailto:somebody@example.com" }), refusal(400, 50054));
});

test("B-054 B-056 B-057 FetchServiceConfiguration UpdateServiceConfiguration: roles by default", async () => {
  const service = await newService();
  const fresh = await service.configuration().fetch();
  assert.equal(fresh.reachabilityEnabled, false);
  const roles = new Map((await service.roles.list()).map(({ sid, friendlyName }) => [sid, friendlyName]));
  assert.equal(roles.size, 4);
  assert.equal(roles.get(fresh.defaultConversationRoleSid), "channel user");
  const role = await service.roles.create({ friendlyName: "mute", type: "conversation", permission: ["leaveConversation"] });
  const changed = await service.configuration().update({ defaultConversationRoleSid: role.sid, reachabilityEnabled: true });
  assert.deepEqual([changed.defaultConversationRoleSid, changed.reachabilityEnabled], [role.sid, true]);
  const { sid } = await service.conversations.create({});
  assert.equal((await service.conversations(sid).participants.create({ identity: "alice" })).roleSid, role.sid);
  for (const [wrong, code] of [
    [{ defaultConversationRoleSid: fresh.defaultChatServiceRoleSid }, 50109],
    [{ defaultChatServiceRoleSid: fresh.defaultConversationRoleSid }, 50102],
    [{ defaultConversationCreatorRoleSid: fresh.defaultChatServiceRoleSid }, 50106],
  ]) {
    await assert.rejects(service.configuration().update(wrong), refusal(400, code));
  }
  await assert.rejects(service.roles(role.sid).remove(), refusal(409, 20409));
});

test("B-069 FetchServiceNotification UpdateServiceNotification", async () => {
  const notifications = (await newService()).configuration.notifications();
  const fresh = await notifications.fetch();
  assert.equal(fresh.logEnabled, false);
  for (const kind of [fresh.newMessage, fresh.addedToConversation, fresh.removedFromConversation]) {
    assert.equal(kind.enabled, false);
  }
  const change = { "newMessage.enabled": true, "newMessage.template": "${USER}: ${MESSAGE}", "newMessage.sound": "ping" };
  await notifications.update(change);
  const { newMessage } = await notifications.fetch();
  assert.deepEqual(pick(newMessage, "enabled", "template", "sound"), { enabled: true, template: "${USER}: ${MESSAGE}", sound: "ping" });
});

test("B-066 FetchServiceWebhookConfiguration UpdateServiceWebhookConfiguration", async () => {
  const webhooks = (await newService()).configuration.webhooks();
  const names = ["preWebhookUrl", "postWebhookUrl", "filters", "method"];
  assert.deepEqual(Object.values(pick(await webhooks.fetch(), ...names)), [null, null, null, null]);
  const change = { preWebhookUrl: "https://example.com/before", filters: ["onMessageAdd"], method: "POST" };
  await webhooks.update(change);
  assert.deepEqual(pick(await webhooks.fetch(), ...names), { ...change, postWebhookUrl: null });
});
