// Flows of the guides: the samples of a page in their order, each with what the one before gave.

import { Chat, SDKS, phone, poll, twilio, unique } from "../harness.mjs";

const json = JSON.stringify;
const flow = `FW${"d".repeat(32)}`;
const { AccessToken } = twilio.jwt;
const { ChatGrant } = AccessToken;

/** A token as the guide makes it, and the SDK that starts with it. */
async function start(place, identity, more = {}) {
  const key = await place.account.newKeys.create({ friendlyName: "app" });
  const { defaultChatServiceSid: serviceSid } = await place.rest.configuration().fetch();
  const token = new AccessToken(place.server.accountSid, key.sid, key.secret, { identity, ...more });
  token.addGrant(new ChatGrant({ serviceSid }));
  return new Chat(place.t, SDKS.at(-1), token.toJwt(), place.server.websocket).initialized();
}

const binding = (address, proxyAddress) => ({
  "messagingBinding.address": address,
  "messagingBinding.proxyAddress": proxyAddress,
});

const autocreation = (name, make, wanted) => [
  name,
  (place) => place.rest.addressConfigurations.create(make()),
  { sid: /^IG/, ...wanted },
  201,
];

export const GUIDES = {
  Quickstart: [
    [
      "a conversation of a phone and a chat user",
      async (place) => {
        const [number, identity] = [phone(), unique("pineapple")];
        const made = await place.rest.conversations.create({ friendlyName: "My first one" });
        const { chatServiceSid } = await place.rest.conversations(made.sid).fetch();
        const conversation = place.rest.conversations(made.sid);
        const sms = await conversation.participants.create(binding(number, phone()));
        const chat = await start(place, identity);
        const { sid } = await conversation.participants.create({ identity });
        const joined = await chat.saw("conversationJoined", (seen) => seen.sid === made.sid);
        await joined.sendMessage("hello phone");
        await place.server.handset(number).received(({ body }) => body === "hello phone");
        await place.server.handset(number).send({ To: sms.messagingBinding.proxy_address, Body: "hello chat" });
        const answer = await chat.saw("messageAdded", ({ body }) => body === "hello chat");
        return { chatServiceSid, sid, name: joined.friendlyName, author: answer.author === number };
      },
      { chatServiceSid: /^IS/, sid: /^MB/, name: "My first one", author: true },
      201,
    ],
  ],

  "Group Texting": [
    [
      "an agent and two phones see each other's words",
      async (place) => {
        const [number, first, second] = [phone(), phone(), phone()];
        const { sid } = await place.rest.conversations.create({ friendlyName: "House" });
        const { participants, messages } = place.rest.conversations(sid);
        await participants.create({ identity: unique("agent"), "messagingBinding.projectedAddress": number });
        await participants.create({ "messagingBinding.address": first });
        await participants.create({ "messagingBinding.address": second });
        await messages.create({ author: number, body: "Keys at noon?" });
        const inbox = (address) => place.server.handset(address).received(({ body }) => body === "Keys at noon?");
        const received = [await inbox(first), await inbox(second)];
        return received.map(({ from, to }) => [from === number, [first, second].includes(to)]);
      },
      [
        [true, true],
        [true, true],
      ],
      201,
    ],
  ],

  "Using WhatsApp": [
    [
      "WhatsApp to SMS",
      async (place) => {
        const { sid } = await place.rest.conversations.create({ friendlyName: "From one to the other" });
        const { participants } = place.rest.conversations(sid);
        const whatsapp = [`whatsapp:${phone()}`, `whatsapp:${phone()}`];
        const sms = phone();
        await participants.create(binding(...whatsapp));
        await participants.create(binding(sms, phone()));
        await place.server.handset(whatsapp[0]).send({ To: whatsapp[1], Body: "from the green one" });
        await place.server.handset(sms).received(({ body }) => body.endsWith("from the green one"));
        return (await participants.list()).map(({ messagingBinding }) => messagingBinding.type).sort();
      },
      ["sms", "whatsapp"],
    ],
    [
      "WhatsApp to chat",
      async (place) => {
        const { sid } = await place.rest.conversations.create({ friendlyName: "From phone to page" });
        const { participants } = place.rest.conversations(sid);
        await participants.create(binding(`whatsapp:${phone()}`, `whatsapp:${phone()}`));
        return participants.create({ identity: unique("clerk") });
      },
      { identity: /^clerk/, messagingBinding: null },
      201,
    ],
    [
      "WhatsApp to WhatsApp: a first message by its author, and a webhook for the answer",
      async (place) => {
        const [customer, rider, number] = [1, 2, 3].map(() => `whatsapp:${phone()}`);
        const { sid } = await place.rest.conversations.create({ friendlyName: "Delivery" });
        const { participants, messages, webhooks } = place.rest.conversations(sid);
        await participants.create(binding(customer, number));
        const { sid: riderSid } = await participants.create(binding(rider, number));
        const opening = await messages.create({ author: rider, body: "I am at your door" });
        await place.server.handset(customer).received(({ body }) => body === "I am at your door");
        const hook = await webhooks.create({
          target: "webhook",
          "configuration.url": "http://hooks.example.com/opt-in",
          "configuration.method": "get",
          "configuration.filters": ["onMessageAdded"],
        });
        // What a list of this library gives has lost its SID for requests of its own.
        const removed = await Promise.all(
          (await webhooks.list()).map((one) => place.rest.conversations(sid).webhooks(one.sid).remove()),
        );
        return { byRider: opening.participantSid === riderSid, method: hook.configuration.method, removed };
      },
      { byRider: true, method: "get", removed: [true] },
      204,
    ],
  ],

  "Media Support": [
    [
      "upload, send, and read",
      async (place) => {
        const { sid, chatServiceSid } = await place.rest.conversations.create({});
        const media = `/mcs/v1/Services/${chatServiceSid}/Media`;
        const body = "cat";
        const uploaded = (await place.curl("POST", media, { body, headers: { "Content-Type": "image/png" } })).json;
        const sent = await place.rest.conversations(sid).messages.create({ author: "zoo", mediaSid: uploaded.sid });
        const { json: record } = await place.curl("GET", `${media}/${uploaded.sid}`);
        const content = await fetch(record.links.content_direct_temporary);
        return { sent, record, content: await content.text(), type: content.headers.get("content-type") };
      },
      {
        sent: { author: "zoo", media: [{ sid: /^ME/, content_type: "image/png", size: 3 }] },
        record: { message_sid: /^IM/, channel_sid: /^CH/ },
        content: "cat",
        type: "image/png",
      },
    ],
  ],

  "States and Timers": [
    [
      "timers at creation",
      (place) => place.rest.conversations.create({ "timers.inactive": "PT5M", "timers.closed": "PT1H" }),
      { state: "active", timers: { date_inactive: /Z$/, date_closed: /Z$/ } },
      201,
    ],
    [
      "timers of a conversation that is there",
      async (place) => (await place.room()).update({ "timers.inactive": "PT1M", "timers.closed": "P1D" }),
      { state: "active", timers: { date_inactive: /Z$/, date_closed: /Z$/ } },
    ],
    [
      "no timers any more",
      async (place) => (await place.room({ "timers.closed": "PT10M" })).update({ "timers.closed": "PT0S" }),
      { timers: {} },
    ],
    [
      "a timer for every new conversation of the account",
      async (place) => {
        await place.rest.configuration().update({ defaultInactiveTimer: "PT5M", defaultClosedTimer: "PT10M" });
        const { timers } = await place.rest.conversations.create({});
        await place.rest.configuration().update({ defaultInactiveTimer: "PT0S", defaultClosedTimer: "PT0S" });
        return timers;
      },
      { date_inactive: /Z$/, date_closed: /Z$/ },
    ],
    ["set inactive", async (place) => (await place.room()).update({ state: "inactive" }), { state: "inactive" }],
    [
      "set active again",
      async (place) => (await place.room({ state: "inactive" })).update({ state: "active" }),
      { state: "active" },
    ],
    [
      "find those that are closed",
      async (place) => {
        const service = await place.service();
        const { sid } = await service.conversations.create({});
        await service.conversations(sid).update({ state: "closed" });
        await service.conversations.create({});
        return (await service.conversations.list({ state: "closed" })).map((one) => one.sid === sid);
      },
      [true],
    ],
  ],

  Roles: [
    [
      "a role of a service for a user",
      async (place) => {
        const role = await place.rest.roles.create({
          friendlyName: "guest",
          type: "service",
          permission: ["joinConversation", "editOwnUserInfo"],
        });
        const user = await place.user();
        return (await user.update({ roleSid: role.sid })).roleSid === role.sid;
      },
      true,
    ],
    [
      "a role of a conversation for a participant",
      async (place) => {
        const role = await place.rest.roles.create({
          friendlyName: "reader",
          type: "conversation",
          permission: ["leaveConversation", "sendMessage", "editOwnMessage"],
        });
        const { participants } = await place.room();
        const { sid } = await participants.create({ identity: unique("reader") });
        return (await participants(sid).update({ roleSid: role.sid })).roleSid === role.sid;
      },
      true,
    ],
  ],

  "Create Access Tokens": [
    [
      "a token with a chat grant starts the SDK",
      async (place) => (await start(place, unique("someone@example.com"))).client.user.identity,
      /^someone@example.com/,
    ],
    [
      "a token with a time to live",
      async (place) => (await start(place, unique("short"), { ttl: 600 })).client.connectionState,
      "connected",
    ],
  ],

  "Conversations Webhooks": [
    [
      "read those of the account, set them, and those of a conversation",
      async (place) => {
        const webhooks = place.accountWebhooks();
        const { url } = await webhooks.fetch();
        const target = "https://app.example.com/hook";
        const global = await webhooks.update({
          filters: ["onMessageAdd", "onMessageUpdate", "onMessageRemove"],
          target: "webhook",
          preWebhookUrl: target,
          postWebhookUrl: target,
          method: "POST",
        });
        const room = await place.room();
        const { sid } = await room.webhooks.create({
          target: "webhook",
          "configuration.filters": ["onMessageAdded", "onMessageUpdated"],
          "configuration.url": target,
        });
        const listed = await room.webhooks.list({ limit: 5 });
        return { url, global, listed: listed.map((one) => one.sid === sid), one: await room.webhooks(sid).fetch() };
      },
      {
        url: /\/Configuration\/Webhooks$/,
        global: {
          filters: ["onMessageAdd", "onMessageUpdate", "onMessageRemove"],
          preWebhookUrl: "https://app.example.com/hook",
        },
        listed: [true],
        one: { target: "webhook", configuration: { method: "post", url: "https://app.example.com/hook" } },
      },
    ],
    [
      "a request of ours tells webhooks as well",
      async (place) => (await place.room()).messages.create({ xTwilioWebhookEnabled: "true", author: "chatter", body: "hello" }),
      { author: "chatter", body: "hello" },
      201,
    ],
  ],

  "Push Notification Configuration": [
    [
      "credentials, and the notifications of a service",
      async (place) => {
        const { sid } = await place.rest.credentials.create({ type: "fcm", friendlyName: "Phones", secret: "a server key" });
        const notifications = (await place.service()).configuration.notifications();
        const changed = await notifications.update({
          "newMessage.enabled": true,
          "newMessage.sound": "default",
          "newMessage.template": "${PARTICIPANT}: ${MESSAGE}",
        });
        return { sid, newMessage: changed.newMessage };
      },
      { sid: /^CR/, newMessage: { enabled: true, sound: "default", template: "${PARTICIPANT}: ${MESSAGE}" } },
    ],
    [
      "a conversation that makes no sound",
      async (place) => {
        const [room, user] = [await place.room(), await place.user()];
        await room.participants.create({ identity: user.identity });
        return user.userConversations(room.sid).update({ notificationLevel: "muted" });
      },
      { notificationLevel: "muted" },
    ],
  ],

  "Inbound Handling and Autocreation": [
    autocreation(
      "a conversation and nothing else",
      () => ({
        type: "messenger",
        address: `messenger:${unique("")}`,
        "autoCreation.enabled": true,
        "autoCreation.type": "default",
      }),
      { type: "messenger", autoCreation: { enabled: true, type: "default", webhook_url: null, studio_flow_sid: null } },
    ),
    autocreation(
      "a conversation that a webhook hears of",
      () => ({
        type: "messenger",
        address: `messenger:${unique("")}`,
        "autoCreation.enabled": true,
        "autoCreation.type": "webhook",
        "autoCreation.webhookFilters": ["onConversationAdded"],
        "autoCreation.webhookUrl": "https://app.example.com/hook",
        "autoCreation.webhookMethod": "POST",
      }),
      { autoCreation: { type: "webhook", webhook_filters: ["onConversationAdded"], webhook_method: "POST" } },
    ),
    autocreation(
      "a conversation whose messages a webhook hears, too",
      () => ({
        type: "sms",
        address: phone(),
        "autoCreation.enabled": true,
        "autoCreation.type": "webhook",
        "autoCreation.webhookFilters": ["onConversationAdded", "onMessageAdded"],
        "autoCreation.webhookUrl": "https://app.example.com/hook",
        "autoCreation.webhookMethod": "GET",
      }),
      { autoCreation: { webhook_filters: ["onConversationAdded", "onMessageAdded"], webhook_method: "GET" } },
    ),
    autocreation(
      "WhatsApp into a Studio flow, with retries",
      () => ({
        type: "whatsapp",
        address: `whatsapp:${phone()}`,
        "autoCreation.enabled": true,
        "autoCreation.type": "studio",
        "autoCreation.studioFlowSid": flow,
        "autoCreation.studioRetryCount": 3,
      }),
      { type: "whatsapp", autoCreation: { enabled: true, type: "studio", studio_flow_sid: flow, studio_retry_count: 3 } },
    ),
  ],

  "Using Studio": [
    autocreation(
      "every new conversation of a number",
      () => ({
        type: "sms",
        address: phone(),
        "autoCreation.enabled": true,
        "autoCreation.type": "studio",
        "autoCreation.studioFlowSid": flow,
      }),
      { autoCreation: { type: "studio", studio_flow_sid: flow } },
    ),
    [
      "a conversation that is there",
      async (place) => {
        const room = await place.room({ friendlyName: "studio" });
        await room.participants.create(binding(phone(), phone()));
        return room.webhooks.create({
          target: "studio",
          "configuration.flowSid": flow,
          "configuration.filters": ["onMessageAdded"],
        });
      },
      { sid: /^WH/, target: "studio", configuration: { flow_sid: flow } },
      201,
    ],
  ],

  "Delivery Receipts": [
    [
      "a webhook for receipts, by the older path",
      (place) => {
        place.accountWebhooks();
        const form = { PostWebhookUrl: "https://app.example.com/receipts", Filters: "onDeliveryUpdated" };
        return place.curl("POST", "/conversations/v1/Conversations/Webhooks", { form });
      },
      {
        json: {
          post_webhook_url: "https://app.example.com/receipts",
          filters: ["onDeliveryUpdated"],
          url: /\/Conversations\/Webhooks$/,
        },
      },
    ],
    [
      "the summary of a message, and each receipt",
      async (place) => {
        const room = await place.room();
        await room.participants.create(binding(phone(), phone()));
        await room.participants.create(binding(phone(), phone()));
        const { sid } = await room.messages.create({ body: "Sent to two" });
        const one = room.messages(sid);
        await poll("both receipts", async () => (await one.fetch()).delivery?.delivered === "all");
        const { delivery } = await one.fetch();
        return { delivery, receipts: await one.deliveryReceipts.list() };
      },
      {
        delivery: { total: 2, sent: "all", delivered: "all", read: "none", failed: "none", undelivered: "none" },
        receipts: [{ status: "delivered" }, { status: "delivered" }],
      },
    ],
  ],

  Reachability: [
    [
      "a user shows whether he is online",
      async (place) => {
        const { defaultChatServiceSid } = await place.rest.configuration().fetch();
        await place.rest.services(defaultChatServiceSid).configuration().update({ reachabilityEnabled: true });
        const { client } = await start(place, unique("here"));
        await poll("the user to be online", async () => (await place.rest.users(client.user.identity).fetch()).isOnline);
        return (await place.rest.users(client.user.identity).fetch()).isOnline;
      },
      true,
    ],
  ],

  "Read Horizon": [
    [
      "how far a user has read, and what is unread",
      async (place) => {
        const [room, user] = [await place.room(), await place.user()];
        const { sid } = await room.participants.create({ identity: user.identity });
        for (const body of ["one", "two", "three"]) {
          await room.messages.create({ body });
        }
        await user.userConversations(room.sid).update({ lastReadMessageIndex: 1 });
        const { lastReadMessageIndex, lastReadTimestamp } = await room.participants(sid).fetch();
        const { unreadMessagesCount } = await user.userConversations(room.sid).fetch();
        return { lastReadMessageIndex, lastReadTimestamp, unreadMessagesCount };
      },
      { lastReadMessageIndex: 1, lastReadTimestamp: /Z$/, unreadMessagesCount: 1 },
    ],
    [
      "set it for a participant",
      async (place) => {
        const room = await place.room();
        const { sid } = await room.participants.create({ identity: unique("reader") });
        await room.messages.create({ body: "one" });
        return room.participants(sid).update({ lastReadMessageIndex: 0, lastReadTimestamp: "2024-02-03T04:05:06Z" });
      },
      { lastReadMessageIndex: 0, lastReadTimestamp: "2024-02-03T04:05:06Z" },
    ],
  ],

  "User Conversations": [
    [
      "all that a user is in, with what he has not read",
      async (place) => {
        const user = await place.user();
        for (const friendlyName of ["one", "two"]) {
          const room = await place.room({ friendlyName });
          await room.participants.create({ identity: user.identity });
          await room.messages.create({ body: "news" });
        }
        const found = await place.rest.users(user.identity).userConversations.list({ limit: 20 });
        return found.map(({ friendlyName }) => friendlyName).sort();
      },
      ["one", "two"],
    ],
  ],

  "Rich Content": [
    [
      "a template with variables to a phone",
      async (place) => {
        const template = await place.account.content.v1.contents.create({
          friendly_name: unique("reminder"),
          language: "en",
          variables: { 1: "today" },
          types: { "twilio/text": { body: "See you {{1}}" } },
        });
        const [room, number] = [await place.room(), phone()];
        await room.participants.create(binding(number, phone()));
        const sent = await room.messages.create({ contentSid: template.sid, contentVariables: json({ 1: "at nine" }) });
        await place.server.handset(number).received(({ body }) => body === "See you at nine");
        return sent;
      },
      { body: "See you at nine", contentSid: /^HX/ },
      201,
    ],
  ],
};
