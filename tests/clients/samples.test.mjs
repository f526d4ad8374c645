// Every code sample of the original documentation, called with the official Node.js client: the same operation with the
// same parameters in combination, with values of our own, and what the page's sample response promises.
//
// The samples were collected, as facts, from these pages.
// Reference: Conversation, Conversation Message, Conversation Message Receipt, Conversation Participant, Conversation
// Scoped Webhook, Conversation with Participants, Participant Conversation, User, User Conversation, Role, Credential,
// Configuration, Global Webhook, Address Configuration, Service, Service Configuration, Service Notification, Service
// Binding, Per-Service Webhook and the service-scoped ones of them; Media; Content; Chat v2 Service; Chat Channel
// Migration (v3); Notify Service and Notification. The published description's own examples of requests count as samples.
// Guides: Quickstart, Group Texting, Using WhatsApp, Media Support, States and Timers, Roles, Create Access Tokens,
// Conversations Webhooks, Push Notification Configuration, Inbound Handling and Autocreation, Using Studio, Delivery
// Receipts, Reachability, Read Horizon, Rich Content.
//
// A sample is a row of a table in samples/: its name, the call, what the answer shows, and the status. The pages with a
// service form are called in both forms of the URL. tests/clients/python/test_samples.py is the same for Python.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Server, unique } from "./harness.mjs";
import { CONVERSATIONS } from "./samples/conversations.mjs";
import { GUIDES } from "./samples/guides.mjs";
import { MESSAGES } from "./samples/messages.mjs";
import { OTHERS } from "./samples/others.mjs";
import { ACCOUNT, SERVICE } from "./samples/settings.mjs";
import { USERS } from "./samples/users.mjs";

let server;
let account;
let secondService;
/** Status of the answer that came last; the library keeps it to itself. */
let status;

before(async () => {
  server = await Server.start();
  account = server.twilio();
  const { httpClient } = account;
  const request = httpClient.request.bind(httpClient);
  httpClient.request = async (options) => {
    const answer = await request(options);
    status = answer.statusCode;
    return answer;
  };
  secondService = (await account.conversations.v1.services.create({ friendlyName: "Second" })).sid;
});
after(() => server?.stop());

/** Where a sample is called: the short form of the URLs, or that of a service; and what samples take for granted. */
class Place {
  constructor(t, inService) {
    this.t = t;
    this.server = server;
    this.account = account;
    this.rest = account.conversations.v1;
    this.base = inService ? this.rest.services(secondService) : this.rest;
  }

  /** A conversation that was made before. */
  async room(parameters = {}) {
    const { sid, chatServiceSid } = await this.base.conversations.create(parameters);
    return Object.assign(this.base.conversations(sid), { sid, chatServiceSid });
  }

  async user() {
    const { sid, identity } = await this.base.users.create({ identity: unique("user") });
    return Object.assign(this.base.users(sid), { sid, identity });
  }

  /** A service of its own, for what every conversation of one shares. */
  async service() {
    const { sid } = await this.rest.services.create({ friendlyName: unique("service") });
    return Object.assign(this.rest.services(sid), { sid });
  }

  async role(type = "conversation") {
    const permission = [type === "service" ? "joinConversation" : "sendMessage"];
    return (await this.base.roles.create({ friendlyName: unique("role"), type, permission })).sid;
  }

  async pool() {
    return (await account.messaging.v1.services.create({ friendlyName: unique("pool") })).sid;
  }

  /** The webhooks of the account, which nobody is to be called by once the sample is done. */
  accountWebhooks() {
    const webhooks = this.rest.configuration.webhooks();
    this.t.after(() => webhooks.update({ preWebhookUrl: "", postWebhookUrl: "" }));
    return webhooks;
  }

  /** A request that the library has no words for, as the page's curl has it. */
  async curl(...request) {
    const answer = await server.request(...request);
    status = answer.status;
    return answer;
  }
}

/**
 * The answer has all that is wanted of it: expressions match texts, functions say whether they are content, and an object
 * without anything is one without anything.
 */
function assertShows(actual, wanted, path = "answer") {
  if (wanted instanceof RegExp) {
    assert.match(actual, wanted, path);
  } else if (typeof wanted === "function") {
    assert.ok(wanted(actual), `${path}: ${JSON.stringify(actual)}`);
  } else if (Array.isArray(wanted)) {
    assert.equal(actual.length, wanted.length, `${path}: ${JSON.stringify(actual)}`);
    wanted.forEach((one, index) => assertShows(actual[index], one, `${path}[${index}]`));
  } else if (wanted !== null && typeof wanted === "object" && Object.keys(wanted).length > 0) {
    for (const [name, value] of Object.entries(wanted)) {
      assertShows(actual[name], value, `${path}.${name}`);
    }
  } else {
    assert.deepEqual(actual, wanted, path);
  }
}

function samples(pages, inService) {
  for (const [page, cases] of Object.entries(pages)) {
    describe(page, () => {
      for (const [name, call, wanted, expected = 200] of cases) {
        test(name, async (t) => {
          const place = new Place(t, inService);
          const answer = await call(place);
          assert.equal(status, expected);
          assertShows(answer, typeof wanted === "function" ? wanted(place) : wanted);
        });
      }
    });
  }
}

const BOTH = { ...CONVERSATIONS, ...MESSAGES, ...USERS };
describe("by the short form", () => samples(BOTH, false));
describe("in a service", () => samples({ ...BOTH, ...SERVICE }, true));
describe("of the account", () => samples({ ...ACCOUNT, ...OTHERS, ...GUIDES }, false));
