// What the tests of the chat SDK share: each file has one server, and every test runs once for each version of the SDK.

import { after, before, describe, test } from "node:test";
import { Chat, SDKS, Server, unique } from "../harness.mjs";
import { Wire } from "../wire.mjs";

/** Tests of one version that run at the same time: most of them wait for a clock. */
const AT_ONCE = 3;

/** One server, which the tests of a file share; their users and conversations have names of their own. */
class Stage {
  async start(env) {
    this.server = await Server.start({ env });
    this.rest = this.server.twilio().conversations.v1;
    this.tokens = await this.server.tokenService();
  }

  async stop() {
    await this.server?.stop();
  }

  /** A service of its own that shows who is online. */
  async reachableService() {
    const { sid } = await this.rest.services.create({ friendlyName: unique("reachable") });
    await this.rest.services(sid).configuration().update({ reachabilityEnabled: true });
    return sid;
  }
}

/** A stage and one version of the SDK. */
class Cast {
  constructor(stage, sdk) {
    this.stage = stage;
    this.sdk = sdk;
  }

  get server() {
    return this.stage.server;
  }

  get rest() {
    return this.stage.rest;
  }

  get tokens() {
    return this.stage.tokens;
  }

  /** A client that is initialised. */
  async connect(t, identity, options = {}) {
    return (await this.client(t, options.token ?? this.tokens.mint(identity), options.server)).initialized();
  }

  /** A client, whatever becomes of it. Between it and the server is a wire, which reads along. */
  async client(t, token, server = this.server) {
    const wire = await Wire.to(t, server);
    const chat = new Chat(t, this.sdk, token, wire.websocket);
    chat.wire = wire;
    return chat;
  }

  /**
   * Waits until the SDK has opened a joined conversation and follows it. What is in it by then makes no event; who leaves
   * before makes a request of the SDK fail, which it does not catch.
   */
  async opened(chat, sid, from = 0) {
    const conversation = await chat.saw("conversationJoined", (seen) => seen.sid === sid, { from });
    await conversation.getParticipants();
    await chat.wire.follows(`${sid}.channel`, `${sid}.messages`, `${sid}.roster`);
    return conversation;
  }

  /** A conversation that this client made and joined. */
  async room(chat, options = { friendlyName: "Room" }) {
    const { sid } = await (await chat.client.createConversation(options)).join();
    return this.opened(chat, sid);
  }

  /** Alice and Bob, connected, in a conversation that Alice made with the SDK. */
  async couple(t) {
    const names = [unique("alice"), unique("bob")];
    const [alice, bob] = await Promise.all(names.map((name) => this.connect(t, name)));
    const hers = await this.room(alice, { friendlyName: "Couple" });
    await hers.add(names[1]);
    await alice.saw("participantJoined", (participant) => participant.identity === names[1]);
    const his = await this.opened(bob, hers.sid);
    const { sid } = hers;
    return { alice, bob, names, hers, his, sid, stored: this.rest.conversations(sid) };
  }

  /** A message after which nothing from before can still be under way to these clients; its SID. */
  async fence(conversationSid, ...chats) {
    const { sid, index } = await this.rest.conversations(conversationSid).messages.create({ body: "fence" });
    const last = ({ conversation, updateReasons }) =>
      conversation.sid === conversationSid && updateReasons.includes("lastMessage") && conversation.lastMessage.index >= index;
    await Promise.all(
      chats.map(async (chat) => {
        await chat.saw("messageAdded", (message) => message.sid === sid);
        await chat.saw("conversationUpdated", last);
      }),
    );
    return sid;
  }

  /** All that these clients see in a conversation of what `act` does, in words; a list for each of them. */
  async seen(conversationSid, chats, act) {
    const from = chats.map((chat) => chat.now);
    await act();
    const sid = await this.fence(conversationSid, ...chats);
    return chats.map((chat, n) => {
      const fence = chat.events.findIndex(({ name, value }) => name === "messageAdded" && value.sid === sid);
      return chat.told(conversationSid, from[n], fence);
    });
  }
}

/**
 * Defines the tests of a file, once for each version: `define` gets the cast and a `test` that puts the version before the
 * title. `env` is for the server.
 */
export function forEachSdk(title, define, { env = {}, setup = async () => {} } = {}) {
  describe(title, { concurrency: SDKS.length }, () => {
    const stage = new Stage();
    before(async () => {
      await stage.start(env);
      await setup(stage);
    });
    after(() => stage.stop());
    for (const sdk of SDKS) {
      describe(`SDK ${sdk.version}`, { concurrency: AT_ONCE }, () =>
        define(new Cast(stage, sdk), (name, work) => test(`${sdk.version} ${name}`, work)),
      );
    }
  });
}

export const sids = (items) => items.map((item) => item.sid);
export const indices = (page) => page.items.map((message) => message.index);
