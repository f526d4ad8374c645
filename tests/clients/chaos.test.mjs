// What the chat SDKs and the server make of each other when the network, or the server itself, is not to be relied on:
// every client sees every message once and in the order of the indices, and what was acknowledged is there.
//
// CONFAB_CHAOS_ROUNDS sets how many rounds each SDK goes through on lines that fail (2), CONFAB_CHAOS_SEED the first
// one's seed. Each round prints its seed; the same seed makes the same faults, at moments that the machine decides.

import assert from "node:assert/strict";
import { once as nextEvent } from "node:events";
import net from "node:net";
import { after, before, describe, test } from "node:test";
import { atEnd, Chat, inParallel, range, SDKS, Server, unique } from "./harness.mjs";

const ROUNDS = Number(process.env.CONFAB_CHAOS_ROUNDS ?? 2);
const SEED = Number(process.env.CONFAB_CHAOS_SEED ?? Date.now() % 1_000_000_000);
/** By each of the two clients; as many as both come over REST. */
const MESSAGES_OF_A_CLIENT = 50;
/** A line that never stops to fail would make a round as long as the SDK's back-off grows. */
const FAULTS_OF_A_LINE = 6;
/** Rounds of one SDK that run at the same time: most of a round is waiting for the SDK to come back. */
const AT_ONCE = 4;
/** An app does not try for ever; a message that fails so often fails the test. */
const TRIES = 40;
/** Back-off after several faults in a row takes the SDK that long. */
const RECOVERY = 60_000;

/** Numbers in [0, 1) that a seed decides (mulberry32). */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * What happens to the open connections of a line. What is swallowed is never made up for: the connection is cut in the
 * end, as a client and a server see it when a network comes back. The client has no idle timeout, so nothing else would
 * bring it back before the server's pings do.
 */
const FAULTS = {
  /** Both sides learn of it. */
  cut: (pairs) => pairs.forEach((pair) => pair.cut()),
  /** The client is gone, and the server does not know for a while. */
  "client gone": (pairs) => pairs.forEach((pair) => pair.near.destroy()),
  /** The server is gone, and the client does not know for a while. */
  "server gone": (pairs) => pairs.forEach((pair) => pair.far.destroy()),
  /** Nothing arrives any more. */
  hole: (pairs) => pairs.forEach((pair) => pair.swallow("up", "down")),
  /** Requests are done, their replies and all events are lost. */
  "deaf client": (pairs) => pairs.forEach((pair) => pair.swallow("down")),
  /** Requests and acknowledgements are lost, events arrive. */
  "deaf server": (pairs) => pairs.forEach((pair) => pair.swallow("up")),
  /** Ends in the middle of whatever comes next. */
  "torn frame": (pairs, chance) => pairs.forEach((pair) => pair.tear(1 + Math.floor(chance() * 400))),
  /** Late, but whole. */
  stall: (pairs) => pairs.forEach((pair) => pair.hold()),
};

/** One connection through a line: bytes of the client go up, those of the server down. */
class Pair {
  #swallowed = new Set();
  #left = Infinity;

  constructor(near, far, ended) {
    Object.assign(this, { near, far, held: false });
    const flow = (from, to, direction) => {
      from.on("data", (bytes) => {
        if (!this.#swallowed.has(direction) && !to.destroyed) {
          to.write(bytes.subarray(0, this.#left));
          this.#left -= bytes.length;
          if (this.#left <= 0) {
            // What was written goes out first: the other side has half a frame.
            this.swallow("up", "down");
            to.end(() => this.cut());
          }
        }
      });
    };
    flow(near, far, "up");
    flow(far, near, "down");
    for (const socket of [near, far]) {
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        if (near.destroyed && far.destroyed) {
          ended(this);
        } else if (!this.faulty) {
          this.cut();
        }
      });
    }
  }

  swallow(...directions) {
    directions.forEach((direction) => this.#swallowed.add(direction));
  }

  tear(bytes) {
    this.#left = bytes;
  }

  hold() {
    this.held = true;
    [this.near, this.far].forEach((socket) => socket.pause());
  }

  resume() {
    [this.near, this.far].forEach((socket) => socket.resume());
  }

  cut() {
    [this.near, this.far].forEach((socket) => socket.destroy());
  }
}

/** A TCP relay in front of the server that fails as its seed says, from `fail()` to `calm()`. */
class RoughLine {
  #pairs = new Set();
  #fault;
  #calm = true;

  static async to(t, server, seed) {
    const line = new RoughLine();
    line.chance = random(seed);
    line.faults = {};
    line.listener = net.createServer((near) => {
      if (line.#fault === "cut") {
        near.destroy();
        return;
      }
      const pair = new Pair(near, net.connect(server.port, "127.0.0.1"), (ended) => line.#pairs.delete(ended));
      line.#pairs.add(pair);
      if (line.#fault) {
        // Somebody who connects during any other fault reaches nobody.
        pair.faulty = true;
        pair.swallow("up", "down");
      }
    });
    line.listener.listen(0, "127.0.0.1");
    await nextEvent(line.listener, "listening");
    atEnd(t, async () => {
      await line.calm();
      line.#pairs.forEach((pair) => pair.cut());
      line.listener.close();
    });
    return line;
  }

  get websocket() {
    return `ws://127.0.0.1:${this.listener.address().port}/v3/wsconnect`;
  }

  /** Begins to fail. */
  fail() {
    this.#calm = false;
    this.running = this.#run();
  }

  get count() {
    return Object.values(this.faults).reduce((sum, count) => sum + count, 0);
  }

  /** Ends the fault that is under way, and makes no more. */
  async calm() {
    this.#calm = true;
    await this.running;
  }

  #between(least, most) {
    return least + this.chance() * (most - least);
  }

  async #run() {
    for (let turn = 0; turn < FAULTS_OF_A_LINE && !this.#calm; turn += 1) {
      await pause(this.#between(50, 1000));
      const names = Object.keys(FAULTS);
      const name = names[Math.floor(this.chance() * names.length)];
      const length = this.#between(10, 700);
      this.faults[name] = (this.faults[name] ?? 0) + 1;
      this.#fault = name;
      const pairs = [...this.#pairs];
      pairs.forEach((pair) => (pair.faulty = true));
      FAULTS[name](pairs, this.chance);
      await pause(length);
      this.#fault = undefined;
      for (const pair of this.#pairs) {
        if (pair.held && name === "stall") {
          Object.assign(pair, { held: false, faulty: false });
          pair.resume();
        } else if (pair.faulty) {
          pair.cut();
        }
      }
    }
  }
}

/** What the senders of a test were told. */
class Senders {
  /** From a body to the index that was acknowledged. */
  acknowledged = new Map();
  /** Tries of which the sender does not know whether they were stored. */
  unknown = new Map();

  /** Sends until it is acknowledged, as an app would that does not give up. */
  async insist(body, send) {
    for (let tries = 1; ; tries += 1) {
      try {
        this.acknowledged.set(body, await send(body));
        return;
      } catch (error) {
        this.unknown.set(body, tries);
        if (tries === TRIES) {
          throw error;
        }
        await pause(100);
      }
    }
  }

  get unanswered() {
    return [...this.unknown.values()].reduce((sum, tries) => sum + tries, 0);
  }
}

for (const sdk of SDKS) {
  describe(`SDK ${sdk.version}`, { concurrency: AT_ONCE }, () => {
    const total = { rounds: 0, stored: 0, unanswered: 0, faults: 0 };
    let server;
    let tokens;

    before(async () => {
      server = await Server.start();
      tokens = await server.tokenService();
    });
    after(async () => {
      const { rounds, stored, unanswered, faults } = total;
      console.log(`chaos: SDK ${sdk.version}, ${rounds} rounds, ${faults} faults, ${stored} messages, ${unanswered} sends unanswered`);
      await server?.stop();
    });

    /** Alice and Bob, each on a websocket of their own, with one conversation opened. */
    async function couple(t, host, { mint }, websockets) {
      const names = [unique("alice"), unique("bob")];
      const room = host.twilio().conversations.v1.conversations;
      const { sid } = await room.create({ friendlyName: "Rough" });
      await inParallel(names, (identity) => room(sid).participants.create({ identity }));
      const members = await inParallel(range(2), async (number) => {
        const chat = new Chat(t, sdk, mint(names[number]), websockets[number]);
        await chat.initialized();
        const conversation = await chat.saw("conversationJoined", (seen) => seen.sid === sid);
        // Until the SDK has opened the conversation, messages make no events.
        await conversation.getParticipants();
        await conversation.getMessages(1);
        return { chat, conversation };
      });
      return { members, posted: room(sid).messages };
    }

    const overRest = (posted) => async (body) => (await posted.create({ body })).index;

    /** Both clients have all that is stored, once and in order, and what was acknowledged is where it was said to be. */
    async function isWhole({ members, posted }, senders) {
      await senders.insist("fence", overRest(posted));
      await Promise.all(members.map(({ chat }) => chat.saw("messageAdded", ({ body }) => body === "fence", { timeout: RECOVERY })));
      const stored = await posted.list();
      assert.deepEqual(stored.map(({ index }) => index), range(stored.length));
      const expected = stored.map(({ index, sid, body }) => [index, sid, body]);
      for (const { chat } of members) {
        const seen = chat.all("messageAdded").map(({ index, sid, body }) => [index, sid, body]);
        assert.deepEqual(seen, expected);
        // The SDK calls a line that breaks between `init` and its reply terminal, and tries again all the same; what the
        // server itself refuses has a status.
        assert.deepEqual(chat.all("connectionError", ({ terminal, httpStatusCode }) => terminal && httpStatusCode !== null), []);
        for (const name of ["messageRemoved", "participantLeft", "conversationLeft", "conversationRemoved"]) {
          assert.equal(chat.all(name).length, 0, name);
        }
      }
      const copies = new Map();
      stored.forEach(({ body }) => copies.set(body, 1 + (copies.get(body) ?? 0)));
      for (const [body, index] of senders.acknowledged) {
        assert.equal(stored[index]?.body, body);
        const most = 1 + (senders.unknown.get(body) ?? 0);
        assert.ok(copies.get(body) <= most, `${body} is stored more often than it was sent`);
      }
      assert.deepEqual([...copies.keys()].sort(), [...senders.acknowledged.keys()].sort());
      return stored.length;
    }

    /** Messages by both clients and over REST, one after the other by each and all three at once. */
    function traffic({ members, posted }, senders, chance, count = MESSAGES_OF_A_CLIENT) {
      const one = async (name, number, send) => {
        for (const turn of range(number)) {
          await pause(chance() * 60);
          await senders.insist(`${name} ${turn}`, send);
        }
      };
      return Promise.all([
        one("REST", 2 * count, overRest(posted)),
        ...members.map(({ conversation }, number) => one(`client ${number}`, count, (body) => conversation.sendMessage(body))),
      ]);
    }

    for (const round of range(ROUNDS)) {
      test(`B-231 R37: each message once and in order on lines that fail, round ${round + 1}`, async (t) => {
        // A round takes three seeds: its own and those of its lines.
        const seed = SEED + 3 * round;
        t.diagnostic(`CONFAB_CHAOS_SEED=${seed} CONFAB_CHAOS_ROUNDS=1`);
        const chance = random(seed);
        const lines = [await RoughLine.to(t, server, seed + 1), await RoughLine.to(t, server, seed + 2)];
        const both = await couple(t, server, tokens, lines.map(({ websocket }) => websocket));
        const senders = new Senders();
        lines.forEach((line) => line.fail());
        await traffic(both, senders, chance);
        await Promise.all(lines.map((line) => line.calm()));
        lines.forEach(({ faults }) => t.diagnostic(`faults of a line: ${JSON.stringify(faults)}`));
        const stored = await isWhole(both, senders);
        total.rounds += 1;
        total.stored += stored;
        total.unanswered += senders.unanswered;
        total.faults += lines.reduce((sum, { count }) => sum + count, 0);
        t.diagnostic(`${stored} messages stored, ${senders.unanswered} sends unanswered`);
      });
    }

    test("B-231 B-250: of 500 messages at once each has an index of its own, and both clients the same order", async (t) => {
      const both = await couple(t, server, tokens, [server.websocket, server.websocket]);
      const senders = new Senders();
      const sends = both.members.flatMap(({ conversation }, number) =>
        // On a busy machine the last of them wait longer than the SDK does for an answer.
        range(250).map((turn) => senders.insist(`client ${number} ${turn}`, (body) => conversation.sendMessage(body))),
      );
      await Promise.all(sends);
      assert.equal(new Set(senders.acknowledged.values()).size, 500);
      const copies = (await isWhole(both, senders)) - 501;
      assert.ok(copies >= 0 && copies <= senders.unanswered, `${copies} copies of ${senders.unanswered} unanswered`);
    });

    test("R39: a killed server loses nothing that it acknowledged, and its clients go on by themselves", async (t) => {
      t.diagnostic(`CONFAB_CHAOS_SEED=${SEED}`);
      const chance = random(SEED);
      const own = await Server.for(t);
      const both = await couple(t, own, await own.tokenService(), [own.websocket, own.websocket]);
      const senders = new Senders();
      const sending = traffic(both, senders, chance);
      // Killed while messages are under way: at a number of acknowledgements, not at a time.
      for (const least of [20, 90]) {
        const reached = new Promise((resolve) => {
          const set = senders.acknowledged.set;
          senders.acknowledged.set = function (...entry) {
            set.apply(this, entry);
            if (this.size >= least) {
              resolve();
            }
            return this;
          };
        });
        await Promise.race([reached, sending]);
        await own.kill();
        await own.restart();
      }
      await sending;
      const stored = await isWhole(both, senders);
      t.diagnostic(`${stored} messages stored, ${senders.unanswered} sends unanswered`);
      for (const { chat } of both.members) {
        assert.ok(chat.all("connectionStateChanged", (state) => state === "connected").length > 1, "it came back");
      }
    });
  });
}
