// The chat SDKs in Debian's Chromium, on a page of another origin, with a Node.js client on the other side. Rows ("R…") of
// the checklist in realtime.md §8, rules ("B-…") of behaviours.md.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import http from "node:http";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { atEnd, Chat, SDKS, Server, unique, withDeadline } from "./harness.mjs";

const CHROMIUM = process.env.CONFAB_TEST_CHROMIUM ?? "/usr/bin/chromium";

let server;
let rest;
let tokens;
let pages;
let browser;

/** The bundle of the npm package, as a page takes it. */
const bundle = (version) =>
  readFile(fileURLToPath(new URL(`node_modules/conversations-${version}/builds/twilio-conversations.min.js`, import.meta.url)));

/** The site of the app: `/VERSION` is a page with that SDK. */
async function site() {
  const listener = http.createServer(async (request, response) => {
    const [, version, script] = request.url.split("/");
    if (!SDKS.some((sdk) => sdk.version === version)) {
      response.writeHead(404).end();
    } else if (script) {
      response.writeHead(200, { "Content-Type": "text/javascript" }).end(await bundle(version));
    } else {
      const page = `<!doctype html><title>app</title><link rel="icon" href="data:,"><script src="/${version}/sdk.js"></script>`;
      response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" }).end(page);
    }
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return listener;
}

before(async () => {
  [server, pages] = await Promise.all([Server.start({ tls: true }), site()]);
  rest = server.twilio().conversations.v1;
  tokens = await server.tokenService();
  const args = [
    // For R49: the names of the real service lead here, as a company's DNS would have it.
    `--host-resolver-rules=MAP *.us1.twilio.com 127.0.0.1:${server.tlsPort}`,
    // As root there is no sandbox, and small machines have little shared memory.
    ...(process.getuid() === 0 ? ["--no-sandbox"] : []),
    "--disable-dev-shm-usage",
  ];
  browser = await chromium.launch({ executablePath: CHROMIUM, args });
});

after(async () => {
  await browser?.close();
  pages?.close();
  pages?.closeAllConnections();
  await server?.stop();
});

/** A page with an SDK; what it complains of fails the test. */
async function open(t, version, options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error));
  atEnd(t, async () => {
    await context.close();
    assert.deepEqual(errors, []);
  });
  await load(page, version);
  return page;
}

const load = (page, version) => page.goto(`http://127.0.0.1:${pages.address().port}/${version}`);

/** Makes the page's client, whose events are kept as `seen`; waits until it is initialised or has failed. */
function start(page, token, options = { Twilsock: { uri: server.websocket } }) {
  return inPage(
    page,
    async ([token, options]) => {
      const { Client } = window.Twilio.Conversations;
      window.seen = [];
      window.checks = new Set();
      const note = (event) => {
        window.seen.push(event);
        window.checks.forEach((check) => check());
      };
      /** Waits for the first event that fits. */
      window.until = (fits) =>
        new Promise((resolve) => {
          const check = () => {
            const found = window.seen.find(fits);
            if (found) {
              window.checks.delete(check);
              resolve(found);
            }
          };
          window.checks.add(check);
          check();
        });
      const client = new Client(token, options ?? undefined);
      window.client = client;
      for (const name of ["connectionStateChanged", "stateChanged", "tokenAboutToExpire", "tokenExpired"]) {
        client.on(name, (value) => note({ name, value }));
      }
      client.on("conversationJoined", ({ sid }) => note({ name: "conversationJoined", sid }));
      client.on("messageAdded", ({ sid, index, body, author }) => note({ name: "messageAdded", sid, index, body, author }));
      client.on("messageUpdated", ({ message, updateReasons }) =>
        note({ name: "messageUpdated", index: message.index, body: message.body, updateReasons }),
      );
      client.on("typingStarted", ({ identity }) => note({ name: "typingStarted", identity }));
      const { value } = await window.until(({ name, value }) => name === "stateChanged" && /initialized|failed/.test(value));
      return { state: value, connection: client.connectionState, identity: client.user?.identity };
    },
    [token, options],
  );
}

/** Runs in the page: `work` gets what `wanted` names. A page itself would wait for ever. */
const inPage = (page, work, wanted) => withDeadline(page.evaluate(work, wanted), `the page: ${work}`);

/** Waits for the first event of a name in the page; the rest of `wanted` must be in it. */
const saw = (page, wanted) =>
  inPage(page, (wanted) => window.until((event) => Object.entries(wanted).every(([key, value]) => event[key] === value)), wanted);

const all = (page, name) => inPage(page, (name) => window.seen.filter((event) => event.name === name), name);

/** A page of alice and a Node.js client of bob in one conversation, which she made. */
async function couple(t, version) {
  const names = [unique("alice"), unique("bob")];
  const page = await open(t, version);
  const partner = SDKS.at(-1);
  const [, bob] = await Promise.all([
    start(page, tokens.mint(names[0])),
    new Chat(t, partner, tokens.mint(names[1]), server.websocket).initialized(),
  ]);
  const sid = await inPage(
    page,
    async (identity) => {
      const made = await window.client.createConversation({ friendlyName: "From a browser" });
      await made.join();
      window.conversation = made;
      await made.getMessages();
      // The SDK drops what somebody types whom it does not know yet.
      const joined = new Promise((resolve) => {
        made.on("participantJoined", (participant) => participant.identity === identity && resolve());
      });
      await made.add(identity);
      const known = await made.getParticipants();
      if (!known.some((participant) => participant.identity === identity)) {
        await joined;
      }
      return made.sid;
    },
    names[1],
  );
  const his = await bob.saw("conversationJoined", (seen) => seen.sid === sid);
  await his.getMessages();
  return { page, bob, names, sid, his };
}

describe("in Chromium", { concurrency: 4 }, () => {
  for (const { version } of SDKS) {
    test(`${version} R1 R3 R4 R5 R7 R28: starts, makes a conversation, and talks with a Node.js client`, async (t) => {
      const { page, bob, names, sid, his } = await couple(t, version);
      assert.deepEqual(await all(page, "connectionStateChanged"), [
        { name: "connectionStateChanged", value: "connecting" },
        { name: "connectionStateChanged", value: "connected" },
      ]);
      assert.equal(await inPage(page, () => window.client.user.identity), names[0]);
      assert.equal(await inPage(page, () => window.conversation.sendMessage("from the page 👋", { a: 1 })), 0);
      const message = await bob.saw("messageAdded");
      assert.deepEqual([message.body, message.author, message.attributes], ["from the page 👋", names[0], { a: 1 }]);
      await his.typing();
      await saw(page, { name: "typingStarted", identity: names[1] });
      assert.equal(await his.sendMessage("from Node"), 1);
      await saw(page, { name: "messageAdded", index: 1 });
      await assert.rejects(message.updateBody("not his"), { status: 403 });
      await inPage(page, async () => {
        const [first] = (await window.conversation.getMessages()).items;
        await first.updateBody("edited in the page");
      });
      await bob.saw("messageUpdated", ({ message }) => message.body === "edited in the page");
      await saw(page, { name: "messageUpdated", body: "edited in the page" });
      const seen = await all(page, "messageAdded");
      assert.deepEqual(seen.map(({ index, body, author }) => [index, body, author]), [
        [0, "from the page 👋", names[0]],
        [1, "from Node", names[1]],
      ]);
      const stored = await rest.conversations(sid).messages.list();
      assert.deepEqual(stored.map(({ body }) => body), ["edited in the page", "from Node"]);
      await inPage(page, () => window.client.shutdown());
    });

    test(`${version} R9 R10 R11 R12 B-271: uploads a file of a form, and reads files by their temporary URLs`, async (t) => {
      const { page, bob, names, his } = await couple(t, version);
      const index = await inPage(page, () => {
        const form = new FormData();
        form.append("file", new File(["from a <form>"], "ä b.txt", { type: "text/plain" }));
        return window.conversation.prepareMessage().setBody("a file").addMedia(form).build().send();
      });
      assert.equal(index, 0);
      const message = await bob.saw("messageAdded");
      assert.deepEqual([message.type, message.body, message.author], ["media", "a file", names[0]]);
      const [file] = message.attachedMedia;
      assert.deepEqual([file.contentType, file.filename, file.size, file.category], ["text/plain", "ä b.txt", 13, "media"]);
      const content = await fetch(await file.getContentTemporaryUrl());
      assert.equal(await content.text(), "from a <form>");

      // The older way, with a form and without.
      await inPage(page, async () => {
        const form = new FormData();
        form.append("file", new Blob([new Uint8Array([0, 1, 254, 255])], { type: "application/octet-stream" }), "b.bin");
        await window.conversation.sendMessage(form);
        await window.conversation.sendMessage({ contentType: "image/png", filename: "c.png", media: new Blob(["\x89PNG"]) });
      });
      for (const [index, name] of [[1, "b.bin"], [2, "c.png"]]) {
        const { attachedMedia } = await bob.saw("messageAdded", (seen) => seen.index === index);
        assert.deepEqual(attachedMedia.map(({ filename }) => filename), [name]);
      }

      // What Bob sends, the page downloads: M2 for one, M3 for all of them, M4 from another origin.
      const bytes = Buffer.from([0, 1, 2, 255]);
      await his.prepareMessage().addMedia({ contentType: "application/octet-stream", filename: "d.bin", media: bytes }).build().send();
      await saw(page, { name: "messageAdded", index: 3 });
      const read = await inPage(page, async () => {
        const message = (await window.conversation.getMessages(1)).items[0];
        const [medium] = message.attachedMedia;
        const urls = [
          await medium.getContentTemporaryUrl(),
          (await message.getTemporaryContentUrlsForAttachedMedia()).get(medium.sid),
          (await window.client.getTemporaryContentUrlsForMediaSids([medium.sid])).get(medium.sid),
        ];
        return Promise.all(
          urls.map(async (url) => {
            const response = await fetch(url);
            return [response.headers.get("content-type"), ...new Uint8Array(await response.arrayBuffer())];
          }),
        );
      });
      assert.deepEqual(read, Array(3).fill(["application/octet-stream", ...bytes]));
    });

    test(`${version} R26 R37: a page that is loaded again finds everything; one that was offline misses nothing`, async (t) => {
      const { page, bob, names, sid, his } = await couple(t, version);
      await inPage(page, () => window.conversation.sendMessage("before"));
      await bob.saw("messageAdded");
      await load(page, version);
      await his.sendMessage("while it was loaded");
      const { state } = await start(page, tokens.mint(names[0]));
      assert.equal(state, "initialized");
      const found = await inPage(page, async (sid) => {
        const { items } = await window.client.getSubscribedConversations();
        window.conversation = await window.client.getConversationBySid(sid);
        const messages = (await window.conversation.getMessages()).items.map(({ index, body }) => [index, body]);
        return { conversations: items.map((one) => one.sid), messages, name: window.conversation.friendlyName };
      }, sid);
      assert.deepEqual(found, {
        conversations: [sid],
        messages: [[0, "before"], [1, "while it was loaded"]],
        name: "From a browser",
      });
      await his.sendMessage("after");
      await saw(page, { name: "messageAdded", index: 2 });

      await page.context().setOffline(true);
      await page.waitForFunction(() => window.client.connectionState !== "connected");
      await his.sendMessage("missed");
      await page.context().setOffline(false);
      await saw(page, { name: "messageAdded", index: 3 });
      assert.equal(await inPage(page, () => window.conversation.sendMessage("back")), 4);
      await saw(page, { name: "messageAdded", index: 4 });
      assert.deepEqual((await all(page, "messageAdded")).map(({ index }) => index), [2, 3, 4]);
    });

    test(`${version} R32 R35 B-703 B-708: tokens`, async (t) => {
      const name = unique("alice");
      const page = await open(t, version);
      await start(page, tokens.mint(name, { ttl: 12 }));
      await saw(page, { name: "tokenAboutToExpire" });
      await inPage(page, (token) => window.client.updateToken(token), tokens.mint(name));
      assert.equal(await inPage(page, async () => (await window.client.createConversation({})).createdBy), name);
      assert.equal(await inPage(page, () => window.client.connectionState), "connected");
      assert.deepEqual(await all(page, "tokenExpired"), []);

      const stranger = await open(t, version);
      const refused = await start(stranger, tokens.mint(name, { secret: "not the secret" }));
      assert.deepEqual([refused.state, refused.connection], ["failed", "denied"]);
    });

    test(`${version} R49: no constructor options, the names of the real service lead here`, async (t) => {
      // A browser has the authority in its trust store; this one trusts everybody instead.
      const page = await open(t, version, { ignoreHTTPSErrors: true });
      const name = unique("alice");
      const { state, identity } = await start(page, tokens.mint(name), null);
      assert.deepEqual([state, identity], ["initialized", name]);
      const { url, text } = await inPage(page, async () => {
        const made = await window.client.createConversation({ friendlyName: "redirected" });
        await made.join();
        const form = new FormData();
        form.append("file", new Blob(["content"], { type: "text/plain" }), "a.txt");
        await made.sendMessage(form);
        const [message] = (await made.getMessages()).items;
        const url = await message.attachedMedia[0].getContentTemporaryUrl();
        return { url, text: await (await fetch(url)).text() };
      });
      assert.deepEqual([new URL(url).host, text], ["media.us1.twilio.com", "content"]);
    });
  }
});

/** Every kind of request that an app's page makes beside the websocket: what a browser lets through, and lets be read. */
test("R12 CORS: requests of pages of other origins, and their errors", async (t) => {
  const page = await open(t, SDKS.at(-1).version);
  const name = unique("alice");
  const media = `${server.url}/mcs/v1/Services/${tokens.service}/Media`;
  const request = (url, options = {}) =>
    page.evaluate(
      async ([url, { body, ...options }]) => {
        try {
          const response = await fetch(url, { ...options, body });
          const text = await response.text();
          return { status: response.status, text, json: text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : null };
        } catch (error) {
          return { status: 0, text: String(error) };
        }
      },
      [url, options],
    );
  const token = { "X-Twilio-Token": tokens.mint(name) };
  const json = { "Content-Type": "application/json" };

  const uploaded = await request(`${media}?Category=media&Filename=a.txt`, {
    method: "POST",
    headers: { ...token, "Content-Type": "text/plain" },
    body: "abc",
  });
  assert.equal(uploaded.status, 201, uploaded.text);
  const { sid, links } = uploaded.json;
  const record = await request(`${media}/${sid}`, { headers: token });
  assert.deepEqual([record.status, record.json?.filename], [200, "a.txt"]);
  const set = await request(`${media}Set`, {
    method: "POST",
    headers: { ...token, ...json },
    body: JSON.stringify({ command: "get", list: [{ media_sid: sid }] }),
  });
  assert.deepEqual([set.status, set.json?.[0].code], [200, 200]);
  const content = await request(links.content_direct_temporary);
  assert.deepEqual([content.status, content.text], [200, "abc"]);

  // An app can tell why something failed only if it may read the answer.
  for (const [what, url, options, status] of [
    ["a bad token", `${media}/${sid}`, { headers: { "X-Twilio-Token": "bad" } }, 401],
    ["no token", `${media}/${sid}`, {}, 401],
    ["an unknown medium", `${media}/ME${"0".repeat(32)}`, { headers: token }, 404],
    ["a URL that is not signed", links.content_direct_temporary.replace(/[^/=?&]+$/, "x"), {}, undefined],
    ["no such path", `${server.url}/nothing`, {}, 404],
  ]) {
    const answer = await request(url, options);
    assert.ok(answer.status >= 400, `${what}: ${answer.status} ${answer.text}`);
    assert.equal(answer.status, status ?? answer.status, what);
  }

  // REST: with the account's credentials, which a tool of the owner may have in a page.
  const basic = { Authorization: `Basic ${Buffer.from(`${server.accountSid}:${server.authToken}`).toString("base64")}` };
  const form = { "Content-Type": "application/x-www-form-urlencoded" };
  const conversations = `${server.url}/conversations/v1/Conversations`;
  const made = await request(conversations, { method: "POST", headers: { ...basic, ...form }, body: "FriendlyName=page" });
  assert.deepEqual([made.status, made.json?.friendly_name], [201, "page"]);
  assert.equal((await request(`${conversations}/${made.json.sid}`, { headers: basic })).status, 200);
  assert.equal((await request(`${conversations}/${made.json.sid}`, { method: "DELETE", headers: basic })).status, 204);
  assert.equal((await request(conversations)).status, 401);
});
