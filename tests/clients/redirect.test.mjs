// Official clients with unchanged code find the server: the four ways of docs/drop-in.md. Each client is a program of
// its own whose environment is all that the test chooses.

import assert from "node:assert/strict";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { SDKS, Server, run, twilio, unique } from "./harness.mjs";

const file = (name) => fileURLToPath(new URL(`redirect/${name}`, import.meta.url));

let server;
let account;

before(async () => {
  server = await Server.start({ tls: true });
  account = { TWILIO_ACCOUNT_SID: server.accountSid, TWILIO_AUTH_TOKEN: server.authToken };
});
after(() => server?.stop());

const trust = () => ({ NODE_EXTRA_CA_CERTS: server.authority });
const dns = () => ({ NODE_OPTIONS: `--require=${file("dns.cjs")}`, TEST_TLS_ADDRESS: `127.0.0.1:${server.tlsPort}` });

/** What the user's program says, when it came to this host: CreateConversation, ListConversation, FetchAccount. */
async function comesTo(host, env) {
  const name = unique("redirected");
  const said = JSON.parse(await run("node", [file("rest.mjs"), name], { ...account, ...env }));
  assert.ok(said.url.startsWith(`https://${host}/v1/Conversations/CH`), said.url);
  assert.ok(said.found && said.pages >= 1, JSON.stringify(said));
  assert.equal(said.account, server.accountSid);
  // It is this server that has it.
  const made = await server.twilio().conversations.v1.conversations(path.basename(said.url)).fetch();
  assert.equal(made.friendlyName, name);
}

const HOST = "conversations.twilio.com";

describe("(a) a proxy", () => {
  test("twilio-node with HTTP_PROXY: CreateConversation ListConversation FetchAccount", async () => {
    await comesTo(HOST, { ...trust(), HTTP_PROXY: server.url });
    // Now there are two conversations, so that the URL of a next page is followed, too.
    await comesTo(HOST, { ...trust(), HTTP_PROXY: server.url });
  });

  test("twilio-node with HTTP_PROXY and a region", () =>
    comesTo("conversations.dublin.ie1.twilio.com", {
      ...trust(),
      HTTP_PROXY: server.url,
      TWILIO_EDGE: "dublin",
      TWILIO_REGION: "ie1",
    }));

  test("a client that does not trust the authority sends nothing", async () => {
    await assert.rejects(run("node", [file("rest.mjs"), "x"], { ...account, HTTP_PROXY: server.url }), /unable to verify/);
  });
});

describe("(b) DNS and a certificate", { concurrency: 3 }, () => {
  test("twilio-node with NODE_EXTRA_CA_CERTS", () => comesTo(HOST, { ...trust(), ...dns() }));

  test("twilio-node with TWILIO_CA_BUNDLE", () => comesTo(HOST, { TWILIO_CA_BUNDLE: server.authority, ...dns() }));

  for (const sdk of SDKS) {
    for (const region of [undefined, "ie1"]) {
      test(`${sdk.version} R49: the chat SDK without an option for the server, region ${region ?? "by default"}`, async () => {
        const { mint } = await server.tokenService();
        const identity = unique("alice");
        const args = [file("chat.mjs"), `conversations-${sdk.version}`, mint(identity), ...(region ? [region] : [])];
        const said = JSON.parse(await run("node", args, { ...trust(), ...dns() }));
        assert.deepEqual(said.states, ["connecting", "connected"]);
        assert.deepEqual([said.identity, said.friendlyName], [identity, identity]);
        assert.deepEqual([said.author, said.body], [identity, "hello"]);
        assert.deepEqual([said.host, said.content], [`media.${region ?? "us1"}.twilio.com`, "file content"]);
        const messages = await server.twilio().conversations.v1.conversations(said.sid).messages.list();
        assert.deepEqual(messages.map(({ body }) => body), ["hello"]);
      });
    }
  }
});

describe("(c) regional hosts", { concurrency: 3 }, () => {
  for (const [edge, region, host] of [
    ["dublin", "ie1", "conversations.dublin.ie1.twilio.com"],
    ["sydney", "au1", "conversations.sydney.au1.twilio.com"],
    ["ashburn-ix", undefined, "conversations.ashburn-ix.us1.twilio.com"],
    [undefined, "ie1", "conversations.ie1.twilio.com"],
  ]) {
    test(`twilio-node with TWILIO_EDGE ${edge ?? "unset"} and TWILIO_REGION ${region ?? "unset"}`, () =>
      comesTo(host, {
        ...trust(),
        ...dns(),
        ...(edge && { TWILIO_EDGE: edge }),
        ...(region && { TWILIO_REGION: region }),
      }));
  }
});

describe("(d) a request client", () => {
  test("twilio-node, in the clear and by the plain address", async () => {
    // The ten lines of docs/drop-in.md.
    class ToConfab extends twilio.RequestClient {
      request(options) {
        const uri = options.uri.replace(/^https:\/\/([\w-]+)(?:\.[\w-]+){0,2}\.twilio\.com/, `${server.url}/$1`);
        return super.request({ ...options, uri });
      }
    }
    const client = twilio(server.accountSid, server.authToken, { httpClient: new ToConfab() });
    const made = await client.conversations.v1.conversations.create({ friendlyName: "own client" });
    assert.equal(made.url, `${server.url}/conversations/v1/Conversations/${made.sid}`);
    const listed = await client.conversations.v1.conversations.list({ pageSize: 1 });
    assert.ok(listed.some(({ sid }) => sid === made.sid));
    assert.equal((await client.api.v2010.accounts(server.accountSid).fetch()).status, "active");
  });
});
