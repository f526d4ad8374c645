// The unmodified twilio-cli, sent here by a proxy (docs/drop-in.md).

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Server, run, unique } from "./harness.mjs";

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
