"""Conversations by their members, with the official Python client."""

import json
import unittest

from harness import ServerTest, phone, poll, unique


class Memberships(ServerTest):
    def test_the_conversations_of_a_user(self):
        """ListUserConversation FetchUserConversation UpdateUserConversation DeleteUserConversation, and the same of a
        service: ListServiceUserConversation FetchServiceUserConversation UpdateServiceUserConversation
        DeleteServiceUserConversation"""
        service = self.rest.configuration().fetch().default_chat_service_sid
        for rest in (self.rest, self.rest.services(service)):
            identity = unique("alice")
            made = [rest.conversations.create(friendly_name=str(n)).sid for n in range(9)]
            members = [rest.conversations(sid).participants.create(identity=identity) for sid in made]
            conversations = rest.users(identity).user_conversations
            listed = list(conversations.stream(page_size=2))
            self.assertEqual(sorted(one.conversation_sid for one in listed), sorted(made))
            one = conversations(made[0])
            fetched = one.fetch()
            self.assert_model(fetched, self.fetch_raw(fetched))
            self.assertEqual((fetched.participant_sid, fetched.friendly_name), (members[0].sid, "0"))
            self.assertEqual((fetched.notification_level, fetched.unread_messages_count), ("default", None))
            for body in ("one", "two"):
                rest.conversations(made[0]).messages.create(body=body)
            changed = one.update(notification_level="muted", last_read_message_index=0)
            self.assertEqual((changed.notification_level, changed.unread_messages_count), ("muted", 1))
            self.assertIs(one.delete(), True)
            with self.refused(404, 50432):
                rest.conversations(made[0]).participants(members[0].sid).fetch()
            self.assertNotIn(made[0], [one.conversation_sid for one in conversations.list()])

    def test_the_conversations_of_a_participant(self):
        """ListParticipantConversation ListServiceParticipantConversation: by identity and by address."""
        identity, address, proxy = unique("alice"), phone(), phone()
        made = [self.rest.conversations.create().sid for _ in range(3)]
        for sid in made:
            self.rest.conversations(sid).participants.create(identity=identity)
        by_phone = self.rest.conversations(made[0]).participants.create(
            messaging_binding_address=address, messaging_binding_proxy_address=proxy
        )
        service = self.rest.configuration().fetch().default_chat_service_sid
        for rest in (self.rest, self.rest.services(service)):
            listed = list(rest.participant_conversations.stream(identity=identity, page_size=2))
            self.assertEqual([one.conversation_sid for one in listed], sorted(made))
            [found] = rest.participant_conversations.list(address=address)
            self.assertEqual((found.conversation_sid, found.participant_sid), (made[0], by_phone.sid))
            self.assertEqual(found.participant_messaging_binding["proxy_address"], proxy)
            with self.refused_page(400, 20001):
                rest.participant_conversations.list()
            with self.refused_page(400, 50451):
                rest.participant_conversations.list(identity=identity, address=address)

    def test_a_conversation_with_its_first_participants(self):
        """CreateConversationWithParticipants CreateServiceConversationWithParticipants"""
        service = self.rest.configuration().fetch().default_chat_service_sid
        for rest in (self.rest, self.rest.services(service)):
            names = [unique("alice"), unique("bob")]
            made = rest.conversation_with_participants.create(
                friendly_name="Both", participant=[json.dumps({"identity": name}) for name in names]
            )
            self.assertEqual((made.friendly_name, made.state), ("Both", "initializing"))
            conversation = rest.conversations(made.sid)
            poll("the participants", lambda: conversation.fetch().state == "active")
            self.assertCountEqual([member.identity for member in conversation.participants.list()], names)
            with self.refused(400, 50424):
                rest.conversation_with_participants.create(participant=["{"])
            with self.refused(400, 50426):
                rest.conversation_with_participants.create(participant=['{"identity":"x"}'] * 11)


if __name__ == "__main__":
    unittest.main()
