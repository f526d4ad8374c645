// Calls of webhooks as the helper library's own validators see them, and what SDK users see of a webhook that is asked.

import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { test } from "node:test";
import { Chat, SDKS, Server, atEnd, twilio, unique, withDeadline } from "./harness.mjs";

/** A server that notes its calls; `answer` may be replaced. */
class Sink {
  calls = [];
  #waiting = [];
  answer = () => ({ status: 200, body: "" });

  static async for(t, { port = 0, host = "127.0.0.1" } = {}) {
    const sink = new Sink();
    sink.server = http.createServer(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) {
        chunks.push(chunk);
      }
      const body = Buffer.concat(chunks).toString();
      const url = new URL(request.url, sink.url());
      const form = new URLSearchParams(request.method === "GET" ? url.search : body);
      const call = { method: request.method, url: request.url, headers: request.headers, body, form: Object.fromEntries(form) };
      const { status, body: text } = sink.answer(call);
      sink.calls.push(call);
      sink.#waiting.splice(0).forEach((wake) => wake());
      response.writeHead(status, { "Content-Type": "application/json" }).end(text);
    });
    sink.server.listen(port, host);
    await once(sink.server, "listening");
    atEnd(t, () => {
      sink.server.closeAllConnections();
      sink.server.close();
    });
    return sink;
  }

  url(path = "") {
    return `http://127.0.0.1:${this.server.address().port}${path}`;
  }

  /** The next call that nobody has taken. */
  async next() {
    while (this.calls.length === 0) {
      await withDeadline(new Promise((resolve) => this.#waiting.push(resolve)), "a call of a webhook");
    }
    return this.calls.shift();
  }
}

const LOUD = { xTwilioWebhookEnabled: "true" };

/** A call as the framework hands it to the middleware; what the middleware decided. */
function middleware(call, token, options) {
  const request = {
    protocol: "http",
    method: call.method,
    originalUrl: call.url,
    headers: call.headers,
    header: (name) => call.headers[name.toLowerCase()],
    body: call.method === "POST" ? call.form : {},
    rawBody: call.body,
  };
  let verdict;
  const response = {
    type: () => response,
    status: (status) => ((verdict = status), response),
    send: () => response,
  };
  twilio.webhook(options ?? {}, token)(request, response, () => (verdict = "let in"));
  return verdict;
}

/** B-386, B-392, B-393, B-394, B-395: each URL is validated as it was configured, and by the middleware as it came. */
test("the validators of twilio-node accept what is signed, and nothing else", async (t) => {
  const server = await Server.for(t);
  const rest = server.twilio().conversations.v1;
  const sink = await Sink.for(t);
  const { sid } = await rest.conversations.create({});
  const port = sink.server.address().port;
  const urls = [
    sink.url("/plain"),
    sink.url("/with?query=1&other=a%20b&empty="),
    sink.url("/question?"),
    sink.url("/fragment#rc=1&tt=5000"),
    `http://user:secret@127.0.0.1:${port}/userinfo?x=y`,
  ];
  const bodies = ["plain", "ä € 😀 & = + % '\"", " ", "line\nline"];
  for (const method of ["POST", "GET"]) {
    for (const url of urls) {
      await rest.configuration.webhooks().update({ postWebhookUrl: url, method, filters: ["onMessageAdded"] });
      for (const body of bodies) {
        await rest.conversations(sid).messages.create({ ...LOUD, body, attributes: "{}" });
        const call = await sink.next();
        const what = `${method} ${url} ${body}`;
        assert.equal(call.method, method, what);
        assert.equal(call.form.Body, body, what);
        const signature = call.headers["x-twilio-signature"];
        // A name and password are for the called to check, and not a part of what is signed.
        const configured = url.replace(/#.*/, "").replace("user:secret@", "");
        const seen = method === "GET" ? sink.url(call.url) : configured;
        const form = method === "GET" ? {} : call.form;
        assert.ok(twilio.validateRequest(server.authToken, signature, seen, form), what);
        assert.ok(!twilio.validateRequest(`${server.authToken}x`, signature, seen, form), what);
        assert.ok(!twilio.validateRequest(server.authToken, signature, `${seen}x`, form), what);
        if (method === "POST") {
          assert.ok(!twilio.validateRequest(server.authToken, signature, seen, { ...form, Body: "forged" }), what);
        }
        if (!url.endsWith("?")) {
          assert.equal(middleware(call, server.authToken), "let in", what);
        }
        assert.equal(middleware(call, "another"), 403, what);
        const expected = url.includes("user:") ? `Basic ${btoa("user:secret")}` : undefined;
        assert.equal(call.headers.authorization, expected);
      }
    }
  }
});

/** B-429: a parameter that is there and empty is signed too. */
test("empty values are validated", async (t) => {
  const server = await Server.for(t);
  const rest = server.twilio().conversations.v1;
  const sink = await Sink.for(t);
  const { sid } = await rest.conversations.create({});
  await rest.configuration.webhooks().update({ postWebhookUrl: sink.url("/?a=&b"), filters: ["onConversationUpdated"] });
  await rest.conversations(sid).update({ ...LOUD, attributes: "", friendlyName: "" });
  const call = await sink.next();
  assert.equal(middleware(call, server.authToken), "let in");
  assert.equal(call.form.FriendlyName, undefined);
});

/** B-394: a default port that is written or not; the called sees none in either case. */
test("a default port is signed as it was configured, and found by the validators", async (t) => {
  let sink;
  try {
    sink = await Sink.for(t, { port: 80, host: "127.0.0.2" });
  } catch (error) {
    t.skip(`port 80 cannot be had here: ${error.code}`);
    return;
  }
  const server = await Server.for(t);
  const rest = server.twilio().conversations.v1;
  for (const url of ["http://127.0.0.2/x?y=z", "http://127.0.0.2:80/x?y=z"]) {
    await rest.configuration.webhooks().update({ postWebhookUrl: url, filters: ["onConversationAdded"] });
    await rest.conversations.create(LOUD);
    const call = await sink.next();
    const signature = call.headers["x-twilio-signature"];
    assert.equal(call.headers.host, "127.0.0.2");
    assert.equal(signature, twilio.getExpectedTwilioSignature(server.authToken, url, call.form));
    assert.equal(middleware(call, server.authToken), "let in");
  }
});

/** B-395: the primary token of the account in which it happens. */
test("a subaccount's calls are signed with its own token", async (t) => {
  const server = await Server.for(t);
  const sink = await Sink.for(t);
  const sub = await server.twilio().api.v2010.accounts.create({ friendlyName: "sub" });
  const main = server.twilio().conversations.v1;
  const own = server.twilio(sub.sid, sub.authToken);
  own.accountSid = sub.sid;
  const rest = own.conversations.v1;
  for (const [client, path] of [
    [main, "/main"],
    [rest, "/sub"],
  ]) {
    await client.configuration.webhooks().update({ postWebhookUrl: sink.url(path), filters: ["onConversationAdded"] });
  }
  for (const [client, path, account, token, other] of [
    [rest, "/sub", sub.sid, sub.authToken, server.authToken],
    [main, "/main", server.accountSid, server.authToken, sub.authToken],
  ]) {
    await client.conversations.create(LOUD);
    const call = await sink.next();
    assert.equal(call.url, path);
    assert.equal(call.form.AccountSid, account);
    assert.equal(middleware(call, token), "let in");
    assert.equal(middleware(call, other), 403);
  }
});

/** B-381, B-396, B-400, B-403: what a webhook refuses rejects, and what it changes reaches both SDKs. */
test("a webhook that is asked rules over what SDK users send", async (t) => {
  const server = await Server.for(t);
  const rest = server.twilio().conversations.v1;
  const sink = await Sink.for(t);
  const tokens = await server.tokenService();
  const { sid } = await rest.conversations.create({ friendlyName: unique("asked") });
  const chats = [];
  for (const sdk of SDKS) {
    const identity = `user-${sdk.version}`;
    await rest.conversations(sid).participants.create({ identity });
    const chat = await new Chat(t, sdk, tokens.mint(identity), server.websocket).initialized();
    chats.push({ chat, identity, conversation: await chat.client.getConversationBySid(sid) });
  }
  await rest.configuration.webhooks().update({
    preWebhookUrl: sink.url("/pre"),
    filters: ["onMessageAdd", "onMessageUpdate", "onMessageRemove", "onParticipantAdd"],
  });
  for (const { identity, conversation } of chats) {
    sink.answer = () => ({ status: 403, body: "" });
    await assert.rejects(conversation.sendMessage("refused"), (error) => {
      assert.equal(error.status, 403);
      assert.equal(error.body?.code ?? error.code, 50056);
      return true;
    });
    const asked = await sink.next();
    assert.equal(asked.form.Body, "refused");
    assert.equal(asked.form.ClientIdentity, identity);
    assert.equal(middleware(asked, server.authToken), "let in");
    sink.answer = () => ({ status: 200, body: JSON.stringify({ body: `masked for ${identity}`, attributes: '{"by":"hook"}' }) });
    const index = await conversation.sendMessage("rude");
    await sink.next();
    for (const { chat } of chats) {
      const message = await chat.saw("messageAdded", (seen) => seen.index === index);
      assert.equal(message.body, `masked for ${identity}`);
      assert.deepEqual(message.attributes, { by: "hook" });
      assert.equal(message.author, identity);
    }
    const [message] = (await conversation.getMessages(1)).items;
    sink.answer = () => ({ status: 500, body: "" });
    await assert.rejects(message.updateBody("other"));
    await assert.rejects(message.remove());
    await sink.next();
    await sink.next();
    assert.equal((await rest.conversations(sid).messages(message.sid).fetch()).body, `masked for ${identity}`);
  }
  const messages = await rest.conversations(sid).messages.list();
  assert.deepEqual(
    messages.map(({ body }) => body),
    chats.map(({ identity }) => `masked for ${identity}`),
  );
});
