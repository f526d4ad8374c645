"""Programmable Chat, with the official Python client: the same stores as those of Conversations."""

import unittest

from harness import ServerTest, nobody, unique


class Chat(ServerTest):
    def setUp(self):
        self.service_sid = self.rest.configuration().fetch().default_chat_service_sid
        self.service = self.account.chat.v2.services(self.service_sid)
        self.channel_sid = self.service.channels.create(friendly_name="Room").sid
        self.channel = self.service.channels(self.channel_sid)

    def test_members(self):
        """CreateMember FetchMember ListMember DeleteMember: chat participants of a channel."""
        names = [unique("alice") for _ in range(9)]
        made = [self.channel.members.create(identity=name).sid for name in names]
        listed = list(self.channel.members.stream(page_size=2))
        self.assertEqual(sorted(member.sid for member in listed), sorted(made))
        fetched = self.channel.members(made[0]).fetch()
        self.assert_model(fetched, self.fetch_raw(fetched))
        self.assertEqual((fetched.identity, fetched.channel_sid), (names[0], self.channel_sid))
        self.assertEqual([m.sid for m in self.channel.members.list(identity=[names[1]])], [made[1]])
        with self.refused(409, 50404):
            self.channel.members.create(identity=names[0])
        self.assertEqual(self.channel.fetch().members_count, 9)
        self.assertIs(self.channel.members(made[0]).delete(), True)
        with self.refused(404, 50402):
            self.channel.members(made[0]).fetch()

    def test_messages(self):
        """CreateMessage FetchMessage ListMessage: in order, with the sender."""
        made = [self.channel.messages.create(body=str(n), from_="alice").sid for n in range(9)]
        self.assertEqual([message.sid for message in self.channel.messages.stream(page_size=2)], made)
        backwards = [message.sid for message in self.channel.messages.stream(order="desc", page_size=4)]
        self.assertEqual(backwards, made[::-1])
        fetched = self.channel.messages(made[3]).fetch()
        raw = self.fetch_raw(fetched)
        # The library hides what is a word of the language.
        self.assert_model(fetched, raw, unknown={"from"})
        self.assertEqual(raw["from"], "alice")
        self.assertEqual((fetched.body, fetched.index, fetched.was_edited), ("3", 3, False))
        self.assertEqual((fetched.to, fetched.type), (self.channel_sid, "text"))
        with self.refused(400, 50503):
            self.channel.messages.create()

    def test_roles_and_users(self):
        """CreateRole ListRole ListUser: with the words of Chat."""
        kinds = {role.friendly_name: role.type for role in self.service.roles.list()}
        self.assertEqual(kinds["channel user"], "channel")
        self.assertEqual(kinds["service user"], "deployment")
        made = self.service.roles.create(friendly_name="mute", type="channel", permission=["leaveChannel"])
        self.assertEqual(made.permissions, ["leaveChannel"])
        self.assertEqual(self.rest.roles(made.sid).fetch().permissions, ["leaveConversation"])
        name = unique("alice")
        self.channel.members.create(identity=name)
        self.assertIn(name, [user.identity for user in self.service.users.list()])

    def test_a_channel_becomes_a_conversation(self):
        """UpdateChannelV3 FetchConversation: public channels are none before, and there is no way back."""
        with self.refused(404, 20404):
            self.rest.conversations(self.channel_sid).fetch()
        pool = self.rest.configuration().fetch().default_messaging_service_sid
        channel = self.account.chat.v3.channels(self.service_sid, self.channel_sid)
        with self.refused(400, 50393):
            channel.update(type="public", messaging_service_sid=pool)
        changed = channel.update(type="private", messaging_service_sid=pool)
        self.assertEqual((changed.type, changed.messaging_service_sid), ("private", pool))
        self.assertEqual(self.rest.conversations(self.channel_sid).fetch().friendly_name, "Room")
        self.assertEqual(self.channel.fetch().type, "private")

    def test_what_is_not_there(self):
        """FetchChannel CreateMember"""
        with self.refused(404, 20404):
            self.service.channels(nobody("CH")).fetch()
        with self.refused(404, 50300):
            self.service.channels(nobody("CH")).members.create(identity="alice")


if __name__ == "__main__":
    unittest.main()
