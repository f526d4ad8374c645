// How long the unmodified chat SDK takes to start; for `cargo xtask bench`.
//
//   node start.mjs WEBSOCKET TOKEN CONVERSATIONS
//
// Prints one line of JSON with milliseconds from `new Client`: until it is initialised, until the app was told of all
// joined conversations, and until it has paged through the whole list.

import { createRequire } from "node:module";
import { performance } from "node:perf_hooks";

const { Client } = createRequire(import.meta.url)("conversations-3.0.1");
const [websocket, token, count] = process.argv.slice(2);

const begun = performance.now();
const elapsed = () => performance.now() - begun;
const told = {};
const client = new Client(token, { Twilsock: { uri: websocket } });

const initialized = new Promise((resolve, reject) => {
  client.on("stateChanged", (state) => {
    told.initialized ??= elapsed();
    (state === "initialized" ? resolve : reject)(state);
  });
});
let joined = 0;
const all = new Promise((resolve) => {
  client.on("conversationJoined", () => {
    joined += 1;
    if (joined === Number(count)) {
      told.joined = elapsed();
      resolve();
    }
  });
});

await initialized;
let page = await client.getSubscribedConversations();
let listed = page.items.length;
while (page.hasNextPage) {
  page = await page.nextPage();
  listed += page.items.length;
}
told.listed = elapsed();
await all;
if (listed !== Number(count)) {
  throw new Error(`${listed} conversations are listed`);
}
console.log(JSON.stringify(told));
// The SDK's timers would hold the process.
process.exit(0);
