// The unmodified twilio-cli, sent here by a proxy (docs/drop-in.md).

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Server, phone, run, unique } from "./harness.mjs";

const PROGRAM = fileURLToPath(new URL("cli/node_modules/twilio-cli/bin/run", import.meta.url));

let server;
let home;

before(async () => {
  server = await Server.start({ tls: true });
  home = await mkdtemp(path.join(os.tmpdir(), "confab-cli-"));
});
after(async () => {
  await server?.stop();
  await rm(home, { recursive: true, force: true });
});

/** Runs a command as the account, with the output as JSON. */
async function cli(...args) {
  const said = await run("node", [PROGRAM, ...args, "-o", "json"], {
    HOME: home,
    TWILIO_ACCOUNT_SID: server.accountSid,
    TWILIO_AUTH_TOKEN: server.authToken,
    HTTP_PROXY: server.url,
    NODE_EXTRA_CA_CERTS: server.authority,
    // It would ask the network for a newer version of itself.
    TWILIO_DISABLE_AUTOUPDATE: "true",
    TWILIO_SKIP_NEW_VERSION_CHECK: "true",
  });
  return JSON.parse(said);
}

test("CreateConversation ListConversation FetchConversation UpdateConversation", async () => {
  const uniqueName = unique("cli");
  const [made] = await cli("api:conversations:v1:conversations:create", "--friendly-name", "From the shell", "--unique-name", uniqueName);
  assert.match(made.sid, /^CH[0-9a-f]{32}$/);
  assert.equal(made.friendlyName, "From the shell");
  const listed = await cli("api:conversations:v1:conversations:list");
  assert.ok(listed.some(({ sid }) => sid === made.sid));
  const [changed] = await cli("api:conversations:v1:conversations:update", "--sid", made.sid, "--friendly-name", "Changed");
  assert.equal(changed.friendlyName, "Changed");
  const [fetched] = await cli("api:conversations:v1:conversations:fetch", "--sid", uniqueName);
  assert.deepEqual([fetched.sid, fetched.friendlyName], [made.sid, "Changed"]);
});

test("CreateConversationMessage, and an error as the original has it", async () => {
  const [conversation] = await cli("api:conversations:v1:conversations:create");
  const messages = "api:conversations:v1:conversations:messages";
  const [message] = await cli(`${messages}:create`, "--conversation-sid", conversation.sid, "--body", "typed in a shell");
  assert.deepEqual([message.body, message.index], ["typed in a shell", 0]);
  const nobody = `CH${"0".repeat(32)}`;
  await assert.rejects(cli("api:conversations:v1:conversations:fetch", "--sid", nobody), /"code": 20404/);
});

const FLOW = `FW${"e".repeat(32)}`;
const HOOK = "https://app.example.com/hook";
const PARTICIPANT = "conversations:participants:create";
const WEBHOOK = "conversations:webhooks:create";
const ADDRESS = "configuration:addresses:create";

// The commands of the documentation's pages, with values of our own: Conversation Participant, Conversation with
// Participants, Conversation Scoped Webhook, Using WhatsApp, Using Studio, Inbound Handling and Autocreation. Of each: its
// name, the command, its flags for a conversation, and what it shows.
const SAMPLES = [
  [
    "an SMS participant",
    PARTICIPANT,
    (sid) => ({ "conversation-sid": sid, "messaging-binding.address": phone(), "messaging-binding.proxy-address": phone() }),
    ({ messagingBinding }) => [messagingBinding.type, "sms"],
  ],
  [
    "a WhatsApp participant",
    PARTICIPANT,
    (sid) => ({
      "conversation-sid": sid,
      "messaging-binding.address": `whatsapp:${phone()}`,
      "messaging-binding.proxy-address": `whatsapp:${phone()}`,
    }),
    ({ messagingBinding }) => [messagingBinding.type, "whatsapp"],
  ],
  ["a chat participant", PARTICIPANT, (sid) => ({ "conversation-sid": sid, identity: "pineapple" }), ({ identity }) => [identity, "pineapple"]],
  [
    "a message with an author, told to webhooks",
    "conversations:messages:create",
    (sid) => ({ "conversation-sid": sid, author: "chatter", body: "hello", "x-twilio-webhook-enabled": "true" }),
    ({ author, body }) => [`${author}: ${body}`, "chatter: hello"],
  ],
  [
    "a webhook for events",
    WEBHOOK,
    (sid) => ({
      "conversation-sid": sid,
      target: "webhook",
      "configuration.url": HOOK,
      "configuration.method": "get",
      "configuration.filters": "onMessageAdded",
    }),
    ({ target, configuration }) => [{ target, ...configuration }, { target: "webhook", url: HOOK, method: "get", filters: ["onMessageAdded"] }],
  ],
  [
    "a webhook for a Studio flow",
    WEBHOOK,
    (sid) => ({ "conversation-sid": sid, target: "studio", "configuration.flow-sid": FLOW }),
    ({ target, configuration }) => [{ target, ...configuration }, { target: "studio", flow_sid: FLOW }],
  ],
  [
    "a conversation with its participants",
    "conversation-with-participants:create",
    () => ({
      "friendly-name": "Trip",
      participant: [
        JSON.stringify({ messaging_binding: { address: phone(), proxy_address: phone() } }),
        JSON.stringify({ identity: "guest" }),
      ],
    }),
    ({ friendlyName, state }) => [`${friendlyName}: ${state}`, "Trip: initializing"],
  ],
  [
    "autocreation and nothing else",
    ADDRESS,
    () => ({ type: "messenger", address: unique("messenger:page"), "auto-creation.enabled": [], "auto-creation.type": "default" }),
    ({ type, autoCreation }) => [`${type}: ${autoCreation.type}`, "messenger: default"],
  ],
  [
    "autocreation with a webhook",
    ADDRESS,
    () => ({
      type: "sms",
      address: phone(),
      "auto-creation.enabled": [],
      "auto-creation.type": "webhook",
      "auto-creation.webhook-url": HOOK,
      "auto-creation.webhook-method": "POST",
      "auto-creation.webhook-filters": ["onConversationAdded", "onMessageAdded"],
    }),
    ({ autoCreation }) => [
      [autoCreation.webhook_url, autoCreation.webhook_method, autoCreation.webhook_filters],
      [HOOK, "POST", ["onConversationAdded", "onMessageAdded"]],
    ],
  ],
  [
    "autocreation with a Studio flow",
    ADDRESS,
    () => ({
      type: "whatsapp",
      address: `whatsapp:${phone()}`,
      "auto-creation.enabled": [],
      "auto-creation.type": "studio",
      "auto-creation.studio-flow-sid": FLOW,
      "auto-creation.studio-retry-count": "3",
    }),
    ({ autoCreation }) => [[autoCreation.enabled, autoCreation.studio_flow_sid, autoCreation.studio_retry_count], [true, FLOW, 3]],
  ],
];

// Each starts a program of some weight: two at a time.
describe("samples of the documentation", { concurrency: 2 }, () => {
  for (const [name, command, flags, shows] of SAMPLES) {
    test(name, async () => {
      const { sid } = await server.twilio().conversations.v1.conversations.create({ friendlyName: "Sample" });
      const args = Object.entries(flags(sid)).flatMap(([flag, value]) => [`--${flag}`, value].flat());
      const [made] = await cli(`api:conversations:v1:${command}`, ...args);
      const [shown, wanted] = shows(made);
      assert.deepEqual(shown, wanted);
    });
  }
});
