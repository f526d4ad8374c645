// Every resource of the official Node.js client, made, fetched, listed, changed and removed by the same steps. A resource
// is an entry of RESOURCES; tests/clients/python/test_resources.py has the same table for Python.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Server, inParallel, phone, range, unique } from "./harness.mjs";

/** As many as a stream has to find, each once. */
const MANY = 500;

const nobody = (prefix) => prefix + "0".repeat(32);
const sids = (items) => items.map(({ sid }) => sid);

let server;
let account;
let rest;
let secondService;

before(async () => {
  server = await Server.start();
  account = server.twilio();
  rest = account.conversations.v1;
  secondService = (await rest.services.create({ friendlyName: "Second" })).sid;
});
after(() => server?.stop());

/**
 * operations  operation ids of the contract, of both forms of the URL
 * list, one   of a place: the collection, and one of it by its SID or another key
 * create      makes one, where that is not what the collection does
 * make        parameters of a creation
 * shows       what it shows then, where that is more than the parameters
 * change      parameters of a change, which shows the same
 * otherKey    property by which it can be fetched, too
 * missing     status and code when there is none
 * refused     creations that are refused: parameters, status, code
 * inServices  whether it has the service form
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
    operations: "CreateNewKey FetchKey ListKey DeleteKey",
    sid: "SK",
    list: () => account.keys,
    one: (place, key) => account.keys(key),
    create: (place, parameters) => account.newKeys.create(parameters),
    make: () => ({ friendlyName: unique("key") }),
    inServices: false,
  },
  {
    operations:
      "CreateIncomingPhoneNumber FetchIncomingPhoneNumber ListIncomingPhoneNumber DeleteIncomingPhoneNumber",
    sid: "PN",
    list: () => account.incomingPhoneNumbers,
    one: (place, key) => account.incomingPhoneNumbers(key),
    make: () => ({ phoneNumber: phone(), friendlyName: "desk" }),
    refused: [[{ phoneNumber: "five" }, 400, 21421]],
    inServices: false,
  },
];

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
async function assertModel(instance, pathname) {
  const { status, json } = await server.request("GET", pathname);
  assert.equal(status, 200);
  const camel = (name) => name.replaceAll(/_([a-z])/g, (_, letter) => letter.toUpperCase());
  const sent = Object.keys(json).map(camel).sort();
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

for (const resource of RESOURCES) {
  const { list, one, make, change, otherKey, missing = [404, 20404], refused = [] } = resource;
  const shows = resource.shows ?? ((made) => made);
  const create = resource.create ?? ((where, parameters) => list(where).create(parameters));
  for (const inService of resource.inServices === false ? [false] : [false, true]) {
    const isOfService = (operation) => /^[A-Z][a-z]+Service[A-Z]/.test(operation);
    const operations = resource.operations.split(" ").filter((operation) => isOfService(operation) === inService);
    describe(operations[0].slice("Create".length), () => {
      test(`B-013 B-014 ${operations.join(" ")}`, async () => {
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
          assert.equal(pathname.includes("/Services/"), inService || resource.sid === "IS", pathname);
          await assertModel(fetched, pathname);
        }
        if (otherKey) {
          assert.equal((await one(where, made[otherKey]).fetch()).sid, made.sid);
        }
        assert.ok(sids(await list(where).list()).includes(made.sid));
        assert.equal((await list(where).list({ limit: 1 })).length, 1);

        if (change) {
          const wanted = { ...shows(parameters), ...change, sid: made.sid };
          const changed = await one(where, made.sid).update(change);
          assertShows(changed, wanted);
          assertShows(await one(where, made.sid).fetch(), wanted);
          assertShows(await one(where, made.sid).update({}), { ...wanted, dateUpdated: changed.dateUpdated });
        }

        assert.equal(await one(where, made.sid).remove(), true);
        await assert.rejects(one(where, made.sid).remove(), refusal(...missing));
        assert.ok(!sids(await list(where).list()).includes(made.sid));
      });

      test("what is not there, and what is refused", async () => {
        const where = await place(inService);
        for (const key of [nobody(resource.sid), nobody("CX")]) {
          await assert.rejects(one(where, key).fetch(), refusal(...missing));
          await assert.rejects(one(where, key).remove(), refusal(...missing));
          if (change) {
            await assert.rejects(one(where, key).update(change), refusal(...missing));
          }
        }
        const before = sids(await list(where).list()).sort();
        for (const [parameters, status, code] of refused) {
          await assert.rejects(create(where, parameters), refusal(status, code), JSON.stringify(parameters));
        }
        assert.deepEqual(sids(await list(where).list()).sort(), before);
      });

      test(`B-022 a stream of ${MANY} has each once, while others are made`, async () => {
        const where = await place(inService);
        const made = sids(await inParallel(range(MANY), () => create(where, make())));
        let ended = false;
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
            list(where).each({ pageSize: 7, callback: each, done: (error) => (error ? reject(error) : resolve()) });
          });
        } finally {
          ended = true;
          await others;
        }
        const found = new Set(seen);
        assert.equal(found.size, seen.length, "nothing twice");
        assert.deepEqual(made.filter((sid) => !found.has(sid)), [], "nothing missed");
        assert.ok(between.length > 0);
        const all = sids(await list(where).list({ pageSize: 100 }));
        const left = (items) => items.filter((sid) => !found.has(sid)).sort();
        assert.deepEqual(left(all), left(between));
      });
    });
  }
}
