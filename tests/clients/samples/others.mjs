// Samples of the reference pages beside Conversations: media, templates, Chat and Notify.

import { unique } from "../harness.mjs";
import { firstPage, links } from "./common.mjs";

/** Where the default service keeps its media. */
async function media(place) {
  const { defaultChatServiceSid } = await place.rest.configuration().fetch();
  return `/mcs/v1/Services/${defaultChatServiceSid}/Media`;
}
const upload = async (place) =>
  place.curl("POST", await media(place), { body: "a picture of a cat", headers: { "Content-Type": "image/png" } });

/** A template of one type, made of the page's fields. */
const template = (type, fields, more = {}) => [
  `create: ${type}`,
  async (place) =>
    place.account.content.v1.contents.create({
      friendly_name: unique("template"),
      language: "en",
      ...more,
      types: { [type]: fields },
    }),
  {
    sid: /^HX[0-9a-f]{32}$/,
    accountSid: /^AC/,
    friendlyName: /^template/,
    language: "en",
    types: { [type]: fields },
    links: links("approval_create", "approval_fetch"),
  },
  201,
];
const text = async (place) => {
  const { sid } = await place.account.content.v1.contents.create({
    friendly_name: unique("template"),
    language: "en",
    variables: { 1: "Friday" },
    types: { "twilio/text": { body: "We open on {{1}}" } },
  });
  return place.account.content.v1.contents(sid);
};

/** A service of Chat that was made before. */
async function chat(place) {
  const { sid } = await place.account.chat.v2.services.create({ friendlyName: "Lounge" });
  return place.account.chat.v2.services(sid);
}

/** A public channel, and the migration of it. */
async function channel(place) {
  const { defaultChatServiceSid, defaultMessagingServiceSid } = await place.rest.configuration().fetch();
  const { sid } = await place.account.chat.v2.services(defaultChatServiceSid).channels.create({ friendlyName: "Plaza" });
  return { sid, pool: defaultMessagingServiceSid, migration: place.account.chat.v3.channels(defaultChatServiceSid, sid) };
}

// Ten of them in an account: each sample removes its own.
async function notify(place, parameters = {}) {
  const { services } = place.account.notify.v1;
  const made = await services.create(parameters);
  place.t.after(() =>
    services(made.sid)
      .remove()
      .catch((error) => {
        if (error.status !== 404) {
          throw error;
        }
      }),
  );
  return made;
}
const notifyService = async (place) =>
  place.account.notify.v1.services((await notify(place, { friendlyName: unique("bells") })).sid);
const notification = (name, given, wanted) => [
  `send: ${name}`,
  async (place) => (await notifyService(place)).notifications.create(given),
  { sid: /^NT[0-9a-f]{32}$/, accountSid: /^AC/, serviceSid: /^IS/, ...wanted },
  201,
];

export const OTHERS = {
  "Media resource": [
    ["list the services", (place) => place.curl("GET", "/mcs/v1/Services"), { json: { services: (found) => found.length > 0 } }],
    [
      "upload a file",
      upload,
      {
        json: {
          sid: /^ME[0-9a-f]{32}$/,
          service_sid: /^IS/,
          channel_sid: null,
          message_sid: null,
          size: 18,
          content_type: "image/png",
          links: links("content", "content_direct_temporary"),
        },
      },
      201,
    ],
    [
      "fetch",
      async (place) => place.curl("GET", `${await media(place)}/${(await upload(place)).json.sid}`),
      { json: { sid: /^ME/, size: 18, content_type: "image/png" } },
    ],
  ],

  "Content resource": [
    template("twilio/text", { body: "Hello {{1}}" }, { variables: { 1: "you" } }),
    template(
      "twilio/media",
      { body: "The menu of {{1}}", media: ["https://example.com/menu.pdf"] },
      { variables: { 1: "today" } },
    ),
    template("twilio/location", { longitude: 13.4, latitude: 52.5, label: "Office" }),
    template("twilio/quick-reply", {
      body: "Will you come?",
      actions: [
        { title: "Yes", id: "yes" },
        { title: "No", id: "no" },
      ],
    }),
    template("twilio/list-picker", {
      body: "What shall it be?",
      button: "Choose",
      items: [
        { item: "Soup", id: "soup", description: "of the day" },
        { item: "Bread", id: "bread", description: "fresh" },
      ],
    }),
    template("twilio/call-to-action", {
      body: "Where we are",
      actions: [
        { type: "URL", title: "Map", url: "https://example.com/map" },
        { type: "PHONE_NUMBER", title: "Call", phone: "+15550001111" },
      ],
    }),
    template("twilio/card", {
      title: "Table for two",
      subtitle: "Reply to change it",
      actions: [
        { type: "URL", title: "Menu", url: "https://example.com/menu" },
        { type: "QUICK_REPLY", title: "Cancel", id: "cancel" },
      ],
    }),
    [
      "fetch",
      async (place) => (await text(place)).fetch(),
      { sid: /^HX/, variables: { 1: "Friday" }, types: { "twilio/text": { body: "We open on {{1}}" } } },
    ],
    [
      "list",
      async (place) => {
        await text(place);
        return place.account.content.v1.contents.list({ limit: 20 });
      },
      firstPage("HX"),
    ],
    ["list with approvals", (place) => place.account.content.v1.contentAndApprovals.list({ limit: 1 }), [{ sid: /^HX/ }]],
    [
      "ask for an approval",
      async (place) => (await text(place)).approvalCreate.create({ name: "opening_days", category: "UTILITY" }),
      { name: "opening_days", category: "UTILITY", contentType: "twilio/text", status: "received" },
      201,
    ],
    [
      "fetch the approval",
      async (place) => (await text(place)).approvalFetch().fetch(),
      { sid: /^HX/, whatsapp: { status: "unsubmitted" } },
    ],
    ["delete", async (place) => (await text(place)).remove(), true, 204],
  ],

  "Chat v2 Service resource": [
    [
      "create",
      (place) => place.account.chat.v2.services.create({ friendlyName: "Lounge" }),
      {
        sid: /^IS[0-9a-f]{32}$/,
        friendlyName: "Lounge",
        defaultServiceRoleSid: /^RL/,
        defaultChannelRoleSid: /^RL/,
        defaultChannelCreatorRoleSid: /^RL/,
        readStatusEnabled: true,
        reachabilityEnabled: false,
        typingIndicatorTimeout: 5,
        links: links("channels", "users", "roles", "bindings"),
      },
      201,
    ],
    ["fetch", async (place) => (await chat(place)).fetch(), { sid: /^IS/, friendlyName: "Lounge" }],
    [
      "list",
      async (place) => {
        return place.account.chat.v2.services.list({ limit: 20 });
      },
      firstPage("IS"),
    ],
    [
      "update the friendly name",
      async (place) => (await chat(place)).update({ friendlyName: "Foyer" }),
      { friendlyName: "Foyer" },
    ],
    [
      "update the reachability indicator",
      async (place) => (await chat(place)).update({ reachabilityEnabled: true }),
      { reachabilityEnabled: true },
    ],
    [
      "update the webhooks",
      async (place) =>
        (await chat(place)).update({
          preWebhookUrl: "https://example.com/decide",
          postWebhookUrl: "https://example.com/keep",
          webhookMethod: "POST",
          webhookFilters: ["onMessageSend", "onMessageSent"],
        }),
      { preWebhookUrl: "https://example.com/decide", postWebhookUrl: "https://example.com/keep", webhookMethod: "POST" },
    ],
    [
      "update the notification of new messages",
      async (place) =>
        (await chat(place)).update({
          "notifications.newMessage.enabled": true,
          "notifications.newMessage.template": "${USER} in ${CHANNEL}: ${MESSAGE}",
          "notifications.newMessage.sound": "default",
        }),
      { notifications: { new_message: { enabled: true, template: "${USER} in ${CHANNEL}: ${MESSAGE}", sound: "default" } } },
    ],
    ["delete", async (place) => (await chat(place)).remove(), true, 204],
  ],

  "Chat Channel Migration": [
    [
      "make a public channel a conversation",
      async (place) => {
        const { sid, pool, migration } = await channel(place);
        const answer = await migration.update({ type: "private", messagingServiceSid: pool });
        return { ...answer.toJSON(), conversation: sid };
      },
      {
        sid: /^CH/,
        serviceSid: /^IS/,
        messagingServiceSid: /^MG/,
        type: "private",
        friendlyName: "Plaza",
        membersCount: 0,
        messagesCount: 0,
      },
    ],
  ],

  "Notify Service resource": [
    [
      "create",
      (place) => notify(place),
      { sid: /^IS[0-9a-f]{32}$/, accountSid: /^AC/, links: links("bindings", "notifications", "segments", "users") },
      201,
    ],
    [
      "create with a name and credentials",
      async (place) => {
        const apn = await place.rest.credentials.create({ type: "apn" });
        const fcm = await place.rest.credentials.create({ type: "fcm" });
        return notify(place, { friendlyName: "Bells", apnCredentialSid: apn.sid, fcmCredentialSid: fcm.sid });
      },
      { friendlyName: "Bells", apnCredentialSid: /^CR/, fcmCredentialSid: /^CR/ },
      201,
    ],
    [
      "create with everything",
      async (place) => {
        const [apn, gcm] = [
          await place.rest.credentials.create({ type: "apn" }),
          await place.rest.credentials.create({ type: "gcm" }),
        ];
        return notify(place, {
          friendlyName: "Bells",
          apnCredentialSid: apn.sid,
          gcmCredentialSid: gcm.sid,
          messagingServiceSid: await place.pool(),
          facebookMessengerPageId: "4",
          defaultApnNotificationProtocolVersion: "3",
          defaultGcmNotificationProtocolVersion: "3",
          defaultFcmNotificationProtocolVersion: "3",
          logEnabled: true,
          deliveryCallbackUrl: "https://example.com/rung",
          deliveryCallbackEnabled: true,
        });
      },
      {
        gcmCredentialSid: /^CR/,
        messagingServiceSid: /^MG/,
        facebookMessengerPageId: "4",
        defaultApnNotificationProtocolVersion: "3",
        logEnabled: true,
        deliveryCallbackUrl: "https://example.com/rung",
        deliveryCallbackEnabled: true,
      },
      201,
    ],
    ["fetch", async (place) => (await notifyService(place)).fetch(), { sid: /^IS/, friendlyName: /^bells/ }],
    [
      "list",
      async (place) => {
        const { sid } = await notify(place);
        return (await place.account.notify.v1.services.list({ limit: 20 })).some((one) => one.sid === sid);
      },
      true,
    ],
    [
      "list by friendly name",
      async (place) => {
        const { friendlyName } = await notify(place, { friendlyName: unique("gong") });
        return place.account.notify.v1.services.list({ friendlyName, limit: 20 });
      },
      [{ friendlyName: /^gong/ }],
    ],
    [
      "update",
      async (place) => {
        const messagingServiceSid = await place.pool();
        return (await notifyService(place)).update({ friendlyName: "Chimes", facebookMessengerPageId: "5", messagingServiceSid });
      },
      { friendlyName: "Chimes", facebookMessengerPageId: "5", messagingServiceSid: /^MG/ },
    ],
    ["delete", async (place) => (await notifyService(place)).remove(), true, 204],
    ["bindings", async (place) => (await notifyService(place)).bindings.list({ limit: 20 }), []],
  ],

  "Notify Notification resource": [
    notification("to an identity", { identity: ["00000001"], body: "Dinner" }, { identities: ["00000001"], body: "Dinner" }),
    notification(
      "to several identities",
      { identity: ["00000001", "00000002"], body: "Dinner" },
      { identities: ["00000001", "00000002"] },
    ),
    notification("to those with a tag", { tag: ["cooks"], body: "Dinner" }, { tags: ["cooks"] }),
    notification(
      "with a title, a priority and a call back",
      {
        identity: ["00000001"],
        body: "Dinner",
        priority: "high",
        title: "Kitchen",
        deliveryCallbackUrl: "https://example.com/rung",
      },
      { priority: "high", title: "Kitchen" },
    ),
    notification(
      "with a part for each push service",
      {
        identity: ["00000001"],
        title: "A title for all",
        body: "A body for all",
        data: { table: "7" },
        fcm: { notification: { title: "Google", body: "Dinner" } },
        apn: { aps: { alert: { title: "Apple" } } },
      },
      {
        title: "A title for all",
        data: { table: "7" },
        fcm: { notification: { title: "Google", body: "Dinner" } },
        apn: { aps: { alert: { title: "Apple" } } },
      },
    ),
    [
      "send: by SMS to a number that is given",
      async (place) => {
        const { sid } = await notify(place, { messagingServiceSid: await place.pool() });
        const toBinding = [JSON.stringify({ binding_type: "sms", address: "+15550001111" })];
        return place.account.notify.v1.services(sid).notifications.create({ toBinding, body: "Dinner" });
      },
      { sid: /^NT/, body: "Dinner" },
      201,
    ],
  ],
};
