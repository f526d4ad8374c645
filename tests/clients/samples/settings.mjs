// Samples of the reference pages of what an account and its services are set up with.

import { phone, unique } from "../harness.mjs";
import { firstPage, links } from "./common.mjs";

const flow = (letter) => `FW${letter.repeat(32)}`;

const HOOKS = {
  filters: ["onConversationUpdated", "onMessageRemoved"],
  method: "POST",
  postWebhookUrl: "https://example.com/keep",
  preWebhookUrl: "https://example.com/decide",
};

/** Pages that have a service form only. */
export const SERVICE = {
  "Service Configuration resource": [
    [
      "fetch",
      async (place) => (await place.service()).configuration().fetch(),
      {
        chatServiceSid: /^IS/,
        defaultConversationCreatorRoleSid: /^RL/,
        defaultConversationRoleSid: /^RL/,
        defaultChatServiceRoleSid: /^RL/,
        reachabilityEnabled: false,
        links: links("notifications", "webhooks"),
      },
    ],
    [
      "update the role of creators",
      async (place) => {
        const service = await place.service();
        const { sid } = await service.roles.create({
          friendlyName: "captain",
          type: "conversation",
          permission: ["deleteConversation"],
        });
        const changed = await service.configuration().update({ defaultConversationCreatorRoleSid: sid });
        return changed.defaultConversationCreatorRoleSid === sid;
      },
      true,
    ],
    [
      "update everything",
      async (place) => {
        const service = await place.service();
        const sids = [];
        for (const [type, permission] of [
          ["conversation", "sendMessage"],
          ["conversation", "leaveConversation"],
          ["service", "joinConversation"],
        ]) {
          sids.push((await service.roles.create({ friendlyName: unique("role"), type, permission: [permission] })).sid);
        }
        const [defaultConversationCreatorRoleSid, defaultConversationRoleSid, defaultChatServiceRoleSid] = sids;
        const shown = await service.configuration().update({
          defaultConversationCreatorRoleSid,
          defaultConversationRoleSid,
          defaultChatServiceRoleSid,
          reachabilityEnabled: false,
        });
        const now = [shown.defaultConversationCreatorRoleSid, shown.defaultConversationRoleSid, shown.defaultChatServiceRoleSid];
        return now.join() === sids.join();
      },
      true,
    ],
    [
      "update the reachability indicator",
      async (place) => (await place.service()).configuration().update({ reachabilityEnabled: true }),
      { reachabilityEnabled: true },
    ],
  ],

  "Service Notification resource": [
    [
      "fetch",
      async (place) => (await place.service()).configuration.notifications().fetch(),
      {
        accountSid: /^AC/,
        chatServiceSid: /^IS/,
        newMessage: { enabled: false },
        addedToConversation: { enabled: false },
        removedFromConversation: { enabled: false },
        url: /\/Configuration\/Notifications$/,
      },
    ],
    [
      "update those on being added",
      async (place) =>
        (await place.service()).configuration.notifications().update({
          "addedToConversation.enabled": true,
          "addedToConversation.sound": "default",
          "addedToConversation.template": "${PARTICIPANT} let you into ${CONVERSATION}",
        }),
      { addedToConversation: { enabled: true, sound: "default", template: "${PARTICIPANT} let you into ${CONVERSATION}" } },
    ],
    [
      "update those on media",
      async (place) =>
        (await place.service()).configuration.notifications().update({
          "newMessage.withMedia.enabled": true,
          "newMessage.withMedia.template": "${PARTICIPANT} has ${MEDIA_COUNT} files for you: ${MEDIA}",
        }),
      { newMessage: { with_media: { enabled: true, template: "${PARTICIPANT} has ${MEDIA_COUNT} files for you: ${MEDIA}" } } },
    ],
    [
      "update everything",
      async (place) =>
        (await place.service()).configuration.notifications().update({
          logEnabled: true,
          "newMessage.enabled": false,
          "newMessage.template": "${PARTICIPANT}: ${MESSAGE}",
          "newMessage.sound": "drop",
          "newMessage.badgeCountEnabled": true,
          "newMessage.withMedia.enabled": false,
          "newMessage.withMedia.template": "${MEDIA}",
          "addedToConversation.enabled": false,
          "addedToConversation.template": "in ${CONVERSATION}",
          "addedToConversation.sound": "drop",
          "removedFromConversation.enabled": false,
          "removedFromConversation.template": "out of ${CONVERSATION}",
          "removedFromConversation.sound": "drop",
        }),
      {
        logEnabled: true,
        newMessage: {
          enabled: false,
          template: "${PARTICIPANT}: ${MESSAGE}",
          sound: "drop",
          badge_count_enabled: true,
          with_media: { enabled: false, template: "${MEDIA}" },
        },
        addedToConversation: { enabled: false, template: "in ${CONVERSATION}", sound: "drop" },
        removedFromConversation: { enabled: false, template: "out of ${CONVERSATION}", sound: "drop" },
      },
    ],
  ],

  "Per-Service Webhook resource": [
    [
      "fetch",
      async (place) => (await place.service()).configuration.webhooks().fetch(),
      { accountSid: /^AC/, chatServiceSid: /^IS/, preWebhookUrl: null, postWebhookUrl: null, url: /\/Configuration\/Webhooks$/ },
    ],
    ["update", async (place) => (await place.service()).configuration.webhooks().update(HOOKS), HOOKS],
  ],

  "Service Binding resource": [["list", async (place) => (await place.service()).bindings.list({ limit: 20 }), []]],
};

const WEBHOOK = () => ({
  type: "sms",
  address: phone(),
  friendlyName: "Front door",
  "autoCreation.enabled": true,
  "autoCreation.type": "webhook",
  "autoCreation.webhookUrl": "https://example.com/front",
  "autoCreation.webhookMethod": "get",
  "autoCreation.webhookFilters": ["onParticipantAdded", "onMessageAdded"],
});

const address = (name, make, wanted) => [
  `create: ${name}`,
  async (place) => place.rest.addressConfigurations.create(await make(place)),
  { sid: /^IG[0-9a-f]{32}$/, accountSid: /^AC/, url: /\/Configuration\/Addresses\/IG[0-9a-f]{32}$/, ...wanted },
  201,
];
const ofChannel = (type, make) =>
  address(
    `${type}, by webhook`,
    async (place) => ({
      ...WEBHOOK(),
      type,
      address: make(),
      "autoCreation.conversationServiceSid": (await place.service()).sid,
      "autoCreation.webhookMethod": "post",
    }),
    { type: type.toLowerCase(), autoCreation: { type: "webhook", webhook_method: "POST" } },
  );

/** A credential that was made before. */
const credential = async (place) => place.rest.credentials((await place.rest.credentials.create({ type: "apn" })).sid);

/** Pages that are about the account. */
export const ACCOUNT = {
  "Configuration resource": [
    [
      "fetch",
      (place) => place.rest.configuration().fetch(),
      { accountSid: /^AC/, defaultChatServiceSid: /^IS/, defaultMessagingServiceSid: /^MG/, links: links("service", "webhooks") },
    ],
    [
      "update the default service",
      async (place) => {
        const before = (await place.rest.configuration().fetch()).defaultChatServiceSid;
        const { sid } = await place.service();
        const changed = await place.rest.configuration().update({ defaultChatServiceSid: sid });
        await place.rest.configuration().update({ defaultChatServiceSid: before });
        return changed.defaultChatServiceSid === sid;
      },
      true,
    ],
    [
      "update everything",
      async (place) => {
        const { defaultChatServiceSid } = await place.rest.configuration().fetch();
        const given = { defaultChatServiceSid, defaultMessagingServiceSid: await place.pool() };
        const changed = await place.rest
          .configuration()
          .update({ ...given, defaultInactiveTimer: "PT1M", defaultClosedTimer: "PT10M" });
        await place.rest.configuration().update({ defaultInactiveTimer: "PT0S", defaultClosedTimer: "PT0S" });
        return changed;
      },
      {
        defaultChatServiceSid: /^IS/,
        defaultMessagingServiceSid: /^MG/,
        defaultInactiveTimer: "PT1M",
        defaultClosedTimer: "PT10M",
      },
    ],
  ],

  "Global Webhook resource": [
    [
      "fetch",
      (place) => place.accountWebhooks().fetch(),
      { accountSid: /^AC/, target: "webhook", url: /\/Configuration\/Webhooks$/ },
    ],
    ["update, with filters", (place) => place.accountWebhooks().update(HOOKS), { ...HOOKS, target: "webhook" }],
    [
      "update to GET, and the target",
      (place) =>
        place.accountWebhooks()
          .update({ ...HOOKS, method: "GET", filters: ["onConversationUpdated"], target: "webhook" }),
      { method: "GET", filters: ["onConversationUpdated"], target: "webhook" },
    ],
  ],

  "Address Configuration resource": [
    address(
      "SMS, by webhook in a service",
      async (place) => ({ ...WEBHOOK(), "autoCreation.conversationServiceSid": (await place.service()).sid }),
      {
        type: "sms",
        friendlyName: "Front door",
        autoCreation: {
          enabled: true,
          type: "webhook",
          conversation_service_sid: /^IS/,
          webhook_url: "https://example.com/front",
          webhook_method: "GET",
          webhook_filters: ["onParticipantAdded", "onMessageAdded"],
        },
      },
    ),
    address("with a country", () => ({ ...WEBHOOK(), addressCountry: "CA" }), { addressCountry: "CA" }),
    address(
      "e-mail, by default",
      () => ({
        type: "email",
        address: `${unique("desk")}@example.com`,
        friendlyName: "Post",
        "autoCreation.enabled": true,
        "autoCreation.type": "default",
      }),
      { type: "email", friendlyName: "Post", autoCreation: { enabled: true, type: "default" } },
    ),
    ofChannel("apple", () => unique("urn:mbid:AQAA")),
    ofChannel("whatsapp", () => `whatsapp:${phone()}`),
    ofChannel("whAtsAPP", () => `whatsapp:${phone()}`),
    ofChannel("messenger", () => unique("messenger:page")),
    ofChannel("gbm", () => unique("gbm:brand")),
    ofChannel("rcs", () => unique("rcs:brand")),
    ofChannel("chat", () => unique("chat:room")),
    [
      "fetch",
      async (place) => place.rest.addressConfigurations((await place.rest.addressConfigurations.create(WEBHOOK())).sid).fetch(),
      { sid: /^IG/, friendlyName: "Front door" },
    ],
    [
      "fetch by address",
      async (place) =>
        place.rest.addressConfigurations((await place.rest.addressConfigurations.create(WEBHOOK())).address).fetch(),
      { sid: /^IG/, friendlyName: "Front door" },
    ],
    [
      "list",
      async (place) => {
        await place.rest.addressConfigurations.create(WEBHOOK());
        return place.rest.addressConfigurations.list({ limit: 20 });
      },
      firstPage("IG"),
    ],
    [
      "list by type",
      async (place) => {
        const { sid } = await place.rest.addressConfigurations.create({ type: "whatsapp", address: `whatsapp:${phone()}` });
        const found = await place.rest.addressConfigurations.list({ type: "whatsapp" });
        return found.some((one) => one.sid === sid) && found.every(({ type }) => type === "whatsapp");
      },
      true,
    ],
    [
      "update: by Studio, and off",
      async (place) => {
        const { sid } = await place.rest.addressConfigurations.create(WEBHOOK());
        return place.rest.addressConfigurations(sid).update({
          friendlyName: "Back door",
          "autoCreation.enabled": false,
          "autoCreation.type": "studio",
          "autoCreation.studioFlowSid": flow("c"),
          "autoCreation.studioRetryCount": 3,
        });
      },
      {
        friendlyName: "Back door",
        type: "sms",
        autoCreation: { enabled: false, type: "studio", studio_flow_sid: flow("c"), studio_retry_count: 3 },
      },
    ],
    [
      "delete",
      async (place) => place.rest.addressConfigurations((await place.rest.addressConfigurations.create(WEBHOOK())).sid).remove(),
      true,
      204,
    ],
  ],

  "Credential resource": [
    [
      "create for Apple, without more",
      (place) => place.rest.credentials.create({ type: "apn" }),
      {
        sid: /^CR[0-9a-f]{32}$/,
        accountSid: /^AC/,
        friendlyName: null,
        type: "apn",
        sandbox: "False",
        url: /\/Credentials\/CR[0-9a-f]{32}$/,
      },
      201,
    ],
    [
      "create for Google's older one, in mixed case",
      (place) => place.rest.credentials.create({ type: "GcM" }),
      { type: "gcm" },
      201,
    ],
    ["create for Google, in mixed case", (place) => place.rest.credentials.create({ type: "FcM" }), { type: "fcm" }, 201],
    ["fetch", async (place) => (await credential(place)).fetch(), { sid: /^CR/, type: "apn" }],
    [
      "list",
      async (place) => {
        await credential(place);
        return place.rest.credentials.list({ limit: 20 });
      },
      firstPage("CR"),
    ],
    ["update the type", async (place) => (await credential(place)).update({ type: "apn" }), { sid: /^CR/, type: "apn" }],
    [
      "update the friendly name",
      async (place) => (await credential(place)).update({ friendlyName: "Phones" }),
      { friendlyName: "Phones" },
    ],
    ["delete", async (place) => (await credential(place)).remove(), true, 204],
  ],

  "Service resource": [
    [
      "create",
      (place) => place.rest.services.create({ friendlyName: "Branch" }),
      {
        sid: /^IS[0-9a-f]{32}$/,
        accountSid: /^AC/,
        friendlyName: "Branch",
        links: links("conversations", "users", "roles", "bindings", "configuration", "participant_conversations"),
      },
      201,
    ],
    ["fetch", async (place) => (await place.service()).fetch(), { sid: /^IS/, friendlyName: /^service/ }],
    [
      "list",
      async (place) => {
        return place.rest.services.list({ limit: 20 });
      },
      firstPage("IS"),
    ],
    ["delete", async (place) => (await place.service()).remove(), true, 204],
  ],
};
