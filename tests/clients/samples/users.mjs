// Samples of the reference pages of users, of what they are in, and of what they may; each stands in both forms of the URLs.

import { unique } from "../harness.mjs";
import { MADE, echoing, firstPage, json, links, sms } from "./common.mjs";

/** A user who takes part. */
async function taking(place) {
  const [room, user] = [await place.room({ friendlyName: "Kitchen" }), await place.user()];
  await room.participants.create({ identity: user.identity });
  return { room, user, seen: user.userConversations(room.sid) };
}

export const USERS = {
  "Participant Conversation resource": [
    [
      "list by address",
      async (place) => {
        const room = await place.room({ friendlyName: "Harbour" });
        const given = sms();
        await room.participants.create(given);
        return place.base.participantConversations.list({ address: given["messagingBinding.address"], limit: 20 });
      },
      [
        {
          conversationSid: /^CH/,
          participantSid: /^MB/,
          conversationFriendlyName: "Harbour",
          conversationState: "active",
          conversationTimers: {},
          conversationAttributes: "{}",
          participantUserSid: null,
          participantIdentity: null,
          participantMessagingBinding: { type: "sms", address: /^\+/, proxy_address: /^\+/ },
          links: links("participant", "conversation"),
        },
      ],
    ],
    [
      "list by identity",
      async (place) => {
        const { user } = await taking(place);
        return place.base.participantConversations.list({ identity: user.identity });
      },
      [
        {
          conversationFriendlyName: "Kitchen",
          participantUserSid: /^US/,
          participantIdentity: /^user/,
          participantMessagingBinding: null,
        },
      ],
    ],
    ["list none", async (place) => place.base.participantConversations.list({ identity: unique("nobody") }), []],
  ],

  "User resource": [
    [
      "create",
      async (place) => place.base.users.create({ identity: unique("fay") }),
      {
        sid: /^US[0-9a-f]{32}$/,
        chatServiceSid: /^IS/,
        roleSid: /^RL/,
        identity: /^fay/,
        attributes: "{}",
        links: links("user_conversations"),
      },
      201,
    ],
    [
      "create with everything",
      ...echoing(
        async (place) => ({
          identity: unique("gus"),
          friendlyName: "Gus",
          attributes: json({ duty: "night" }),
          roleSid: await place.role("service"),
        }),
        (place, given) => place.base.users.create(given),
        (given) => given,
      ),
      201,
    ],
    ["fetch", async (place) => (await place.user()).fetch(), { sid: /^US/, identity: /^user/ }],
    [
      "list",
      async (place) => {
        await place.user();
        return place.base.users.list({ limit: 20 });
      },
      firstPage("US"),
    ],
    [
      "update friendly name and role",
      ...echoing(
        async (place) => ({ friendlyName: "Another name", roleSid: await place.role("service") }),
        async (place, given) => (await place.user()).update(given),
        (given) => given,
      ),
    ],
    [
      "update everything",
      ...echoing(
        async (place) => ({
          friendlyName: "Third name",
          attributes: json({ duty: "day", team: "north" }),
          roleSid: await place.role("service"),
        }),
        async (place, given) => (await place.user()).update(given),
        (given) => given,
      ),
    ],
    ["delete", async (place) => (await place.user()).remove(), true, 204],
  ],

  "User Conversation resource": [
    [
      "fetch",
      async (place) => (await taking(place)).seen.fetch(),
      {
        conversationSid: /^CH/,
        participantSid: /^MB/,
        userSid: /^US/,
        friendlyName: "Kitchen",
        conversationState: "active",
        timers: {},
        attributes: "{}",
        lastReadMessageIndex: null,
        notificationLevel: "default",
        links: links("participant", "conversation"),
      },
    ],
    ["list", async (place) => (await taking(place)).user.userConversations.list({ limit: 20 }), [{ friendlyName: "Kitchen" }]],
    ["list none", async (place) => (await place.user()).userConversations.list(), []],
    [
      "update the notification level",
      async (place) => (await taking(place)).seen.update({ notificationLevel: "default" }),
      { notificationLevel: "default" },
    ],
    [
      "update level, time and index of what was read",
      async (place) => {
        const { room, seen } = await taking(place);
        await room.messages.create({ body: "read me" });
        return seen.update({ notificationLevel: "default", lastReadTimestamp: MADE, lastReadMessageIndex: 0 });
      },
      { notificationLevel: "default", lastReadMessageIndex: 0, unreadMessagesCount: 0 },
    ],
    ["mute", async (place) => (await taking(place)).seen.update({ notificationLevel: "muted" }), { notificationLevel: "muted" }],
    ["remove", async (place) => (await taking(place)).seen.remove(), true, 204],
  ],

  "Role resource": [
    [
      "create",
      async (place) => place.base.roles.create({ friendlyName: "Doorman", permission: ["addParticipant"], type: "conversation" }),
      {
        sid: /^RL[0-9a-f]{32}$/,
        chatServiceSid: /^IS/,
        friendlyName: "Doorman",
        type: "conversation",
        permissions: ["addParticipant"],
      },
      201,
    ],
    [
      "fetch",
      async (place) => place.base.roles(await place.role()).fetch(),
      { type: "conversation", permissions: ["sendMessage"] },
    ],
    [
      "list",
      async (place) => (await place.base.roles.list({ limit: 20 })).map(({ friendlyName }) => friendlyName),
      (place) => (names) =>
        ["channel admin", "channel user", "service admin", "service user"].every((name) => names.includes(name)),
    ],
    [
      "update",
      async (place) => place.base.roles(await place.role()).update({ permission: ["leaveConversation", "sendMediaMessage"] }),
      { permissions: (shown) => [...shown].sort().join() === "leaveConversation,sendMediaMessage" },
    ],
    ["delete", async (place) => place.base.roles(await place.role()).remove(), true, 204],
  ],
};
