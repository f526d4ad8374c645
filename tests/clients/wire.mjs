// A proxy for the SDK's websocket that reads its frames (realtime.md §2.1). It passes them on byte by byte, keeps what it
// saw, and can do what a network or a server in trouble does: cut, answer a request itself, say something on its own.

import { once } from "node:events";
import http from "node:http";
import WebSocket, { WebSocketServer } from "ws";
import { atEnd, withDeadline } from "./harness.mjs";

const PATIENCE = 60_000;

/** Takes a frame apart; `text` is its payload. */
export function parse(bytes) {
  const line = bytes.indexOf("\r\n");
  const [magic, version, size] = bytes.subarray(0, line).toString().split(" ");
  if (magic !== "TWILSOCK" || version !== "V3.0") {
    throw new Error(`no frame: ${bytes}`);
  }
  const start = line + 2;
  const end = start + Number(size);
  const header = JSON.parse(bytes.subarray(start, end));
  const text = bytes.subarray(end + 2, end + 2 + header.payload_size).toString();
  return { header, text };
}

/** The bytes of a frame. */
export function build(header, payload) {
  const body = payload === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(payload));
  const type = payload === undefined ? {} : { payload_type: "application/json" };
  const head = Buffer.from(JSON.stringify({ ...header, ...type, payload_size: body.length }));
  return Buffer.concat([Buffer.from(`TWILSOCK V3.0 ${head.length}\r\n`), head, Buffer.from("\r\n"), body]);
}

/**
 * A frame in a few words: the method, for requests and their answers with path and status. SIDs lose their digits, so
 * that a list of them can be written into a test.
 */
function named({ header }) {
  const { method, http_request: request } = header;
  if (request) {
    const params = Object.entries(request.params).map(([name, value]) => `${name}=${value}`);
    const target = params.length > 0 ? `${request.path}?${params.join("&")}` : request.path;
    return `${request.method} ${target}`.replace(/\b([A-Z]{2})[0-9a-f]{32}\b/g, "$1");
  }
  return method;
}

export class Wire {
  /** Everything that passed: which socket (1, 2, …), from the client or not, in words, header and payload. */
  frames = [];
  #waiting = new Set();
  /** SIDs of the entities that the client knows by name, and of those that it follows. */
  #entities = new Map();
  #followed = new Set();
  #sockets = [];
  #answers = [];
  #up = true;

  static async to(t, server) {
    const wire = new Wire();
    wire.server = server;
    wire.listener = http.createServer();
    const acceptor = new WebSocketServer({ noServer: true, perMessageDeflate: false });
    wire.listener.on("upgrade", (request, socket, head) => {
      socket.on("error", () => {});
      if (!wire.#up) {
        socket.destroy();
        return;
      }
      acceptor.handleUpgrade(request, socket, head, (near) => wire.#join(near, request.headers));
    });
    wire.listener.listen(0, "127.0.0.1");
    await once(wire.listener, "listening");
    atEnd(t, () => {
      wire.cut();
      wire.listener.close();
    });
    return wire;
  }

  get websocket() {
    return `ws://127.0.0.1:${this.listener.address().port}/v3/wsconnect`;
  }

  #join(near, { origin }) {
    const far = new WebSocket(this.server.websocket, { perMessageDeflate: false, headers: origin ? { origin } : {} });
    const socket = this.#sockets.push({ near, far });
    const early = [];
    this.#followed.clear();
    far.on("open", () => early.splice(0).forEach((bytes) => far.send(bytes)));
    near.on("message", (bytes) => {
      const frame = this.#keep(socket, true, bytes);
      const rule = this.#answers.find((one) => one.times > 0 && one.fits(frame));
      if (rule) {
        rule.times -= 1;
        const { code, status, body } = rule;
        const header = { method: "reply", id: frame.header.id, status: { code: 200, status: "OK" } };
        this.#say(socket, { ...header, http_status: { code, status } }, body);
      } else if (far.readyState === WebSocket.OPEN) {
        far.send(bytes);
      } else {
        early.push(bytes);
      }
    });
    far.on("message", (bytes) => {
      this.#keep(socket, false, bytes);
      near.send(bytes);
    });
    // What one side does the other one hears as it is: an orderly close, or the loss of the network.
    for (const [from, to] of [[near, far], [far, near]]) {
      from.on("error", () => to.terminate());
      from.on("close", (code) => (code === 1006 ? to.terminate() : to.close()));
    }
  }

  #keep(socket, fromClient, bytes) {
    const { header, text } = parse(bytes);
    const frame = { socket, fromClient, header, text };
    frame.name = named(frame);
    this.frames.push(frame);
    if (!fromClient && text !== "") {
      this.#learn(JSON.parse(text));
    }
    this.#waiting.forEach((check) => check());
    return frame;
  }

  #learn({ unique_name: name, sid, event_type: type, events }) {
    if (name !== undefined) {
      this.#entities.set(name, sid);
    }
    if (type === "subscription_established") {
      events.forEach((event) => this.#followed.add(event.object_sid));
    }
    if (type === "subscription_canceled") {
      events.forEach((event) => this.#followed.delete(event.object_sid));
    }
  }

  #say(socket, header, payload) {
    const bytes = build(header, payload);
    this.#keep(socket, false, bytes);
    this.#sockets[socket - 1].near.send(bytes);
  }

  /** How many sockets the client has opened. */
  get sockets() {
    return this.#sockets.length;
  }

  /** Give it as `from` to look only at what comes after this moment. */
  get now() {
    return this.frames.length;
  }

  /** All frames that fit, in order. */
  all(fits, from = 0) {
    return this.frames.slice(from).filter(fits);
  }

  /** The first fitting frame, at once if it has already passed. */
  async saw(what, fits, from = 0) {
    await this.#until(() => this.all(fits, from).length > 0, what, from);
    return this.all(fits, from)[0];
  }

  /** Waits until the client's subscriptions of these entities hold: what happens now it hears in its order. */
  async follows(...names) {
    await this.#until(() => names.every((name) => this.#followed.has(this.#entities.get(name))), `subscriptions of ${names}`);
  }

  async #until(met, what, from = 0) {
    let check;
    const reached = new Promise((resolve) => {
      check = () => met() && resolve();
      this.#waiting.add(check);
      check();
    });
    const told = () => this.frames.slice(from).map((frame) => `${frame.fromClient ? ">" : "<"} ${frame.name}`).join("\n");
    await withDeadline(reached, what, told, PATIENCE).finally(() => this.#waiting.delete(check));
  }

  /** The names of the client's requests, which are all that is not an answer. */
  requests(from = 0) {
    return this.all((frame) => frame.fromClient && frame.header.method !== "reply", from).map(({ name }) => name);
  }

  /** The reply of the server to a frame of the client. */
  reply(frame) {
    const { id } = frame.header;
    return this.saw(`the reply to ${frame.name}`, (one) => !one.fromClient && one.header.method === "reply" && one.header.id === id);
  }

  /** Answers the next fitting requests itself; the server does not see them. */
  answer(fits, { times = 1, code, status, body = {} }) {
    this.#answers.push({ fits, times, code, status, body });
  }

  /** Says something to the client in the name of the server. */
  tell(header, payload) {
    this.#say(this.#sockets.length, header, payload);
  }

  /** For both sides the loss of the network; nothing comes through until `mend`. */
  cut() {
    this.#up = false;
    this.#sockets.forEach(({ near, far }) => [near, far].forEach((one) => one.terminate()));
  }

  mend() {
    this.#up = true;
  }
}
