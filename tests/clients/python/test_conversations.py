"""What is peculiar to conversations, messages, participants, keys and numbers, with the official Python client."""

import unittest
from datetime import datetime, timezone

from harness import ServerTest, nobody, phone, poll, unique


class Conversations(ServerTest):
    def test_keys_are_used_and_revoked(self):
        """B-001 B-003 CreateNewKey: the secret is shown once, works, and works no more after DeleteKey."""
        key = self.account.new_keys.create(friendly_name="mine")
        self.assertGreaterEqual(len(key.secret), 32)
        self.assertFalse(hasattr(self.account.keys(key.sid).fetch(), "secret"))
        by_key = self.server.twilio(key.sid, key.secret).conversations.v1
        self.assertEqual(by_key.configuration().fetch().account_sid, self.server.account_sid)
        with self.refused(401, 20003):
            self.server.twilio(key.sid, "wrong").conversations.v1.configuration().fetch()
        self.account.keys(key.sid).delete()
        with self.refused(401, 20003):
            by_key.configuration().fetch()

    def test_the_order_of_messages(self):
        """B-023 ListConversationMessage: by index, in both directions, over pages."""
        conversation = self.rest.conversations(self.rest.conversations.create().sid)
        made = [conversation.messages.create(body=str(n)).sid for n in range(20)]
        self.assertEqual([message.sid for message in conversation.messages.stream(page_size=7)], made)
        backwards = list(conversation.messages.stream(order="desc", page_size=7))
        self.assertEqual([message.sid for message in backwards], made[::-1])
        self.assertEqual([message.index for message in backwards], list(range(19, -1, -1)))

    def test_pages(self):
        """B-021 B-024 ListConversationMessage: pages by hand."""
        conversation = self.rest.conversations(self.rest.conversations.create().sid)
        made = [conversation.messages.create(body=str(n)).sid for n in range(5)]
        first = conversation.messages.page(page_size=2)
        self.assertEqual([message.sid for message in first], made[:2])
        second = first.next_page()
        self.assertEqual([message.sid for message in second], made[2:4])
        self.assertEqual([message.sid for message in second.previous_page()], made[:2])
        self.assertIsNone(second.next_page().next_page())
        again = conversation.messages.get_page(first.next_page_url)
        self.assertEqual([message.sid for message in again], made[2:4])

    def test_conversations_by_state_and_date(self):
        """B-129 ListConversation: filters."""
        service = self.rest.services(self.rest.services.create(friendly_name="Filters").sid)
        old = service.conversations.create(date_created=datetime(2020, 5, 1, 12, tzinfo=timezone.utc))
        new = service.conversations.create(state="inactive")
        self.assertEqual(old.date_created, datetime(2020, 5, 1, 12, tzinfo=timezone.utc))

        def listed(**filters):
            return [one.sid for one in service.conversations.list(**filters)]

        self.assertEqual(listed(state="inactive"), [new.sid])
        self.assertEqual(listed(state="closed"), [])
        self.assertEqual(listed(start_date="2020-05-01", end_date="2020-05-01"), [old.sid])
        self.assertEqual(listed(start_date="2020-05-02"), [new.sid])
        with self.refused_page(400, 50396):
            listed(start_date="2020-05-02", end_date="2020-05-01")

    def test_a_unique_name_is_taken_once(self):
        """B-103 B-105 B-106 CreateConversation UpdateConversation DeleteConversation by unique names."""
        name = unique("room")
        made = self.rest.conversations.create(unique_name=name)
        with self.refused(409, 50353):
            self.rest.conversations.create(unique_name=name)
        self.rest.conversations(name).update(friendly_name="by name")
        self.assertEqual(self.rest.conversations(made.sid).fetch().friendly_name, "by name")
        self.assertTrue(self.rest.conversations(name).delete())
        self.assertNotEqual(self.rest.conversations.create(unique_name=name).sid, made.sid)

    def test_a_phone_takes_part(self):
        """B-169 CreateConversationParticipant CreateConversationMessage ListConversationMessageReceipt
        FetchConversationMessageReceipt: by SMS."""
        conversation = self.rest.conversations(self.rest.conversations.create().sid)
        address, proxy = phone(), phone()
        member = conversation.participants.create(
            messaging_binding_address=address, messaging_binding_proxy_address=proxy
        )
        self.assertEqual(member.messaging_binding, {"type": "sms", "address": address, "proxy_address": proxy})
        sent = conversation.messages.create(body="dinner?")
        poll("the message on the phone", lambda: any(m["body"] == "dinner?" for m in self.server.handset(address)))

        def delivered():
            return (conversation.messages(sent.sid).fetch().delivery or {}).get("delivered") == "all"

        poll("the delivery receipt", delivered)
        [receipt] = conversation.messages(sent.sid).delivery_receipts.list()
        self.assertRegex(receipt.sid, "^DY[0-9a-f]{32}$")
        self.assertEqual((receipt.status, receipt.error_code, receipt.participant_sid), ("delivered", 0, member.sid))
        self.assertEqual(conversation.messages(sent.sid).delivery_receipts(receipt.sid).fetch().status, "delivered")
        with self.refused(409, 50416):
            other = self.rest.conversations(self.rest.conversations.create().sid)
            other.participants.create(messaging_binding_address=address, messaging_binding_proxy_address=proxy)

    def test_numbers_are_found_by_number(self):
        """ListIncomingPhoneNumber CreateIncomingPhoneNumber: an address is owned once."""
        number = phone()
        made = self.account.incoming_phone_numbers.create(phone_number=number)
        found = self.account.incoming_phone_numbers.list(phone_number=number)
        self.assertEqual([one.sid for one in found], [made.sid])
        with self.refused(400, 21422):
            self.account.incoming_phone_numbers.create(phone_number=number)

    def test_without_credentials(self):
        """B-002 B-003: how the library maps a 401."""
        for username, password in [(None, "wrong"), (nobody("SK"), "wrong")]:
            rest = self.server.twilio(username, password).conversations.v1
            with self.refused(401, 20003) as caught:
                rest.configuration().fetch()
            self.assertEqual(caught.exception.msg, "Unable to fetch record: Authenticate")
            with self.refused_page(401, 20003):
                rest.conversations.list()

    def test_the_text_of_an_error(self):
        """B-004: TwilioRestException has the server's words and the request."""
        sid = nobody("CH")
        with self.refused(404, 20404, method="GET") as caught:
            self.rest.conversations(sid).fetch()
        error = caught.exception
        self.assertEqual(error.msg, f"Unable to fetch record: The requested resource /Conversations/{sid} was not found")
        self.assertEqual(error.uri, f"/Conversations/{sid}")


class Accounts(ServerTest):
    """Accounts below the first one."""

    def test_a_subaccount_is_a_world_of_its_own(self):
        """CreateAccount FetchAccount ListAccount UpdateAccount: suspended it is refused, and active again it has all it had."""
        accounts = self.account.api.v2010.accounts
        made = accounts.create(friendly_name="Branch")
        self.assertRegex(made.sid, "^AC[0-9a-f]{32}$")
        self.assertEqual((made.status, made.owner_account_sid), ("active", self.server.account_sid))
        self.assertEqual([one.sid for one in accounts.list(friendly_name="Branch")], [made.sid])
        theirs = self.server.twilio(made.sid, made.auth_token)
        conversation = theirs.conversations.v1.conversations.create()
        self.assertEqual(conversation.account_sid, made.sid)
        with self.refused(404, 20404):
            self.rest.conversations(conversation.sid).fetch()
        self.assertEqual(accounts(made.sid).update(status="suspended").status, "suspended")
        with self.refused(400, 20005):
            theirs.conversations.v1.configuration().fetch()
        self.assertEqual(accounts(made.sid).update(status="active", friendly_name="Changed").friendly_name, "Changed")
        self.assertEqual(theirs.conversations.v1.conversations(conversation.sid).fetch().sid, conversation.sid)


if __name__ == "__main__":
    unittest.main()
