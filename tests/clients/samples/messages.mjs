// Samples of the reference pages of messages, of their receipts, and of who is called for them; each stands in both forms
// of the URLs.

import { poll, unique } from "../harness.mjs";
import { DATES, echoing, json, links, sms } from "./common.mjs";

const message = (name, make, more) => [
  name,
  ...echoing(make, async (place, given) => (await place.room()).messages.create(given), more),
  201,
];
const webhook = (name, given, wanted) => [
  name,
  async (place) => (await place.room()).webhooks.create(given),
  { sid: /^WH/, conversationSid: /^CH/, ...wanted },
  201,
];

const HOOK = { target: "webhook", "configuration.url": "https://example.com/hook", "configuration.filters": ["onMessageAdded"] };

/** A message that a phone got. */
async function delivered(place) {
  const room = await place.room();
  await room.participants.create(sms());
  const { sid } = await room.messages.create({ author: "shop", body: "Your order is packed" });
  const one = room.messages(sid);
  await poll("the receipt", async () => (await one.fetch()).delivery?.delivered === "all");
  return one;
}

export const MESSAGES = {
  "Conversation Message resource": [
    message(
      "create with author and body",
      () => ({ author: "hook", body: "Land in sight!" }),
      (given) => ({
        ...given,
        sid: /^IM[0-9a-f]{32}$/,
        conversationSid: /^CH/,
        media: null,
        participantSid: null,
        attributes: "{}",
        index: 0,
        delivery: null,
        contentSid: null,
        url: /\/Messages\/IM[0-9a-f]{32}$/,
        links: links("delivery_receipts", "channel_metadata"),
      }),
    ),
    message(
      "create with attributes and dates",
      () => ({ author: "hook", body: "Aye", attributes: json({ weight: "heavy" }), ...DATES }),
      (given) => given,
    ),
    message(
      "create with dates",
      () => ({ author: "hook", body: "Aye", ...DATES }),
      (given) => ({ ...given, attributes: "{}" }),
    ),
    [
      "create with media",
      async (place) => {
        const room = await place.room();
        const upload = await place.server.request("POST", `/mcs/v1/Services/${room.chatServiceSid}/Media?Filename=map.txt`, {
          body: "X marks it",
          headers: { "Content-Type": "text/plain" },
        });
        return room.messages.create({ author: "hook", mediaSid: upload.json.sid, attributes: "{}", ...DATES });
      },
      { body: null, media: [{ sid: /^ME/, size: 10, content_type: "text/plain", filename: "map.txt" }], ...DATES },
      201,
    ],
    [
      "create from a template with variables",
      async (place) => {
        const template = await place.account.content.v1.contents.create({
          friendly_name: unique("greeting"),
          language: "en",
          variables: { name: "somebody" },
          types: { "twilio/text": { body: "Welcome aboard, {{name}}" } },
        });
        const contentVariables = json({ name: "Wendy" });
        return (await place.room()).messages.create({ author: "hook", contentSid: template.sid, contentVariables, ...DATES });
      },
      { body: "Welcome aboard, Wendy", contentSid: /^HX/, ...DATES },
      201,
    ],
    message(
      "create with a subject",
      () => ({ author: "hook", body: "Inside", subject: "Outside", ...DATES }),
      ({ subject, ...given }) => given,
    ),
    [
      "fetch",
      async (place) => {
        const room = await place.room();
        const { sid } = await room.messages.create({ body: "Ahead!" });
        return room.messages(sid).fetch();
      },
      { body: "Ahead!", author: "system", index: 0 },
    ],
    [
      "list",
      async (place) => {
        const room = await place.room();
        for (const body of ["one", "two", "three"]) {
          await room.messages.create({ body });
        }
        return (await room.messages.list({ limit: 20 })).map(({ index, body }) => `${index} ${body}`);
      },
      ["0 one", "1 two", "2 three"],
    ],
    [
      "list the latest first",
      async (place) => {
        const room = await place.room();
        for (const body of ["one", "two", "three"]) {
          await room.messages.create({ body });
        }
        return (await room.messages.list({ order: "desc", limit: 20 })).map(({ body }) => body);
      },
      ["three", "two", "one"],
    ],
    [
      "list with an order in mixed case",
      async (place) => {
        const room = await place.room();
        await room.messages.create({ body: "one" });
        await room.messages.create({ body: "two" });
        return (await room.messages.list({ order: "dEsC" })).map(({ body }) => body);
      },
      ["two", "one"],
    ],
    [
      "update author and body",
      async (place) => {
        const room = await place.room();
        const { sid } = await room.messages.create({ author: "hook", body: "Fire!" });
        return room.messages(sid).update({ author: "smee", body: "Hold fire" });
      },
      { author: "smee", body: "Hold fire", index: 0 },
    ],
    [
      "update everything",
      ...echoing(
        () => ({ author: "smee", body: "Ready", attributes: json({ weight: "light" }), ...DATES }),
        async (place, given) => {
          const room = await place.room();
          const { sid } = await room.messages.create({ author: "hook", body: "Fire!" });
          return room.messages(sid).update(given);
        },
        (given) => given,
      ),
    ],
    [
      "delete",
      async (place) => {
        const room = await place.room();
        const { sid } = await room.messages.create({ body: "Overboard" });
        return room.messages(sid).remove();
      },
      true,
      204,
    ],
  ],

  "Conversation Message Receipt resource": [
    [
      "list",
      async (place) => (await delivered(place)).deliveryReceipts.list({ limit: 20 }),
      [
        {
          sid: /^DY/,
          messageSid: /^IM/,
          conversationSid: /^CH/,
          participantSid: /^MB/,
          channelMessageSid: /^SM/,
          status: "delivered",
          errorCode: 0,
        },
      ],
    ],
    [
      "fetch",
      async (place) => {
        const one = await delivered(place);
        const [{ sid }] = await one.deliveryReceipts.list();
        return one.deliveryReceipts(sid).fetch();
      },
      { sid: /^DY/, status: "delivered", errorCode: 0, url: /\/Receipts\/DY[0-9a-f]{32}$/ },
    ],
  ],

  "Conversation Scoped Webhook resource": [
    webhook(
      "create for events, called by GET",
      { ...HOOK, "configuration.method": "get", "configuration.filters": ["onMessageAdded", "onConversationRemoved"] },
      {
        target: "webhook",
        configuration: { url: "https://example.com/hook", method: "get", filters: ["onMessageAdded", "onConversationRemoved"] },
      },
    ),
    webhook(
      "create for events, without a method",
      { ...HOOK, "configuration.filters": ["onMessageAdded", "onMessageUpdated"] },
      { configuration: { method: "post", filters: ["onMessageAdded", "onMessageUpdated"] } },
    ),
    webhook("create with a replay", { ...HOOK, "configuration.replayAfter": 7 }, { configuration: { replay_after: 7 } }),
    webhook(
      "create for keywords",
      { target: "trigger", "configuration.url": "https://example.com/hook", "configuration.triggers": ["stop", "help"] },
      { target: "trigger", configuration: { url: "https://example.com/hook", triggers: ["stop", "help"] } },
    ),
    webhook(
      "create for a Studio flow",
      { target: "studio", "configuration.flowSid": `FW${"a".repeat(32)}` },
      { target: "studio", configuration: { flow_sid: `FW${"a".repeat(32)}` } },
    ),
    [
      "fetch",
      async (place) => {
        const room = await place.room();
        const { sid } = await room.webhooks.create(HOOK);
        return room.webhooks(sid).fetch();
      },
      { sid: /^WH/, target: "webhook", url: /\/Webhooks\/WH[0-9a-f]{32}$/ },
    ],
    [
      "list",
      async (place) => {
        const room = await place.room();
        await room.webhooks.create(HOOK);
        await room.webhooks.create({ target: "studio", "configuration.flowSid": `FW${"b".repeat(32)}` });
        return (await room.webhooks.list({ limit: 5 })).map(({ target }) => target).sort();
      },
      ["studio", "webhook"],
    ],
    ["list none", async (place) => (await place.room()).webhooks.list(), []],
    [
      "update the events",
      async (place) => {
        const room = await place.room();
        const { sid } = await room.webhooks.create(HOOK);
        return room.webhooks(sid).update({ "configuration.filters": ["onParticipantAdded"] });
      },
      { target: "webhook", configuration: { url: "https://example.com/hook", filters: ["onParticipantAdded"] } },
    ],
    [
      "update URL, method and keywords",
      async (place) => {
        const room = await place.room();
        const { sid } = await room.webhooks.create({
          target: "trigger",
          "configuration.url": "https://example.com/hook",
          "configuration.triggers": ["stop"],
        });
        return room.webhooks(sid).update({
          "configuration.url": "https://example.com/other",
          "configuration.method": "post",
          "configuration.triggers": ["start", "again"],
        });
      },
      { target: "trigger", configuration: { url: "https://example.com/other", method: "post", triggers: ["start", "again"] } },
    ],
    [
      // The page sends keywords as filters; what a trigger does not have is passed over (B-518).
      "update with filters that are none of its target's",
      async (place) => {
        const room = await place.room();
        const { sid } = await room.webhooks.create({
          target: "trigger",
          "configuration.url": "https://example.com/hook",
          "configuration.triggers": ["stop"],
        });
        return room.webhooks(sid).update({ "configuration.filters": ["start", "again"] });
      },
      { target: "trigger", configuration: { triggers: ["stop"] } },
    ],
    [
      "delete",
      async (place) => {
        const room = await place.room();
        const { sid } = await room.webhooks.create(HOOK);
        return room.webhooks(sid).remove();
      },
      true,
      204,
    ],
  ],
};
