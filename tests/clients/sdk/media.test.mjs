// Media with the unmodified clients: the chat SDKs upload, send and read them, the helper library sends them. Rows ("R…") of
// the checklist in realtime.md §8, rules ("B-…") of behaviours.md.

import assert from "node:assert/strict";
import { phone, poll, unique } from "../harness.mjs";
import { forEachSdk } from "./stage.mjs";

const PNG = Buffer.from("89504e470d0a1a0a0000000d49484452", "hex");

/** What a temporary URL gives to anybody. */
async function download(url) {
  const response = await fetch(url);
  assert.equal(response.status, 200, url);
  return { type: response.headers.get("content-type"), bytes: Buffer.from(await response.arrayBuffer()) };
}

forEachSdk("media", (cast, test) => {
  const media = () => `/mcs/v1/Services/${cast.tokens.service}/Media`;

  /** Uploads as the account; gives the record. */
  async function upload(body, type = "text/plain", filename = "a.txt") {
    const answer = await cast.server.request("POST", `${media()}?Filename=${filename}`, {
      body,
      headers: { "Content-Type": type },
    });
    assert.equal(answer.status, 201, answer.text);
    return answer.json;
  }

  test("R9 R10 R11 B-271 B-274 B-278 B-282: sends text with files, which others read", async (t) => {
    const { alice, bob, names, hers, sid } = await cast.couple(t);
    const index = await hers
      .prepareMessage()
      .setBody("two files")
      .addMedia({ contentType: "text/plain", filename: "ä b.txt", media: Buffer.from("file content") })
      .addMedia({ contentType: "image/png", filename: "b.png", media: PNG })
      .build()
      .send();
    assert.equal(index, 0);
    const message = await bob.saw("messageAdded");
    assert.equal(message.type, "media");
    assert.equal(message.body, "two files");
    assert.equal(message.author, names[0]);
    const shown = message.attachedMedia.map((one) => [one.contentType, one.filename, one.size, one.category]);
    assert.deepEqual(shown, [
      ["text/plain", "ä b.txt", 12, "media"],
      ["image/png", "b.png", PNG.length, "media"],
    ]);
    assert.match(message.attachedMedia[0].sid, /^ME[0-9a-f]{32}$/);

    const first = await download(await message.attachedMedia[0].getContentTemporaryUrl());
    assert.equal(first.type, "text/plain");
    assert.equal(first.bytes.toString(), "file content");
    const urls = await message.getTemporaryContentUrlsForAttachedMedia();
    assert.deepEqual([...urls.keys()], message.attachedMedia.map((one) => one.sid));
    const second = await download(urls.get(message.attachedMedia[1].sid));
    assert.equal(second.type, "image/png");
    assert.deepEqual(second.bytes, PNG);
    const wanted = message.attachedMedia.map((one) => one.sid);
    const asked = await alice.client.getTemporaryContentUrlsForMediaSids(wanted);
    assert.deepEqual([...asked.keys()].sort(), [...wanted].sort());

    const [stored] = await cast.rest.conversations(sid).messages.list();
    assert.equal(stored.body, "two files");
    assert.deepEqual(stored.media.map((one) => one.sid), wanted);
    const record = await cast.server.request("GET", `${media()}/${wanted[0]}`);
    assert.deepEqual(
      [record.json.author, record.json.message_sid, record.json.channel_sid, record.json.filename],
      [names[0], stored.sid, sid, "ä b.txt"],
    );
  });

  test("R9: sends one file the older way, without text", async (t) => {
    const { bob, hers, his } = await cast.couple(t);
    await hers.sendMessage({ contentType: "application/octet-stream", media: PNG });
    const message = await bob.saw("messageAdded");
    assert.equal(message.type, "media");
    assert.equal(message.body, null);
    assert.equal(message.attachedMedia.length, 1);
    // The bytes told what they are.
    assert.equal(message.media.contentType, "image/png");
    assert.equal(message.media.filename, null);
    // A fresh client reads the same from the list.
    const [read] = (await his.getMessages(1)).items;
    assert.equal(read.attachedMedia[0].sid, message.attachedMedia[0].sid);
    assert.deepEqual((await download(await read.media.getContentTemporaryUrl())).bytes, PNG);
  });

  test("R12: a browser's form is an upload", async (t) => {
    const { alice, hers, names } = await cast.couple(t);
    // The platform's own: SDK 2.6 puts another one into its global name (realtime.md §7).
    const form = await new Response(new URLSearchParams()).formData();
    form.append("file", new Blob(["abc"], { type: "text/plain" }), "f.txt");
    const answer = await fetch(`${cast.server.url}${media()}?Category=media`, {
      method: "POST",
      headers: { "X-Twilio-Token": cast.tokens.mint(names[0]) },
      body: form,
    });
    assert.equal(answer.status, 201);
    assert.equal(answer.headers.get("access-control-allow-origin"), "*");
    const record = await answer.json();
    assert.deepEqual([record.size, record.content_type, record.filename, record.author], [3, "text/plain", "f.txt", names[0]]);
    await hers.sendMessage("fence");
    assert.equal((await alice.saw("messageAdded")).body, "fence");
  });

  test("B-274 B-275 B-276: the helper library sends what was uploaded, once", async (t) => {
    const { bob, sid } = await cast.couple(t);
    const record = await upload("report", "application/pdf", "r.pdf");
    const { messages } = cast.rest.conversations(sid);
    const sent = await messages.create({ author: "system", mediaSid: record.sid });
    assert.deepEqual(sent.media, [{ sid: record.sid, size: 6, content_type: "application/pdf", filename: "r.pdf" }]);
    assert.equal(sent.body, null);
    const seen = await bob.saw("messageAdded");
    assert.equal(seen.attachedMedia[0].filename, "r.pdf");
    assert.equal((await download(await seen.attachedMedia[0].getContentTemporaryUrl())).bytes.toString(), "report");
    const refusal = (code) => (error) => error.status === 400 && error.code === code;
    await assert.rejects(messages.create({ mediaSid: record.sid }), refusal(50508));
    await assert.rejects(messages.create({ mediaSid: `ME${"0".repeat(32)}` }), refusal(50507));
    await assert.rejects(messages.create({ mediaSid: "ME1" }), refusal(50510));
  });

  test("media of others cannot be read, and are gone with their message: B-280", async (t) => {
    const { bob, hers, sid } = await cast.couple(t);
    const eve = await cast.connect(t, unique("eve"));
    await hers.prepareMessage().addMedia({ contentType: "text/plain", filename: "a", media: Buffer.from("x") }).build().send();
    const message = await bob.saw("messageAdded");
    const [attached] = message.attachedMedia;
    await assert.rejects(eve.client.getTemporaryContentUrlsForMediaSids([attached.sid]));
    const url = await attached.getContentTemporaryUrl();
    await cast.rest.conversations(sid).messages(message.sid).remove();
    await bob.saw("messageRemoved");
    assert.equal((await fetch(url)).status, 404);
    assert.equal((await cast.server.request("GET", `${media()}/${attached.sid}`)).status, 404);
    // Not asked of the medium itself: 2.4 makes two requests for one that it knows, and catches the error of one.
    await assert.rejects(bob.client.getTemporaryContentUrlsForMediaSids([attached.sid]));
  });

  test("B-282 B-283 B-285: files go out to a phone and come in from it", async (t) => {
    const { alice, bob, hers, sid } = await cast.couple(t);
    const [address, proxyAddress] = [phone(), phone()];
    await cast.rest.conversations(sid).participants.create({
      "messagingBinding.address": address,
      "messagingBinding.proxyAddress": proxyAddress,
    });
    await hers
      .prepareMessage()
      .setBody("not for phones")
      .addMedia({ contentType: "image/png", filename: "b.png", media: PNG })
      .build()
      .send();
    const handset = cast.server.handset(address);
    const received = await handset.received((message) => message.media.length === 1);
    assert.equal(received.body, "");
    assert.match(received.sid, /^MM/);
    assert.deepEqual((await download(received.media[0])).bytes, PNG);
    const message = await bob.saw("messageUpdated", ({ updateReasons }) => updateReasons.includes("deliveryReceipt"));
    assert.equal(message.message.aggregatedDeliveryReceipt.total, 1);

    const onTheWeb = (await upload(PNG, "image/png", "c.png")).links.content_direct_temporary;
    const sent = await handset.send({ To: proxyAddress, Body: "from me", MediaUrl: onTheWeb });
    assert.equal(sent.status, 201, sent.text);
    await handset.send({ To: proxyAddress, Body: "and this" });
    const picture = await alice.saw("messageAdded", ({ author, body }) => author === address && body === "from me");
    assert.equal(picture.type, "media");
    assert.deepEqual((await download(await picture.attachedMedia[0].getContentTemporaryUrl())).bytes, PNG);
    const next = await alice.saw("messageAdded", ({ body }) => body === "and this");
    assert.equal(next.index, picture.index + 1);
    await poll("the handset to know", async () => (await handset.messages()).every(({ status }) => status !== "sent"));
  });
});
