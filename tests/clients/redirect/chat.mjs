// A program of a user: the chat SDK without an option, and what he types. Ends with what it saw as one line of JSON.

import { createRequire } from "node:module";

const [sdk, token, region] = process.argv.slice(2);
const { Client } = createRequire(import.meta.url)(sdk);
const client = new Client(token, region ? { region } : undefined);
const states = [];
client.on("connectionStateChanged", (state) => states.push(state));
client.on("connectionError", (error) => console.error(error));
await new Promise((resolve) => client.once("initialized", resolve));
const conversation = await client.createConversation({ friendlyName: "redirected" });
await conversation.join();
// What is in a conversation when the SDK opens it makes no event.
await conversation.getMessages(1);
const seen = new Promise((resolve) => conversation.once("messageAdded", resolve));
const file = { contentType: "text/plain", filename: "a.txt", media: Buffer.from("file content") };
await conversation.prepareMessage().setBody("hello").addMedia(file).build().send();
const message = await seen;
// The record is on one host, the bytes are on another one.
const url = await message.attachedMedia[0].getContentTemporaryUrl();
const content = await (await fetch(url)).text();
const { author, body } = message;
const { identity, friendlyName } = client.user;
const { host } = new URL(url);
console.log(JSON.stringify({ sid: conversation.sid, identity, friendlyName, states, author, body, host, content }));
process.exit();
