// The chat SDKs come, keep their token fresh and go: rows ("R…") of the checklist in realtime.md §8, rules ("B-…") of
// behaviours.md.

import assert from "node:assert/strict";
import { poll, unique } from "../harness.mjs";
import { forEachSdk } from "./stage.mjs";

const isUpdate = ({ fromClient, header }) => fromClient && header.method === "update";
const isClose = ({ header }) => header.method === "close";

forEachSdk(
  "start and end",
  (cast, test) => {
    test("R1 B-701: connects, is initialised, knows its user", async (t) => {
      const name = unique("alice");
      const alice = await cast.connect(t, name);
      const { wire } = alice;
      assert.deepEqual(alice.all("connectionStateChanged"), ["connecting", "connected"]);
      assert.deepEqual(alice.all("stateChanged"), ["initialized"]);
      assert.equal(alice.client.user.identity, name);
      assert.equal(alice.client.user.friendlyName, name);
      assert.deepEqual(alice.client.user.attributes, {});
      // B-056: reachability is off on a new service, so nobody knows who is online.
      assert.equal(alice.client.reachabilityEnabled, false);
      assert.equal(alice.client.user.isOnline, null);
      const user = await cast.rest.users(name).fetch();
      assert.match(user.sid, /^US[0-9a-f]{32}$/);
      assert.equal(user.friendlyName, null);

      await wire.saw("subscriptions", ({ name }) => name === "POST /v4/Subscriptions");
      assert.deepEqual(wire.requests().sort(), [
        "GET /Client/v2/Configuration",
        "GET /Client/v2/Services/IS/Users/US/Conversations",
        "GET /v3/Maps/US.info?Include=items",
        "GET /v3/Maps/US.my_conversations",
        "POST /v4/Subscriptions",
        "init",
      ]);
      assert.equal(wire.frames[0].name, "init");
      const [answer] = wire.frames.filter(({ fromClient }) => !fromClient);
      assert.deepEqual(answer.header.status, { code: 200, status: "OK" });
    });

    test("R1 B-548: is online where the service shows it", async (t) => {
      const serviceSid = await cast.stage.reachableService();
      const name = unique("alice");
      const alice = await cast.connect(t, name, { token: cast.tokens.mint(name, { serviceSid }) });
      assert.equal(alice.client.reachabilityEnabled, true);
      assert.equal(alice.client.user.isOnline, true);
      assert.equal(alice.client.user.isNotifiable, false);
      const user = await cast.rest.services(serviceSid).users(name).fetch();
      assert.deepEqual([user.isOnline, user.isNotifiable], [true, null]);
    });

    test("R2: a new user has no conversations", async (t) => {
      const alice = await cast.connect(t, unique("alice"));
      const page = await alice.client.getSubscribedConversations();
      assert.deepEqual(page.items, []);
      assert.deepEqual([page.hasNextPage, page.hasPrevPage], [false, false]);
    });

    test("R32 B-708: is told before the token expires; a new one keeps the connection", async (t) => {
      const name = unique("alice");
      const token = cast.tokens.mint(name, { ttl: 12 });
      const alice = await cast.connect(t, name, { token });
      const { wire } = alice;
      const other = await cast.client(t, token);
      await alice.saw("tokenAboutToExpire");
      await alice.client.updateToken(cast.tokens.mint(name));
      assert.equal((await wire.reply(await wire.saw("update", isUpdate))).header.status.code, 200);
      // The first token has come to its end where it was not replaced.
      await other.saw("tokenExpired");
      assert.equal((await alice.client.createConversation()).createdBy, name);
      assert.deepEqual(alice.all("connectionStateChanged"), ["connecting", "connected"]);
      assert.equal(alice.all("tokenAboutToExpire").length, 1);
      assert.equal(alice.all("tokenExpired").length, 0);
      assert.equal(wire.sockets, 1);
    });

    test("R33 B-703: a bad new token denies, a good one recovers with all subscriptions", async (t) => {
      const { alice, names, sid, stored } = await cast.couple(t);
      const { wire } = alice;
      let { now } = alice;
      await assert.rejects(alice.client.updateToken(cast.tokens.mint(names[0], { secret: "not the secret" })));
      const refused = await wire.reply(await wire.saw("update", isUpdate));
      assert.deepEqual([refused.header.status.code, refused.header.status.errorCode], [401, 20107]);
      await alice.saw("connectionStateChanged", (state) => state === "denied", { from: now });
      // Its last word on the old connection comes after it has told the app.
      await wire.saw("the goodbye", (frame) => isClose(frame) && frame.fromClient);
      const missed = await stored.messages.create({ body: "missed" });
      now = alice.now;
      const there = wire.now;
      await alice.client.updateToken(cast.tokens.mint(names[0]));
      await alice.connected(now);
      await alice.saw("messageAdded", (message) => message.sid === missed.sid);
      await cast.fence(sid, alice);
      await alice.sawExactly(2, "messageAdded");
      // By a new connection, which asks for nothing but the subscriptions.
      assert.deepEqual([wire.sockets, wire.requests(there)], [2, ["init", "POST /v4/Subscriptions"]]);
    });

    test("R33 B-710: a token of another user is refused", async (t) => {
      const alice = await cast.connect(t, unique("alice"));
      await assert.rejects(alice.client.updateToken(cast.tokens.mint(unique("mallory"))));
      await alice.saw("connectionStateChanged", (state) => state === "denied");
    });

    test("R34 B-704 B-708: an expired token disconnects, a new one recovers", async (t) => {
      const name = unique("alice");
      const alice = await cast.connect(t, name, { token: cast.tokens.mint(name, { ttl: 12 }) });
      const room = await cast.room(alice);
      await alice.saw("tokenExpired");
      const close = await alice.wire.saw("close", (frame) => isClose(frame) && !frame.fromClient);
      assert.deepEqual([close.header.status.code, close.header.status.errorCode], [410, 20104]);
      await alice.saw("connectionStateChanged", (state) => state === "disconnected");
      assert.deepEqual(alice.all("connectionStateChanged"), ["connecting", "connected", "disconnecting", "disconnected"]);
      const missed = await cast.rest.conversations(room.sid).messages.create({ body: "missed" });
      const { now } = alice;
      await alice.client.updateToken(cast.tokens.mint(name));
      await alice.connected(now);
      await alice.saw("messageAdded", (message) => message.sid === missed.sid);
      await cast.fence(room.sid, alice);
      await alice.sawExactly(2, "messageAdded");
      assert.equal(alice.all("tokenExpired").length, 1);
    });

    test("R35 B-703: a bad first token fails for good", async (t) => {
      const bad = await cast.client(t, cast.tokens.mint(unique("alice"), { secret: "not the secret" }));
      await bad.saw("stateChanged", (state) => state === "failed");
      const error = await bad.saw("connectionError", ({ terminal }) => terminal);
      assert.deepEqual([error.httpStatusCode, error.errorCode], [401, 20107]);
      await bad.saw("initFailed");
      await bad.saw("connectionStateChanged", (state) => state === "denied");
      assert.equal(bad.all("tokenExpired").length, 0);
      assert.deepEqual([bad.wire.sockets, bad.wire.requests()[0]], [1, "init"]);
    });

    test("R35 B-704: an expired first token fails, and says so", async (t) => {
      const expired = await cast.client(t, cast.tokens.mint(unique("alice"), { ttl: -10 }));
      await expired.saw("tokenExpired");
      await expired.saw("stateChanged", (state) => state === "failed");
      await expired.saw("initFailed");
      const error = await expired.saw("connectionError", ({ terminal }) => terminal);
      assert.deepEqual([error.httpStatusCode, error.errorCode], [401, 20104]);
    });

    test("R36: answers pings, and stays", async (t) => {
      const alice = await cast.connect(t, unique("alice"));
      const { wire } = alice;
      // One more than a silent client would live through.
      const isPing = ({ fromClient, header }) => !fromClient && header.method === "ping";
      const pings = await poll("five pings", () => {
        const seen = wire.all(isPing);
        return seen.length >= 5 && seen;
      });
      for (const { header } of pings) {
        const answer = await wire.saw("the answer to a ping", (frame) => frame.fromClient && frame.header.id === header.id);
        assert.deepEqual([answer.header.method, answer.header.status.code], ["reply", 200]);
      }
      assert.deepEqual(alice.all("connectionStateChanged"), ["connecting", "connected"]);
      assert.equal(wire.sockets, 1);
    });

    test("R48 B-548: shuts down, is gone at once, and does not come back", async (t) => {
      const serviceSid = await cast.stage.reachableService();
      const names = [unique("alice"), unique("bob")];
      const [aliceToken, bobToken] = names.map((name) => cast.tokens.mint(name, { serviceSid }));
      const alice = await cast.connect(t, names[0], { token: aliceToken });
      const bob = await cast.connect(t, names[1], { token: bobToken });
      const seen = await bob.client.getUser(names[0]);
      assert.equal(seen.isOnline, true);
      const { now } = bob;
      await alice.shutdown();
      await alice.saw("connectionStateChanged", (state) => state === "disconnected");
      assert.deepEqual(alice.all("connectionStateChanged"), ["connecting", "connected", "disconnecting", "disconnected"]);
      await alice.wire.saw("the goodbye", (frame) => isClose(frame) && frame.fromClient);
      assert.equal(alice.wire.requests().at(-1), "close");
      await bob.saw("userUpdated", () => !seen.isOnline, { from: now });
      assert.deepEqual(bob.toldOfUsers(now), [`userUpdated ${names[0]} reachabilityOnline`]);
      assert.equal(alice.wire.sockets, 1);
    });
  },
  { env: { CONFAB_REALTIME_PING_INTERVAL_SECS: "1", CONFAB_REALTIME_OFFLINE_GRACE_SECS: "1" } },
);
