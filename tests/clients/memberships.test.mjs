// Conversations by their members, with the official Node.js client, by both forms of the URLs.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Server, inParallel, phone, poll, range, unique } from "./harness.mjs";

let server;
let rest;
let service;

before(async () => {
  server = await Server.start();
  rest = server.twilio().conversations.v1;
  service = (await rest.configuration().fetch()).defaultChatServiceSid;
});
after(() => server?.stop());

const refusal = (status, code) => (error) => {
  assert.deepEqual([error.status, error.code], [status, code], error.message);
  return true;
};

for (const [form, base] of [
  ["short form", () => rest],
  ["service form", () => rest.services(service)],
]) {
  describe(form, () => {
    test(
      "ListUserConversation FetchUserConversation UpdateUserConversation DeleteUserConversation " +
        "ListServiceUserConversation FetchServiceUserConversation UpdateServiceUserConversation DeleteServiceUserConversation",
      async () => {
        const identity = unique("alice");
        const made = await inParallel(range(9), async (number) => {
          const { sid } = await base().conversations.create({ friendlyName: `${number}` });
          const member = await base().conversations(sid).participants.create({ identity });
          return { sid, member: member.sid };
        });
        const { userConversations } = base().users(identity);
        const listed = await userConversations.list({ pageSize: 2 });
        const sids = made.map(({ sid }) => sid).sort();
        assert.deepEqual(listed.map(({ conversationSid }) => conversationSid).sort(), sids);
        const [{ sid, member }] = made;
        const one = userConversations(sid);
        const fetched = await one.fetch();
        assert.deepEqual([fetched.participantSid, fetched.friendlyName, fetched.notificationLevel], [member, "0", "default"]);
        assert.equal(fetched.unreadMessagesCount, null);
        await base().conversations(sid).messages.create({ body: "one" });
        await base().conversations(sid).messages.create({ body: "two" });
        const changed = await one.update({ notificationLevel: "muted", lastReadMessageIndex: 0 });
        assert.deepEqual([changed.notificationLevel, changed.unreadMessagesCount], ["muted", 1]);
        assert.equal(await one.remove(), true);
        await assert.rejects(base().conversations(sid).participants(member).fetch(), refusal(404, 50432));
      },
    );

    test("ListParticipantConversation ListServiceParticipantConversation", async () => {
      const [identity, address, proxy] = [unique("alice"), phone(), phone()];
      const made = await inParallel(range(3), async () => (await base().conversations.create({})).sid);
      await inParallel(made, (sid) => base().conversations(sid).participants.create({ identity }));
      const pair = { "messagingBinding.address": address, "messagingBinding.proxyAddress": proxy };
      const byPhone = await base().conversations(made[0]).participants.create(pair);
      const listed = await base().participantConversations.list({ identity, pageSize: 2 });
      assert.deepEqual(listed.map(({ conversationSid }) => conversationSid), made.sort());
      const [found, ...more] = await base().participantConversations.list({ address });
      assert.deepEqual([found.participantSid, found.participantMessagingBinding.proxy_address, more], [byPhone.sid, proxy, []]);
      await assert.rejects(base().participantConversations.list(), refusal(400, 20001));
      await assert.rejects(base().participantConversations.list({ identity, address }), refusal(400, 50451));
    });

    test("CreateConversationWithParticipants CreateServiceConversationWithParticipants", async () => {
      const names = [unique("alice"), unique("bob")];
      const participant = names.map((identity) => JSON.stringify({ identity }));
      const made = await base().conversationWithParticipants.create({ friendlyName: "Both", participant });
      assert.deepEqual([made.friendlyName, made.state], ["Both", "initializing"]);
      const conversation = base().conversations(made.sid);
      await poll("the participants", async () => (await conversation.fetch()).state === "active");
      const identities = (await conversation.participants.list()).map(({ identity }) => identity);
      assert.deepEqual(identities.sort(), names.sort());
      const refused = (participants) => base().conversationWithParticipants.create({ participant: participants });
      await assert.rejects(refused(["{"]), refusal(400, 50424));
      await assert.rejects(refused(Array(11).fill('{"identity":"x"}')), refusal(400, 50426));
    });
  });
}
