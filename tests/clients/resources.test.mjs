// Every resource of the official Node.js client, made, fetched, listed, changed and removed by the same steps. A resource
// is an entry of RESOURCES; tests/clients/python/test_resources.py has the same table for Python.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Server, inParallel, phone, range, unique } from "./harness.mjs";

const nobody = (prefix) => prefix + "0".repeat(32);
const sids = (items) => items.map(({ sid }) => sid);

let server;
let account;
let rest;
let secondService;
let pool;
let hook;

before(async () => {
  server = await Server.start();
  account = server.twilio();
  rest = account.conversations.v1;
  secondService = (await rest.services.create({ friendlyName: "Second" })).sid;
  pool = (await account.messaging.v1.services.create({ friendlyName: "Pool" })).sid;
  hook = (await account.events.v1.sinks.create(newSink())).sid;
});
after(() => server?.stop());

const newSink = () => ({
  description: unique("sink"),
  sinkType: "webhook",
  sinkConfiguration: { destination: "https://example.com/events", method: "POST", batch_events: true },
});

/** Where the resources of a test are made: by the short form of the URLs or the service form, in a conversation. */
async function place(inService) {
  const base = inService ? rest.services(secondService) : rest;
  const { sid } = await base.conversations.create({});
  return { base, conversation: base.conversations(sid) };
}

/** The library maps the server's refusal into its own error. */
const refusal = (status, code) => (error) => {
  assert.equal(error.constructor.name, "RestException");
  assert.deepEqual([error.status, error.code], [status, code], error.message);
  assert.equal(error.moreInfo, `https://www.twilio.com/docs/errors/${code}`);
  assert.ok(error.message);
  return true;
};

const assertShows = (instance, wanted) =>
  assert.deepEqual(Object.fromEntries(Object.keys(wanted).map((name) => [name, instance[name]])), wanted);

/** The library's model has all that the server sent, and the server sent all that the model has. */
async function assertModel(instance, pathname, unknown) {
  const { status, json } = await server.request("GET", pathname);
  assert.equal(status, 200);
  const camel = (name) => name.replaceAll(/_([a-z])/g, (_, letter) => letter.toUpperCase());
  const sent = Object.keys(json).filter((name) => !unknown.includes(name)).map(camel).sort();
  assert.deepEqual(sent, Object.keys(instance.toJSON()).sort());
  for (const [name, value] of Object.entries(json)) {
    const shown = instance[camel(name)];
    if (name.startsWith("date_") && value !== null) {
      assert.ok(shown instanceof Date && !Number.isNaN(shown.getTime()), name);
    } else if (value === null || typeof value === "object") {
      assert.deepEqual(shown, value, name);
    }
  }
}

function steps(resource, inService) {
  const { list, one, make, change, otherKey, missing = [404, 20404], malformed = [404, 20404] } = resource;
  const { refused = [], unknown = [], emptyUpdate = true, many = 500 } = resource;
  const { shows = (made) => made, changed: shown = change } = resource;
  const { create = (where, parameters) => list(where).create(parameters) } = resource;
  const { update = (item, parameters) => item.update(parameters) } = resource;

  test("what is not there, and what is refused", async () => {
    const where = await place(inService);
    const nothing = one(where, nobody(resource.sid));
    await assert.rejects(nothing.fetch(), refusal(...missing));
    await assert.rejects(nothing.remove(), refusal(...missing));
    if (change) {
      await assert.rejects(update(nothing, change), refusal(...missing));
    }
    // B-005
    await assert.rejects(one(where, nobody("CX")).fetch(), refusal(...(otherKey ? missing : malformed)));
    const before = sids(await list(where).list()).sort();
    for (const [parameters, status, code] of refused) {
      await assert.rejects(create(where, parameters), refusal(status, code), JSON.stringify(parameters));
    }
    assert.deepEqual(sids(await list(where).list()).sort(), before);
  });

  test("B-022 a stream has each once, while others are made", async () => {
    const where = await place(inService);
    const before = sids(await list(where).list());
    const made = sids(await inParallel(range(many || 3), () => create(where, make())));
    let ended = many === 0;
    const between = [];
    const others = (async () => {
      while (!ended) {
        between.push((await create(where, make())).sid);
      }
    })();
    const seen = [];
    try {
      await new Promise((resolve, reject) => {
        const each = ({ sid }) => seen.push(sid);
        const done = (error) => (error ? reject(error) : resolve());
        list(where).each({ pageSize: many ? 7 : 2, callback: each, done });
      });
    } finally {
      ended = true;
      await others;
    }
    const found = new Set(seen);
    assert.equal(found.size, seen.length, "nothing twice");
    assert.deepEqual([...before, ...made].filter((sid) => !found.has(sid)), [], "nothing missed");
    assert.equal(between.length > 0, many > 0);
    const all = sids(await list(where).list({ pageSize: 100 }));
    const left = (items) => items.filter((sid) => !found.has(sid)).sort();
    assert.deepEqual(left(all), left(between));
  });

  // The last one: what stands below, to the end of the file, is what it goes through.
  test("B-012 B-013 B-014 made, fetched, listed, changed and removed", async () => {
    const where = await place(inService);
    const parameters = make();
    const made = await create(where, parameters);
    assert.match(made.sid, new RegExp(`^${resource.sid}[0-9a-f]{32}$`));
    assertShows(made, shows(parameters));
    assert.deepEqual(made.dateUpdated, made.dateCreated);

    const fetched = await one(where, made.sid).fetch();
    assertShows(fetched, { sid: made.sid, ...shows(parameters) });
    if (fetched.url) {
      const { pathname } = new URL(fetched.url);
      await assertModel(fetched, pathname, unknown);
      assert.equal(resource.inServices === false || pathname.includes("/Services/") === inService, true, pathname);
    }
    if (otherKey) {
      assert.equal((await one(where, made[otherKey]).fetch()).sid, made.sid);
    }
    assert.ok(sids(await list(where).list()).includes(made.sid));
    assert.equal((await list(where).list({ limit: 1 })).length, 1);

    if (change) {
      const wanted = { ...shows(parameters), ...shown, sid: made.sid };
      const changed = await update(one(where, made.sid), change);
      assertShows(changed, wanted);
      assertShows(await one(where, made.sid).fetch(), wanted);
      if (emptyUpdate) {
        assertShows(await one(where, made.sid).update({}), { ...wanted, dateUpdated: changed.dateUpdated });
      }
    }

    assert.equal(await one(where, made.sid).remove(), true);
    await assert.rejects(one(where, made.sid).remove(), refusal(...missing));
    assert.ok(!sids(await list(where).list()).includes(made.sid));
  });
}

/**
 * operations  operation ids of the contract, of both forms of the URL
 * list, one   of a place: the collection, and one of it by its SID or another key
 * create      makes one, where that is not what the collection does
 * make        parameters of a creation
 * shows       what it shows then, where that is more than the parameters
 * change      parameters of a change
 * changed     what it shows then, where that is something else
 * update      changes one, where that is not what it does itself
 * emptyUpdate false where an update needs a parameter
 * otherKey    property by which it can be fetched, too
 * missing     status and code when there is none
 * malformed   the same for a key of another kind (B-005), unless it has keys of any kind
 * refused     creations that are refused: parameters, status, code
 * unknown     what the server sends and this library does not know
 * inServices  whether it has the service form
 * many        as many as a stream has to find, each once; 0 where the original does not allow a few hundred
 */
const RESOURCES = [
  {
    operations: "CreateService FetchService ListService DeleteService",
    sid: "IS",
    list: (place) => place.base.services,
    one: (place, key) => place.base.services(key),
    make: () => ({ friendlyName: unique("service") }),
    refused: [[{ friendlyName: "x".repeat(257) }, 400, 50003]],
    inServices: false,
  },
  {
    operations:
      "CreateConversation FetchConversation ListConversation UpdateConversation DeleteConversation " +
      "CreateServiceConversation FetchServiceConversation ListServiceConversation UpdateServiceConversation " +
      "DeleteServiceConversation",
    sid: "CH",
    list: (place) => place.base.conversations,
    one: (place, key) => place.base.conversations(key),
    make: () => ({ friendlyName: "Räum & Zeit", uniqueName: unique("room"), attributes: '{"a": [1, "ü"]}' }),
    shows: (made) => ({ ...made, state: "active", timers: {} }),
    change: { friendlyName: "Changed", attributes: "[]", state: "inactive" },
    otherKey: "uniqueName",
    refused: [
      [{ friendlyName: "x".repeat(257) }, 400, 50003],
      [{ attributes: "{" }, 400, 50304],
      [{ uniqueName: nobody("CH") }, 400, 50390],
      [{ state: "closed" }, 400, 50384],
    ],
  },
  {
    operations:
      "CreateConversationMessage FetchConversationMessage ListConversationMessage UpdateConversationMessage " +
      "DeleteConversationMessage CreateServiceConversationMessage FetchServiceConversationMessage " +
      "ListServiceConversationMessage UpdateServiceConversationMessage DeleteServiceConversationMessage",
    sid: "IM",
    list: (place) => place.conversation.messages,
    one: (place, key) => place.conversation.messages(key),
    make: () => ({ author: "Zoë", body: "grüße 😀\nsecond line", attributes: '"text"' }),
    shows: (made) => ({ ...made, index: 0, media: null, delivery: null, participantSid: null }),
    change: { body: "changed", author: "somebody else" },
    missing: [404, 50500],
    refused: [
      [{}, 400, 50503],
      [{ body: "x", attributes: "{" }, 400, 50304],
    ],
  },
  {
    operations:
      "CreateConversationParticipant FetchConversationParticipant ListConversationParticipant " +
      "UpdateConversationParticipant DeleteConversationParticipant CreateServiceConversationParticipant " +
      "FetchServiceConversationParticipant ListServiceConversationParticipant " +
      "UpdateServiceConversationParticipant DeleteServiceConversationParticipant",
    sid: "MB",
    list: (place) => place.conversation.participants,
    one: (place, key) => place.conversation.participants(key),
    make: () => ({ identity: unique("alice"), attributes: '{"seat":1}' }),
    shows: (made) => ({ ...made, messagingBinding: null, lastReadMessageIndex: null }),
    change: { attributes: '{"seat":2}', lastReadMessageIndex: 3 },
    otherKey: "identity",
    missing: [404, 50432],
    refused: [
      [{}, 400, 20001],
      [{ identity: "x".repeat(257) }, 400, 50207],
    ],
  },
  {
    operations:
      "CreateUser FetchUser ListUser UpdateUser DeleteUser CreateServiceUser FetchServiceUser ListServiceUser " +
      "UpdateServiceUser DeleteServiceUser",
    sid: "US",
    list: (place) => place.base.users,
    one: (place, key) => place.base.users(key),
    make: () => ({ identity: unique("ünal"), friendlyName: "Ünal", attributes: '{"team":1}' }),
    change: { friendlyName: "Renamed", attributes: "{}" },
    otherKey: "identity",
    refused: [
      [{ identity: "x".repeat(257) }, 400, 50207],
      [{ identity: nobody("US") }, 400, 50206],
    ],
  },
  {
    operations: "CreateNewKey FetchKey ListKey UpdateKey DeleteKey",
    sid: "SK",
    list: () => account.keys,
    one: (place, key) => account.keys(key),
    create: (place, parameters) => account.newKeys.create(parameters),
    make: () => ({ friendlyName: unique("key") }),
    change: { friendlyName: "Changed" },
    inServices: false,
  },
  {
    operations:
      "CreateIncomingPhoneNumber FetchIncomingPhoneNumber ListIncomingPhoneNumber UpdateIncomingPhoneNumber " +
      "DeleteIncomingPhoneNumber",
    sid: "PN",
    list: () => account.incomingPhoneNumbers,
    one: (place, key) => account.incomingPhoneNumbers(key),
    make: () => ({ phoneNumber: phone(), friendlyName: "desk" }),
    change: { friendlyName: "Changed" },
    refused: [[{ phoneNumber: "five" }, 400, 21421]],
    inServices: false,
  },
  {
    operations:
      "CreateRole FetchRole ListRole UpdateRole DeleteRole CreateServiceRole FetchServiceRole ListServiceRole " +
      "UpdateServiceRole DeleteServiceRole",
    sid: "RL",
    list: (place) => place.base.roles,
    one: (place, key) => place.base.roles(key),
    make: () => ({ friendlyName: unique("role"), type: "conversation", permission: ["sendMessage", "leaveConversation"] }),
    shows: ({ friendlyName, type, permission }) => ({ friendlyName, type, permissions: permission }),
    change: { permission: ["sendMediaMessage"] },
    changed: { permissions: ["sendMediaMessage"] },
    emptyUpdate: false,
    refused: [
      [{ friendlyName: "x", type: "conversation", permission: ["fly"] }, 400, 50104],
      [{ friendlyName: "x", type: "conversation", permission: ["createConversation"] }, 400, 50104],
      [{ friendlyName: "x", type: "deployment", permission: ["sendMessage"] }, 400, 50105],
    ],
  },
  {
    operations:
      "CreateConversationScopedWebhook FetchConversationScopedWebhook ListConversationScopedWebhook " +
      "UpdateConversationScopedWebhook DeleteConversationScopedWebhook CreateServiceConversationScopedWebhook " +
      "FetchServiceConversationScopedWebhook ListServiceConversationScopedWebhook " +
      "UpdateServiceConversationScopedWebhook DeleteServiceConversationScopedWebhook",
    sid: "WH",
    list: (place) => place.conversation.webhooks,
    one: (place, key) => place.conversation.webhooks(key),
    make: () => ({
      target: "webhook",
      "configuration.url": "https://example.com/hook",
      "configuration.filters": ["onMessageAdded"],
    }),
    shows: () => ({
      target: "webhook",
      configuration: { url: "https://example.com/hook", method: "post", filters: ["onMessageAdded"] },
    }),
    change: { "configuration.method": "GET", "configuration.filters": ["onMessageUpdated"] },
    changed: { configuration: { url: "https://example.com/hook", method: "get", filters: ["onMessageUpdated"] } },
    missing: [404, 50360],
    refused: [
      [{ target: "nowhere" }, 400, 50364],
      [{ target: "webhook", "configuration.filters": ["onMessageAdded"] }, 400, 50369],
      [{ target: "trigger", "configuration.url": "https://example.com/hook" }, 400, 50371],
    ],
    // B-025: five in one conversation.
    many: 0,
  },
  {
    operations:
      "CreateConfigurationAddress FetchConfigurationAddress ListConfigurationAddress UpdateConfigurationAddress " +
      "DeleteConfigurationAddress",
    sid: "IG",
    list: () => rest.addressConfigurations,
    one: (place, key) => rest.addressConfigurations(key),
    make: () => ({ type: "sms", address: phone(), friendlyName: "desk" }),
    change: { friendlyName: "Changed", "autoCreation.enabled": false },
    changed: { friendlyName: "Changed" },
    otherKey: "address",
    refused: [[{ type: "pigeon", address: "+15550000000" }, 400, 20001]],
    inServices: false,
  },
  {
    operations: "CreateCredential FetchCredential ListCredential UpdateCredential DeleteCredential",
    sid: "CR",
    list: () => rest.credentials,
    one: (place, key) => rest.credentials(key),
    make: () => ({ type: "gcm", friendlyName: unique("push"), apiKey: "a key of the older kind" }),
    // B-070: the secret does not come back.
    shows: ({ type, friendlyName }) => ({ type, friendlyName, sandbox: null }),
    change: { friendlyName: "Changed" },
    refused: [
      [{ type: "pigeon" }, 400, 20001],
      [{ type: "gcm", apiKey: "x", friendlyName: "x".repeat(65) }, 400, 20002],
    ],
    inServices: false,
  },
  {
    operations: "CreateContent FetchContent ListContent UpdateContent DeleteContent",
    sid: "HX",
    list: () => account.content.v1.contents,
    one: (place, key) => account.content.v1.contents(key),
    // The library sends this object as it is; the name that its types give the first property is not known to the
    // original, either.
    make: () => ({
      friendly_name: unique("template"),
      language: "en",
      variables: { 1: "somebody" },
      types: { "twilio/text": { body: "Hello {{1}}" } },
    }),
    shows: ({ friendly_name: friendlyName, ...made }) => ({ ...made, friendlyName }),
    change: { friendly_name: "Changed", types: { "twilio/text": { body: "Bye {{1}}" } } },
    changed: { friendlyName: "Changed", types: { "twilio/text": { body: "Bye {{1}}" } } },
    emptyUpdate: false,
    inServices: false,
  },
  {
    operations: "CreateService FetchService ListService UpdateService DeleteService",
    sid: "IS",
    list: () => account.notify.v1.services,
    one: (place, key) => account.notify.v1.services(key),
    make: () => ({ friendlyName: unique("notify"), logEnabled: false }),
    shows: (made) => ({ ...made, defaultFcmNotificationProtocolVersion: "3" }),
    change: { friendlyName: "Changed", deliveryCallbackEnabled: true },
    refused: [
      [{ friendlyName: "x".repeat(65) }, 400, 20002],
      [{ apnCredentialSid: nobody("CR") }, 400, 52002],
    ],
    unknown: ["type"],
    inServices: false,
    // Ten in an account.
    many: 0,
  },
  {
    operations: "CreateNewSigningKey FetchSigningKey ListSigningKey UpdateSigningKey DeleteSigningKey",
    sid: "SK",
    list: () => account.signingKeys,
    one: (place, key) => account.signingKeys(key),
    create: (place, parameters) => account.newSigningKeys.create(parameters),
    make: () => ({ friendlyName: unique("key") }),
    change: { friendlyName: "Changed" },
    inServices: false,
  },
  {
    operations: "CreateService FetchService ListService UpdateService DeleteService",
    sid: "MG",
    list: () => account.messaging.v1.services,
    one: (place, key) => account.messaging.v1.services(key),
    make: () => ({ friendlyName: unique("pool"), statusCallback: "https://example.com/status" }),
    shows: (made) => ({ ...made, stickySender: true, validityPeriod: 36000, usecase: "undeclared" }),
    change: { friendlyName: "Changed", stickySender: false, validityPeriod: 1 },
    inServices: false,
  },
  {
    operations: "CreatePhoneNumber FetchPhoneNumber ListPhoneNumber DeletePhoneNumber",
    sid: "PN",
    list: (place) => account.messaging.v1.services(pool).phoneNumbers,
    one: (place, key) => account.messaging.v1.services(pool).phoneNumbers(key),
    create: async (place, parameters) => {
      const { sid: phoneNumberSid } = await account.incomingPhoneNumbers.create(parameters);
      return account.messaging.v1.services(pool).phoneNumbers.create({ phoneNumberSid });
    },
    make: () => ({ phoneNumber: phone() }),
    inServices: false,
    many: 50,
  },
  {
    operations: "CreateService FetchService ListService UpdateService DeleteService",
    sid: "IS",
    list: () => account.chat.v2.services,
    one: (place, key) => account.chat.v2.services(key),
    make: () => ({ friendlyName: unique("chat") }),
    shows: (made) => ({ ...made, typingIndicatorTimeout: 5, reachabilityEnabled: false }),
    change: { friendlyName: "Changed", reachabilityEnabled: true, typingIndicatorTimeout: 9 },
    inServices: false,
  },
  {
    operations: "CreateChannel FetchChannel ListChannel UpdateChannel DeleteChannel",
    sid: "CH",
    list: () => account.chat.v2.services(secondService).channels,
    one: (place, key) => account.chat.v2.services(secondService).channels(key),
    make: () => ({ friendlyName: "Räum & Zeit", uniqueName: unique("room"), attributes: '{"a":1}' }),
    shows: (made) => ({ ...made, type: "public", createdBy: "system", membersCount: 0 }),
    change: { friendlyName: "Changed", attributes: "[]" },
    otherKey: "uniqueName",
    refused: [
      [{ type: "secret" }, 400, 20001],
      [{ attributes: "{" }, 400, 50304],
    ],
    inServices: false,
  },
  {
    operations: "CreateSink FetchSink ListSink UpdateSink DeleteSink",
    sid: "DG",
    list: () => account.events.v1.sinks,
    one: (place, key) => account.events.v1.sinks(key),
    make: newSink,
    shows: (made) => ({ ...made, status: "active" }),
    change: { description: "Changed" },
    emptyUpdate: false,
    refused: [
      [{ ...newSink(), sinkType: "pigeon" }, 400, 20001],
      [{ ...newSink(), sinkConfiguration: { destination: "nowhere" } }, 400, 20001],
      [{ ...newSink(), description: "x".repeat(257) }, 400, 20001],
    ],
    inServices: false,
    // A thousand in an account.
    many: 50,
  },
  {
    operations: "CreateSubscription FetchSubscription ListSubscription UpdateSubscription DeleteSubscription",
    sid: "DF",
    list: () => account.events.v1.subscriptions,
    one: (place, key) => account.events.v1.subscriptions(key),
    make: () => ({
      description: unique("subscription"),
      sinkSid: hook,
      types: [{ type: "com.twilio.conversations.message.added", schema_version: 2 }],
    }),
    shows: ({ description, sinkSid }) => ({ description, sinkSid }),
    change: { description: "Changed" },
    refused: [
      [{ description: "x", sinkSid: nobody("DG"), types: [{ type: "com.twilio.conversations.message.added" }] }, 400, 20001],
    ],
    inServices: false,
    // A thousand in an account.
    many: 50,
  },
];

for (const resource of RESOURCES) {
  for (const inService of resource.inServices === false ? [false] : [false, true]) {
    // The ids of one form of the URLs: those of services have `Service` behind their verb.
    const isOfService = (operation) => /^(Create|Fetch|List|Update|Delete)Service/.test(operation);
    const isOfForm = (operation) => resource.inServices === false || isOfService(operation) === inService;
    describe(resource.operations.split(" ").filter(isOfForm).join(" "), () => steps(resource, inService));
  }
}
