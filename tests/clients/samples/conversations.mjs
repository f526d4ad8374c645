// Samples of the reference pages of conversations and of who is in them; each stands in both forms of the URLs.

import { phone, poll, unique } from "../harness.mjs";
import { CHANGED, DATES, MADE, echoing, firstPage, json, links, sids, sms } from "./common.mjs";

const shown = (parameters, type = "sms") => ({
  type,
  address: parameters["messagingBinding.address"],
  proxy_address: parameters["messagingBinding.proxyAddress"],
});

const conversation = (name, make, more) => [
  name,
  ...echoing(make, (place, given) => place.base.conversations.create(given), more),
  201,
];
const participant = (name, make, more) => [
  name,
  ...echoing(make, async (place, given) => (await place.room()).participants.create(given), more),
  201,
];

export const CONVERSATIONS = {
  "Conversation resource": [
    conversation(
      "create with a friendly name",
      () => ({ friendlyName: "Garden fence" }),
      (given) => ({
        ...given,
        sid: /^CH[0-9a-f]{32}$/,
        accountSid: /^AC/,
        chatServiceSid: /^IS/,
        messagingServiceSid: /^MG/,
        uniqueName: null,
        attributes: "{}",
        state: "active",
        timers: {},
        url: /\/Conversations\/CH[0-9a-f]{32}$/,
        links: links("participants", "messages", "webhooks"),
      }),
    ),
    conversation(
      "create without parameters",
      () => ({}),
      () => ({ friendlyName: null, state: "active" }),
    ),
    conversation(
      "create with everything",
      async (place) => ({
        friendlyName: "Roof repair",
        uniqueName: unique("roof"),
        attributes: json({ topic: "tiles" }),
        messagingServiceSid: await place.pool(),
        state: "inactive",
        "timers.inactive": "PT1M",
        "timers.closed": "PT10M",
        ...DATES,
      }),
      ({ "timers.inactive": _, "timers.closed": __, ...given }) => ({ ...given, timers: { date_closed: /Z$/ } }),
    ),
    conversation("create active, with dates", async (place) => ({
      friendlyName: "Cellar",
      messagingServiceSid: await place.pool(),
      state: "active",
      ...DATES,
    })),
    conversation(
      "create with an e-mail address",
      () => ({ friendlyName: "Letters", "bindings.email.address": "desk@example.com", "bindings.email.name": "Desk", ...DATES }),
      () => ({ friendlyName: "Letters", bindings: { email: { name: "Desk" } }, ...DATES }),
    ),
    ["fetch", async (place) => (await place.room({ friendlyName: "Attic" })).fetch(), { friendlyName: "Attic", state: "active" }],
    [
      "fetch by unique name",
      async (place) => {
        const uniqueName = unique("stairs");
        await place.room({ uniqueName });
        return place.base.conversations(uniqueName).fetch();
      },
      { sid: /^CH/, uniqueName: /^stairs/ },
    ],
    [
      "list",
      async (place) => {
        await place.room();
        return place.base.conversations.list({ limit: 20 });
      },
      firstPage("CH"),
    ],
    [
      "list by state and date",
      async (place) => {
        const base = await place.service();
        const { sid } = await base.conversations.create({ state: "inactive", dateCreated: MADE });
        await base.conversations.create();
        const filters = { startDate: "2021-03-01T00:00:00Z", endDate: "2021-03-31T23:59:59Z", state: "inactive" };
        return sids(await base.conversations.list(filters)).join() === sid;
      },
      true,
    ],
    [
      "update the friendly name",
      async (place) => (await place.room()).update({ friendlyName: "Somebody's question" }),
      { friendlyName: "Somebody's question" },
    ],
    [
      "update everything",
      ...echoing(
        async (place) => ({
          friendlyName: "Barn",
          uniqueName: unique("barn"),
          attributes: json({ topic: "hay" }),
          messagingServiceSid: await place.pool(),
          state: "inactive",
          "timers.inactive": "PT1M",
          "timers.closed": "PT10M",
          ...DATES,
        }),
        async (place, given) => (await place.room()).update(given),
        ({ "timers.inactive": _, "timers.closed": __, ...given }) => ({ ...given, timers: { date_closed: /Z$/ } }),
      ),
    ],
    [
      "update the state to closed",
      async (place) => (await place.room()).update({ state: "closed" }),
      { state: "closed", timers: {} },
    ],
    ["delete", async (place) => (await place.room()).remove(), true, 204],
  ],

  "Conversation with Participants resource": [
    [
      "create with a phone and a chat user",
      async (place) => {
        const binding = { address: phone(), proxy_address: phone() };
        const given = [json({ messaging_binding: binding }), json({ identity: unique("guest") })];
        return place.base.conversationWithParticipants.create({ friendlyName: "Trip", participant: given });
      },
      { sid: /^CH/, friendlyName: "Trip", state: "initializing", links: links("participants", "messages", "webhooks") },
      202,
    ],
    [
      "create a group text",
      async (place) => {
        const bindings = [{ address: phone() }, { address: phone() }, { projected_address: phone() }];
        const participant = bindings.map((binding) => json({ messaging_binding: binding }));
        const { sid } = await place.base.conversationWithParticipants.create({ friendlyName: "Family", participant });
        const made = place.base.conversations(sid);
        await poll("the participants", async () => (await made.fetch()).state === "active");
        const shown = (await made.participants.list()).map((one) => one.messagingBinding);
        return shown.sort((a, b) => Object.keys(a).join().localeCompare(Object.keys(b).join()));
      },
      [{ address: /^\+/ }, { address: /^\+/ }, { projected_address: /^\+/ }],
    ],
    [
      "create with everything but participants",
      async (place) =>
        place.base.conversationWithParticipants.create({
          friendlyName: "Boat",
          uniqueName: unique("boat"),
          attributes: json({ topic: "sail" }),
          messagingServiceSid: await place.pool(),
          state: "inactive",
          "timers.inactive": "PT1M",
          "timers.closed": "PT10M",
          ...DATES,
        }),
      { friendlyName: "Boat", attributes: json({ topic: "sail" }), state: "inactive", ...DATES },
      201,
    ],
    [
      "create with two chat users, and tell webhooks of it",
      async (place) =>
        place.base.conversationWithParticipants.create({
          xTwilioWebhookEnabled: "true",
          friendlyName: "Pair",
          messagingServiceSid: await place.pool(),
          state: "active",
          participant: [json({ identity: unique("left") }), json({ identity: unique("right") })],
          ...DATES,
        }),
      { friendlyName: "Pair", state: "initializing", ...DATES },
      202,
    ],
  ],

  "Conversation Participant resource": [
    participant("SMS with a proxy address", sms, (given) => ({
      sid: /^MB[0-9a-f]{32}$/,
      conversationSid: /^CH/,
      identity: null,
      attributes: "{}",
      messagingBinding: shown(given),
      roleSid: /^RL/,
      lastReadMessageIndex: null,
      lastReadTimestamp: null,
      url: /\/Participants\/MB[0-9a-f]{32}$/,
    })),
    participant(
      "SMS with attributes, a role and dates",
      async (place) => ({ ...sms(), attributes: json({ part: "courier" }), roleSid: await place.role(), ...DATES }),
      (given) => ({ messagingBinding: shown(given), attributes: given.attributes, roleSid: given.roleSid, ...DATES }),
    ),
    participant(
      "chat",
      () => ({ identity: unique("ann") }),
      (given) => ({ ...given, messagingBinding: null, roleSid: /^RL/ }),
    ),
    participant(
      "chat with attributes, a role and dates",
      async (place) => ({ identity: unique("ann"), attributes: json({ part: "host" }), roleSid: await place.role(), ...DATES }),
      (given) => ({ ...given, messagingBinding: null }),
    ),
    participant(
      "WhatsApp",
      () => ({ "messagingBinding.address": `whatsapp:${phone()}`, "messagingBinding.proxyAddress": `whatsapp:${phone()}` }),
      (given) => ({ identity: null, messagingBinding: shown(given, "whatsapp") }),
    ),
    participant(
      "RCS",
      () => ({ "messagingBinding.address": `rcs:${phone()}`, "messagingBinding.proxyAddress": `rcs:${phone()}` }),
      (given) => ({ messagingBinding: shown(given, "rcs") }),
    ),
    [
      "RCS with a number to fall back on",
      async (place) => {
        const { url } = await (await place.room()).fetch();
        const form = {
          "MessagingBinding.Address": `rcs:${phone()}`,
          "MessagingBinding.ProxyAddress": `rcs:${phone()}`,
          "MessagingBinding.ProxyAddressFallback": phone(),
        };
        return place.curl("POST", `${new URL(url).pathname}/Participants`, { form });
      },
      { json: { messaging_binding: { address: /^rcs:/, proxy_address: /^rcs:/ } } },
      201,
    ],
    participant(
      "group text: a chat user with a projected address",
      () => ({ identity: unique("agent"), "messagingBinding.projectedAddress": phone() }),
      (given) => ({
        identity: given.identity,
        messagingBinding: { projected_address: given["messagingBinding.projectedAddress"] },
      }),
    ),
    [
      "group text: a phone by its address alone",
      async (place) => {
        const room = await place.room();
        await room.participants.create({ identity: unique("agent"), "messagingBinding.projectedAddress": phone() });
        return room.participants.create({ "messagingBinding.address": phone(), ...DATES });
      },
      { identity: null, messagingBinding: { type: "sms", address: /^\+/ }, ...DATES },
      201,
    ],
    [
      "fetch",
      async (place) => {
        const room = await place.room();
        const { sid } = await room.participants.create(sms());
        return room.participants(sid).fetch();
      },
      { sid: /^MB/, messagingBinding: { type: "sms" } },
    ],
    [
      "fetch by identity",
      async (place) => {
        const room = await place.room();
        const { identity } = await room.participants.create({ identity: unique("ben") });
        return room.participants(identity).fetch();
      },
      { sid: /^MB/, identity: /^ben/ },
    ],
    [
      "list",
      async (place) => {
        const room = await place.room();
        const made = [await room.participants.create(sms()), await room.participants.create({ identity: unique("cid") })];
        return (
          sids(await room.participants.list({ limit: 20 }))
            .sort()
            .join() === sids(made).sort().join()
        );
      },
      true,
    ],
    [
      "update the date of the last change",
      async (place) => {
        const room = await place.room();
        const { sid } = await room.participants.create(sms());
        return room.participants(sid).update({ dateUpdated: CHANGED });
      },
      { dateUpdated: CHANGED },
    ],
    [
      "update the attributes",
      async (place) => {
        const room = await place.room();
        const { sid } = await room.participants.create({ identity: unique("dan") });
        return room.participants(sid).update({ attributes: json({ part: "courier" }) });
      },
      { attributes: json({ part: "courier" }) },
    ],
    [
      "update attributes, role and dates",
      ...echoing(
        async (place) => ({ attributes: json({ part: "host" }), roleSid: await place.role(), ...DATES }),
        async (place, given) => {
          const room = await place.room();
          const { sid } = await room.participants.create(sms());
          return room.participants(sid).update(given);
        },
        (given) => given,
      ),
    ],
    [
      "update the projected address",
      ...echoing(
        () => ({ "messagingBinding.projectedAddress": phone() }),
        async (place, given) => {
          const room = await place.room();
          const { sid } = await room.participants.create({
            identity: unique("eve"),
            "messagingBinding.projectedAddress": phone(),
          });
          return room.participants(sid).update(given);
        },
        (given) => ({ messagingBinding: { projected_address: given["messagingBinding.projectedAddress"] } }),
      ),
    ],
    [
      "delete",
      async (place) => {
        const room = await place.room();
        const { sid } = await room.participants.create(sms());
        return room.participants(sid).remove();
      },
      true,
      204,
    ],
  ],
};
