// What the tests of the JavaScript clients share: a server process, the clients aimed at it, and waiting without sleeps.

import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once as nextEvent } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { after } from "node:test";

const require = createRequire(import.meta.url);
const twilio = require("twilio");

/** Long enough for a busy machine; a test that waits in vain fails with the name of what it waited for. */
const PATIENCE = 60_000;

// The SDK keeps timers of requests that were under way when its token expired, and of clients that were shut down:
// they would hold this process for minutes after the last test. The timer alone holds nothing up.
after(() => {
  setTimeout(() => process.exit(), 1000).unref();
});

/** The chat SDKs under test: package.json has each of them by this name. */
export const SDKS = ["2.4.0", "2.6.5", "2.7.0", "3.0.1"].map((version) => ({
  version,
  Client: require(`conversations-${version}`).Client,
}));

export { twilio };

const hex = (bytes) => randomBytes(bytes).toString("hex");

let counter = 0;
/** A name that no other test of this run uses. */
export const unique = (prefix) => `${prefix}-${process.pid}-${++counter}`;
/** An E.164 address that no other test of this file uses. */
export const phone = () => `+1555${String(7_000_000 + ++counter)}`;

const endings = new WeakMap();
/** Work for the end of a test, last in first out: clients go before the server they use. */
export function atEnd(t, work) {
  if (!endings.has(t)) {
    const stack = [];
    endings.set(t, stack);
    t.after(async () => {
      const errors = [];
      while (stack.length > 0) {
        try {
          await stack.pop()();
        } catch (error) {
          errors.push(error);
        }
      }
      if (errors.length > 0) {
        throw errors[0];
      }
    });
  }
  endings.get(t).push(work);
}

// ---------------------------------------------------------------------------------------------- server process

const running = new Set();
// Whatever ends this process early must not leave servers behind.
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => process.exit(1));
}

/** The server reads every CONFAB_ variable as an option; those of the test run are none. */
const inherited = () => Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("CONFAB_")));

/** A server on its own data directory, and on its own database when CONFAB_TEST_DATABASE names a PostgreSQL. */
export class Server {
  /** For one test: gone when it ends. */
  static async for(t, options) {
    const server = await Server.start(options);
    atEnd(t, () => server.stop());
    return server;
  }

  /** @param tls whether it also serves TLS and is a proxy, after `confab tls init` */
  static async start({ env = {}, tls = false } = {}) {
    if (!process.env.CONFAB_BIN) {
      throw new Error("CONFAB_BIN must be the path of the confab binary");
    }
    const server = new Server();
    server.env = env;
    server.accountSid = `AC${hex(16)}`;
    server.authToken = hex(16);
    server.dataDir = await mkdtemp(path.join(os.tmpdir(), "confab-clients-"));
    server.database = await createDatabase();
    server.port = 0;
    server.tlsPort = tls ? 0 : undefined;
    try {
      if (tls) {
        await promisify(execFile)(process.env.CONFAB_BIN, ["tls", "init", "--data-dir", server.dataDir], { env: inherited() });
      }
      await server.#spawn();
    } catch (error) {
      server.child?.kill("SIGKILL");
      await server.stop().catch(() => {});
      throw error;
    }
    return server;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  get websocket() {
    return `ws://127.0.0.1:${this.port}/v3/wsconnect`;
  }

  /** What a client has to trust. */
  get authority() {
    return path.join(this.dataDir, "tls", "ca.pem");
  }

  async #spawn() {
    const args = ["serve", "--listen", `127.0.0.1:${this.port}`, "--data-dir", this.dataDir];
    if (this.database) {
      args.push("--database", this.database);
    }
    if (this.tlsPort !== undefined) {
      args.push("--tls", `127.0.0.1:${this.tlsPort}`);
    }
    this.child = spawn(process.env.CONFAB_BIN, args, {
      cwd: this.dataDir,
      env: {
        ...inherited(),
        CONFAB_ACCOUNT_SID: this.accountSid,
        CONFAB_AUTH_TOKEN: this.authToken,
        ...this.env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const { child } = this;
    running.add(child);
    this.exited = new Promise((resolve) => {
      child.once("error", (error) => resolve({ error }));
      child.once("exit", (code, signal) => resolve({ code, signal }));
    }).then((end) => {
      running.delete(child);
      return end;
    });
    const log = [];
    const keep = (line) => {
      log.push(line);
      if (log.length > 200) {
        log.shift();
      }
    };
    createInterface({ input: child.stderr }).on("line", keep);
    const listening = new Promise((resolve) => {
      const told = {};
      createInterface({ input: child.stdout }).on("line", (line) => {
        keep(line);
        const [, name, port] = /(listening on|TLS:) +https?:\/\/\S+:(\d+)$/.exec(line) ?? [];
        if (name) {
          told[name] = Number(port);
        }
        if (told["listening on"] && (this.tlsPort === undefined || told["TLS:"])) {
          resolve(told);
        }
      });
    });
    const ended = this.exited.then((end) => {
      throw new Error(`the server ended before it listened: ${JSON.stringify(end)}\n${log.join("\n")}`);
    });
    const told = await withDeadline(Promise.race([listening, ended]), "the server to listen", () => log.join("\n"));
    this.port = told["listening on"];
    this.tlsPort = told["TLS:"];
    // The server has listened: from now on its end is no error of its own.
    ended.catch(() => {});
  }

  /** The crash: no chance to finish anything. */
  async kill() {
    this.child.kill("SIGKILL");
    await this.exited;
  }

  /** The orderly end; it must come within 10 s and with exit code 0. */
  async terminate() {
    this.child.kill("SIGTERM");
    let end;
    try {
      end = await withDeadline(this.exited, "the server to end after SIGTERM", undefined, 10_000);
    } finally {
      this.child.kill("SIGKILL");
    }
    if (end.code !== 0) {
      throw new Error(`the server ended with ${JSON.stringify(end)} after SIGTERM`);
    }
  }

  /** Starts again on the same port, data directory and database. */
  async restart() {
    await this.#spawn();
  }

  /** Ends the server, if it still runs, and removes everything it stored. */
  async stop() {
    try {
      if (running.has(this.child)) {
        await this.terminate();
      }
    } finally {
      await rm(this.dataDir, { recursive: true, force: true });
      await dropDatabase(this.database);
    }
  }

  // -------------------------------------------------------------------------------------------- REST

  /** The helper library, aimed at this server; by default as the account itself. */
  twilio(username = this.accountSid, password = this.authToken) {
    return twilio(username, password, {
      accountSid: this.accountSid,
      httpClient: new LocalRequestClient(this.url),
    });
  }

  /** A bare request for what the helper library cannot express; answers status, headers and the decoded body. */
  async request(method, target, { form, body, headers = {}, auth = true } = {}) {
    const credentials = Buffer.from(`${this.accountSid}:${this.authToken}`).toString("base64");
    const response = await fetch(new URL(target, this.url), {
      method,
      headers: { ...(auth && { Authorization: `Basic ${credentials}` }), ...headers },
      body: form ? new URLSearchParams(form) : body,
    });
    const text = await response.text();
    let json = null;
    try {
      json = JSON.parse(text);
    } catch {
      // Not every answer is JSON; the test that expects it will see null.
    }
    return { status: response.status, headers: response.headers, text, json };
  }

  /** An API key and a way to mint access tokens with it, as an application's token service has. */
  async tokenService() {
    const rest = this.twilio();
    const [key, configuration] = await Promise.all([
      rest.newKeys.create({ friendlyName: unique("tokens") }),
      rest.conversations.v1.configuration().fetch(),
    ]);
    const service = configuration.defaultChatServiceSid;
    let minted = 0;
    const mint = (identity, { ttl = 3600, secret = key.secret, serviceSid = service } = {}) => {
      // Tokens of one user and second are the same text but for this, and the SDK does nothing with a token that it has.
      minted += 1;
      const nbf = Math.floor(Date.now() / 1000) - minted;
      const token = new twilio.jwt.AccessToken(this.accountSid, key.sid, secret, { identity, ttl, nbf });
      token.addGrant(new twilio.jwt.AccessToken.ChatGrant({ serviceSid }));
      return token.toJwt();
    };
    return { key, service, mint };
  }

  // -------------------------------------------------------------------------------------------- simulated handsets

  handset(number) {
    const base = `/simulator/v1/Handsets/${encodeURIComponent(number)}`;
    const messages = async () => {
      const answer = await this.request("GET", `${base}/Messages?PageSize=1000`);
      if (answer.status !== 200) {
        throw new Error(`the handset answered ${answer.status}: ${answer.text}`);
      }
      return answer.json.messages;
    };
    return {
      messages,
      /** Waits until a message of the inbox fits. */
      received: (predicate) =>
        poll(`a message at the handset ${number}`, async () =>
          (await messages()).find((message) => message.direction === "received" && predicate(message)),
        ),
      send: (form) => this.request("POST", `${base}/Messages`, { form }),
      report: (sid, form) => this.request("POST", `${base}/Messages/${sid}`, { form }),
      mode: (mode) => this.request("POST", base, { form: { Mode: mode } }),
    };
  }
}

/** Sends what is meant for `<product>.twilio.com` to `<server>/<product>`; page URLs of the server pass unchanged. */
class LocalRequestClient extends twilio.RequestClient {
  constructor(base) {
    super();
    this.base = base;
  }

  request(options) {
    const url = new URL(options.uri);
    const product = /^([a-z-]+)\.twilio\.com$/.exec(url.hostname)?.[1];
    const uri = product ? `${this.base}/${product}${url.pathname}${url.search}` : options.uri;
    return super.request({ ...options, uri });
  }
}

// ---------------------------------------------------------------------------------------------- programs of users

/**
 * Runs a program with an environment that holds nothing which sends clients elsewhere or lets them trust anybody; gives
 * its output, or fails with it.
 */
export async function run(program, args, env = {}) {
  const leads = /^(npm_|CONFAB_|TWILIO_|(HTTPS?|ALL|NO)_PROXY$|NODE_|SSL_CERT|REQUESTS_CA|CURL_CA)/i;
  const rest = Object.entries(process.env).filter(([name]) => !leads.test(name));
  try {
    const options = { env: { ...Object.fromEntries(rest), ...env }, timeout: 60_000 };
    return (await promisify(execFile)(program, args, options)).stdout;
  } catch (error) {
    throw new Error(`${program} ${args.join(" ")} ended with ${error.code}\n${error.stdout}${error.stderr}`);
  }
}

// ---------------------------------------------------------------------------------------------- PostgreSQL

const psql = (sql) => promisify(execFile)("psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, process.env.CONFAB_TEST_DATABASE]);

async function createDatabase() {
  if (!process.env.CONFAB_TEST_DATABASE) {
    return undefined;
  }
  const name = `confab_clients_${hex(8)}`;
  await psql(`CREATE DATABASE ${name}`);
  const url = new URL(process.env.CONFAB_TEST_DATABASE);
  url.pathname = `/${name}`;
  return url.href;
}

async function dropDatabase(url) {
  if (url) {
    await psql(`DROP DATABASE IF EXISTS ${new URL(url).pathname.slice(1)} WITH (FORCE)`);
  }
}

// ---------------------------------------------------------------------------------------------- SDK clients

const CLIENT_EVENTS = [
  "conversationAdded",
  "conversationJoined",
  "conversationLeft",
  "conversationRemoved",
  "conversationUpdated",
  "participantJoined",
  "participantLeft",
  "participantUpdated",
  "messageAdded",
  "messageRemoved",
  "messageUpdated",
  "typingStarted",
  "typingEnded",
  "userSubscribed",
  "userUnsubscribed",
  "userUpdated",
  "tokenAboutToExpire",
  "tokenExpired",
  "stateChanged",
  "initFailed",
  "connectionStateChanged",
  "connectionError",
];

/**
 * An event in words: its name, what it is about, and for updates what has changed. So that a test can write down all that
 * a client is to see.
 */
function inWords({ name, value }) {
  if (typeof value === "string") {
    return `${name} ${value}`;
  }
  const { message, participant, user, updateReasons } = value ?? {};
  const subject = message ?? participant ?? user ?? value;
  const [kind] = /^[a-z]+/.exec(name);
  const about = {
    message: () => subject.index,
    participant: () => subject.identity ?? subject.type,
    typing: () => subject.identity,
    user: () => subject.identity,
  };
  return [name, about[kind]?.(), updateReasons && [...updateReasons].sort().join(",")]
    .filter((word) => word !== undefined)
    .join(" ");
}

/** The SID of the conversation that an event is about, if it is about one. */
function conversationOf({ name, value }) {
  if (/^conversation(Added|Joined|Left|Removed)$/.test(name)) {
    return value.sid;
  }
  const subject = value?.message ?? value?.participant ?? value;
  return subject?.conversation?.sid;
}

/** An SDK client whose events are all recorded from the first moment, so that no test can come too late for one. */
export class Chat {
  #waiting = new Set();

  /** @param t the test; the client is shut down when it ends */
  constructor(t, sdk, token, websocket) {
    this.client = new sdk.Client(token, { Twilsock: { uri: websocket } });
    this.events = [];
    for (const name of CLIENT_EVENTS) {
      this.client.on(name, (value) => {
        this.events.push({ name, value });
        this.#waiting.forEach((check) => check());
      });
    }
    atEnd(t, () => this.shutdown());
  }

  /** All recorded events of that name that fit, in order. */
  all(name, predicate = () => true, from = 0) {
    return this.events
      .slice(from)
      .filter((event) => event.name === name && predicate(event.value))
      .map((event) => event.value);
  }

  /** Give it as `from` to look only at what comes after this moment. */
  get now() {
    return this.events.length;
  }

  /** All events about a conversation, in words (`messageUpdated 0 body,dateUpdated`), in order. */
  told(conversationSid, from = 0, to = this.now) {
    return this.events
      .slice(from, to)
      .filter((event) => conversationOf(event) === conversationSid)
      .map(inWords);
  }

  /** All events of users, in words. */
  toldOfUsers(from = 0) {
    return this.events
      .slice(from)
      .filter(({ name }) => name.startsWith("user"))
      .map(inWords);
  }

  /** The first fitting event, at once if it has already come. */
  async saw(name, predicate = () => true, { from = 0, timeout = PATIENCE } = {}) {
    await this.#until(() => this.all(name, predicate, from).length > 0, name, timeout);
    return this.all(name, predicate, from)[0];
  }

  /** Waits until that many fitting events have come; more than that is an error. */
  async sawExactly(count, name, predicate = () => true, { from = 0, timeout = PATIENCE } = {}) {
    await this.#until(() => this.all(name, predicate, from).length >= count, `${count} × ${name}`, timeout);
    const found = this.all(name, predicate, from);
    if (found.length !== count) {
      throw new Error(`${found.length} × ${name} instead of ${count}\n${this.#told()}`);
    }
    return found;
  }

  async #until(met, what, timeout) {
    let check;
    const reached = new Promise((resolve) => {
      check = () => met() && resolve();
      this.#waiting.add(check);
      check();
    });
    try {
      await withDeadline(reached, what, () => this.#told(), timeout);
    } finally {
      this.#waiting.delete(check);
    }
  }

  #told() {
    const tell = ({ name, value }) => `${name} ${typeof value === "string" ? value : (value?.sid ?? value?.message?.sid ?? "")}`;
    return `seen so far:\n${this.events.map(tell).join("\n")}`;
  }

  async initialized() {
    await this.saw("stateChanged", (state) => state === "initialized");
    return this;
  }

  async connected(from) {
    await this.saw("connectionStateChanged", (state) => state === "connected", { from });
  }

  async shutdown() {
    if (!this.closed) {
      this.closed = true;
      if (this.client.connectionState === "connected") {
        // An SDK that is shut down before it has read its list throws where nobody can catch it, and keeps timers
        // (realtime.md 9.2). A client that was never initialised has no list to wait for.
        await this.client.getSubscribedConversations().catch(() => {});
      }
      await withDeadline(this.client.shutdown(), "the client to shut down");
    }
  }
}

// ---------------------------------------------------------------------------------------------- a line that can be cut

/** A TCP relay in front of the server: cutting it is, for both sides, the loss of the network. */
export class Line {
  #pairs = new Set();
  #up = true;

  static async to(t, server) {
    const line = new Line();
    line.listener = net.createServer((near) => {
      if (!line.#up) {
        near.destroy();
        return;
      }
      const far = net.connect(server.port, "127.0.0.1");
      const pair = [near, far];
      const end = () => {
        line.#pairs.delete(pair);
        pair.forEach((socket) => socket.destroy());
      };
      line.#pairs.add(pair);
      pair.forEach((socket) => socket.on("error", end).on("close", end));
      near.pipe(far).pipe(near);
    });
    line.listener.listen(0, "127.0.0.1");
    await nextEvent(line.listener, "listening");
    atEnd(t, () => {
      line.cut();
      line.listener.close();
    });
    return line;
  }

  get websocket() {
    return `ws://127.0.0.1:${this.listener.address().port}/v3/wsconnect`;
  }

  cut() {
    this.#up = false;
    [...this.#pairs].flat().forEach((socket) => socket.destroy());
  }

  mend() {
    this.#up = true;
  }

  /** What the server says from now on is lost; it still hears what is said. */
  deafen() {
    for (const [near, far] of this.#pairs) {
      far.unpipe(near);
      far.resume();
    }
  }
}

// ---------------------------------------------------------------------------------------------- waiting

/** The next event that fits. For clients use Chat, which also knows the events of the past. */
export function once(emitter, event, predicate = () => true, timeout = PATIENCE) {
  let listener;
  const seen = new Promise((resolve) => {
    listener = (value) => predicate(value) && resolve(value);
    emitter.on(event, listener);
  });
  return withDeadline(seen, event, undefined, timeout).finally(() => emitter.removeListener(event, listener));
}

/** Asks again until the answer is something; for what is only told on request. */
export async function poll(what, question, timeout = PATIENCE) {
  const deadline = Date.now() + timeout;
  for (;;) {
    const answer = await question();
    if (answer) {
      return answer;
    }
    if (Date.now() > deadline) {
      throw new Error(`waited ${timeout} ms in vain for ${what}`);
    }
    // A breath between two requests, so that asking does not slow down what is asked for.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** `promise`, or an error that names `what` was not there in time. */
export function withDeadline(promise, what, detail = () => "", timeout = PATIENCE) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${timeout} ms in vain for ${what}\n${detail()}`)), timeout);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Runs `work` over `items`, a few at a time. */
export async function inParallel(items, work, width = 8) {
  const queue = [...items];
  const results = new Map();
  const worker = async () => {
    while (queue.length > 0) {
      const item = queue.shift();
      results.set(item, await work(item));
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return [...items].map((item) => results.get(item));
}

/** 0, 1, … count-1 */
export const range = (count) => Array.from({ length: count }, (_, index) => index);

/** All pages of a paginator of the SDK, beginning with `first`, in the direction of `next`. */
export async function allPages(first, next = "nextPage") {
  const pages = [first];
  const more = next === "nextPage" ? "hasNextPage" : "hasPrevPage";
  while (pages.at(-1)[more]) {
    if (pages.length > 1000) {
      throw new Error("the pages do not end");
    }
    pages.push(await pages.at(-1)[next]());
  }
  return pages;
}
