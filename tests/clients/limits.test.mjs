// How the unmodified chat SDKs bear refusals: too many connections or requests, and credentials that are withdrawn.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Chat, range, SDKS, Server, unique } from "./harness.mjs";

for (const sdk of SDKS) {
  describe(`SDK ${sdk.version}`, () => {
    /** A server with settings of the test's own, and clients of it. */
    async function limited(t, settings) {
      const env = Object.fromEntries(Object.entries(settings).map(([name, value]) => [`CONFAB_LIMITS_${name}`, String(value)]));
      const server = await Server.for(t, { env });
      const tokens = await server.tokenService();
      const client = (name, token = tokens.mint(name)) => new Chat(t, sdk, token, server.websocket);
      return { server, rest: server.twilio().conversations.v1, tokens, client };
    }

    test("B-746 B-747: one connection too many is told, and comes in when there is room", async (t) => {
      const { client } = await limited(t, { ACCOUNT_CONNECTIONS: 1 });
      const alice = await client("alice").initialized();
      const bob = client("bob");
      const error = await bob.saw("connectionError");
      assert.deepEqual([error.terminal, error.httpStatusCode, error.errorCode], [false, 429, 51001]);
      // It keeps trying and is refused again; nothing of it is final.
      await bob.saw("connectionError", () => bob.all("connectionError").length >= 2);
      assert.equal(bob.client.connectionState, "connecting");
      assert.deepEqual(bob.all("stateChanged").filter((state) => state === "initialized"), []);
      await alice.shutdown();
      await bob.connected(0);
      await bob.initialized();
      const made = await bob.client.createConversation({ friendlyName: "At last" });
      assert.equal(made.createdBy, "bob");
    });

    test("B-746 B-747: too many at the same moment come in one after the other", async (t) => {
      const { client } = await limited(t, { NEW_CONNECTIONS_PER_SECOND: 1 });
      const chats = range(6).map((number) => client(`user-${number}`));
      await Promise.all(chats.map((chat) => chat.initialized()));
      const errors = chats.flatMap((chat) => chat.all("connectionError"));
      assert.ok(errors.length > 0, "they cannot all have come in at once");
      for (const { terminal, httpStatusCode, errorCode } of errors) {
        assert.deepEqual([terminal, httpStatusCode, errorCode], [false, 429, 51124]);
      }
      assert.deepEqual(new Set(chats.map(({ client: { connectionState } }) => connectionState)), new Set(["connected"]));
    });

    test("B-746 B-036: a message beyond the rate is refused to the app, and is not there", async (t) => {
      const { client, rest } = await limited(t, { CONNECTION_REQUESTS_PER_SECOND: 30 });
      const alice = await client("alice").initialized();
      const conversation = await alice.client.createConversation({ friendlyName: "Fast" });
      await conversation.join();
      await alice.saw("conversationJoined");
      // Until the SDK has opened the conversation, messages make no events.
      await conversation.getParticipants();
      await conversation.getMessages(1);
      const texts = range(200).map((number) => `message ${number}`);
      // Storing 30 messages can take a busy machine a second; refusing a question does not take it a thirtieth of one.
      const asked = [];
      const sending = texts.map((text) => {
        range(5).forEach(() => asked.push(alice.client.getConversationByUniqueName("nobody's").catch(() => {})));
        return conversation.sendMessage(text);
      });
      const sent = await Promise.allSettled(sending);
      await Promise.all(asked);
      const refused = sent.filter(({ status }) => status === "rejected");
      assert.ok(refused.length > 0);
      for (const { reason } of refused) {
        assert.deepEqual([reason.status, reason.body?.code], [429, 20429]);
      }
      const stored = await rest.conversations(conversation.sid).messages.list();
      assert.deepEqual(
        stored.map(({ body }) => body).sort(),
        texts.filter((_, number) => sent[number].status === "fulfilled").sort(),
      );
      // The connection lives, and what it asks for later is done.
      assert.equal(alice.client.connectionState, "connected");
      await alice.sawExactly(stored.length, "messageAdded");
    });

    test("B-003 B-703: a deleted key disconnects its clients, and a token of another key brings them back", async (t) => {
      const { server, rest, tokens, client } = await limited(t, {});
      const name = unique("alice");
      const alice = await client(name).initialized();
      const conversation = await alice.client.createConversation({ friendlyName: "Keys" });
      await conversation.join();
      await alice.saw("conversationJoined");
      await conversation.getMessages(1);
      const { now } = alice;
      await server.twilio().keys(tokens.key.sid).remove();
      await alice.saw("connectionStateChanged", (state) => state === "disconnected", { from: now });
      // It does not try again: it was told that its token is good for nothing.
      assert.deepEqual(alice.all("connectionStateChanged", undefined, now), ["disconnecting", "disconnected"]);
      assert.deepEqual(alice.all("tokenExpired"), []);
      const missed = await rest.conversations(conversation.sid).messages.create({ body: "missed" });
      const back = alice.now;
      const { mint } = await server.tokenService();
      await alice.client.updateToken(mint(name));
      await alice.connected(back);
      await alice.saw("messageAdded", ({ sid }) => sid === missed.sid);
    });

    test("B-702: a suspended account disconnects its clients, and lets them in when it is active again", async (t) => {
      const { server } = await limited(t, {});
      const owner = server.twilio();
      const account = await owner.api.v2010.accounts.create({ friendlyName: "tenant" });
      const tenant = new Server();
      Object.assign(tenant, { port: server.port, accountSid: account.sid, authToken: account.authToken });
      const tokens = await tenant.tokenService();
      const carol = await new Chat(t, sdk, tokens.mint("carol"), server.websocket).initialized();
      const { now } = carol;
      await owner.api.v2010.accounts(account.sid).update({ status: "suspended" });
      await carol.saw("connectionStateChanged", (state) => state === "disconnected", { from: now });
      // The SDK passes over a token that it has already, so each has a life of its own.
      await assert.rejects(carol.client.updateToken(tokens.mint("carol", { ttl: 1800 })));
      const error = await carol.saw("connectionError", ({ terminal }) => terminal, { from: now });
      assert.deepEqual([error.httpStatusCode, error.errorCode], [403, 20005]);
      await owner.api.v2010.accounts(account.sid).update({ status: "active" });
      const back = carol.now;
      await carol.client.updateToken(tokens.mint("carol", { ttl: 2400 }));
      await carol.connected(back);
    });
  });
}
