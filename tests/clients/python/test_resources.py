"""Every resource of the official Python client, made, fetched, listed, changed and removed by the same steps.

A resource is an entry of RESOURCES; what is peculiar to one is tested below the table.
"""

import re
import threading
import unittest
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Callable, Optional, Tuple

from harness import ServerTest, in_parallel, nobody, phone, poll, unique


class Place:
    """Where resources of a test are made: the short form of the URLs, or the service form."""

    def __init__(self, test, service=None):
        self.account = test.account
        self.rest = test.rest.services(service) if service else test.rest
        self._conversation = None

    @property
    def conversation(self):
        """A conversation of this place, for what lives in one."""
        if not self._conversation:
            self._conversation = self.rest.conversations.create().sid
        return self.rest.conversations(self._conversation)



@dataclass
class Resource:
    """How one resource is made, and what is to be seen of it."""

    # Operation ids of the contract, of both forms of the URL.
    operations: str
    sid: str
    # Of a place: the collection, and one of it by its SID or another key.
    collection: Callable[[Place], Any]
    item: Callable[[Place, str], Any]
    # Parameters of its creation, and what it shows then.
    make: Callable[[], dict]
    shows: Callable[[dict], dict]
    # Parameters of a change, which shows the same.
    change: Optional[dict] = None
    # Attribute by which it can be fetched, too.
    other_key: Optional[str] = None
    # Status and code when there is none.
    missing: Tuple[int, int] = (404, 20404)
    # Creations that are refused: parameters, status, code.
    refused: list = field(default_factory=list)
    # Whether it has the service form.
    in_services: bool = True
    # Whether its answers come with a URL of their own.
    has_url: bool = True


def same(parameters):
    return parameters


RESOURCES = [
    Resource(
        operations="CreateService FetchService ListService DeleteService",
        sid="IS",
        collection=lambda place: place.rest.services,
        item=lambda place, key: place.rest.services(key),
        make=lambda: {"friendly_name": unique("service")},
        shows=same,
        refused=[({"friendly_name": "x" * 257}, 400, 50003)],
        in_services=False,
    ),
    Resource(
        operations="CreateConversation FetchConversation ListConversation UpdateConversation DeleteConversation "
        "CreateServiceConversation FetchServiceConversation ListServiceConversation UpdateServiceConversation "
        "DeleteServiceConversation",
        sid="CH",
        collection=lambda place: place.rest.conversations,
        item=lambda place, key: place.rest.conversations(key),
        make=lambda: {"friendly_name": "Räum & Zeit", "unique_name": unique("room"), "attributes": '{"a": [1, "ü"]}'},
        shows=lambda made: {**made, "state": "active", "timers": {}},
        change={"friendly_name": "Changed", "attributes": "[]", "state": "inactive"},
        other_key="unique_name",
        refused=[
            ({"friendly_name": "x" * 257}, 400, 50003),
            ({"attributes": "{"}, 400, 50304),
            ({"unique_name": nobody("CH")}, 400, 50390),
            ({"state": "closed"}, 400, 50384),
        ],
    ),
    Resource(
        operations="CreateConversationMessage FetchConversationMessage ListConversationMessage "
        "UpdateConversationMessage DeleteConversationMessage CreateServiceConversationMessage "
        "FetchServiceConversationMessage ListServiceConversationMessage UpdateServiceConversationMessage "
        "DeleteServiceConversationMessage",
        sid="IM",
        collection=lambda place: place.conversation.messages,
        item=lambda place, key: place.conversation.messages(key),
        make=lambda: {"author": "Zoë", "body": "grüße 😀\nsecond line", "attributes": '"text"'},
        shows=lambda made: {**made, "index": 0, "media": None, "delivery": None, "participant_sid": None},
        change={"body": "changed", "author": "somebody else"},
        missing=(404, 50500),
        refused=[({}, 400, 50503), ({"body": "x", "attributes": "{"}, 400, 50304)],
    ),
    Resource(
        operations="CreateConversationParticipant FetchConversationParticipant ListConversationParticipant "
        "UpdateConversationParticipant DeleteConversationParticipant CreateServiceConversationParticipant "
        "FetchServiceConversationParticipant ListServiceConversationParticipant "
        "UpdateServiceConversationParticipant DeleteServiceConversationParticipant",
        sid="MB",
        collection=lambda place: place.conversation.participants,
        item=lambda place, key: place.conversation.participants(key),
        make=lambda: {"identity": unique("alice"), "attributes": '{"seat":1}'},
        shows=lambda made: {**made, "messaging_binding": None, "last_read_message_index": None},
        change={"attributes": '{"seat":2}', "last_read_message_index": 3},
        other_key="identity",
        missing=(404, 50432),
        refused=[({}, 400, 20001), ({"identity": "x" * 257}, 400, 50207)],
    ),
    Resource(
        operations="CreateUser FetchUser ListUser UpdateUser DeleteUser CreateServiceUser FetchServiceUser "
        "ListServiceUser UpdateServiceUser DeleteServiceUser",
        sid="US",
        collection=lambda place: place.rest.users,
        item=lambda place, key: place.rest.users(key),
        make=lambda: {"identity": unique("ünal"), "friendly_name": "Ünal", "attributes": '{"team":1}'},
        shows=same,
        change={"friendly_name": "Renamed", "attributes": "{}"},
        other_key="identity",
        refused=[({"identity": "x" * 257}, 400, 50207), ({"identity": nobody("US")}, 400, 50206)],
    ),
    Resource(
        operations="CreateNewKey FetchKey ListKey DeleteKey",
        sid="SK",
        collection=lambda place: place.account.keys,
        item=lambda place, key: place.account.keys(key),
        make=lambda: {"friendly_name": unique("key")},
        shows=same,
        in_services=False,
        has_url=False,
    ),
    Resource(
        operations="CreateIncomingPhoneNumber FetchIncomingPhoneNumber ListIncomingPhoneNumber "
        "DeleteIncomingPhoneNumber",
        sid="PN",
        collection=lambda place: place.account.incoming_phone_numbers,
        item=lambda place, key: place.account.incoming_phone_numbers(key),
        make=lambda: {"phone_number": phone(), "friendly_name": "desk"},
        shows=same,
        refused=[({"phone_number": "five"}, 400, 21421)],
        in_services=False,
        has_url=False,
    ),
]


class Steps:
    """The steps of every resource; a class below is made of them for each entry and each form of its URLs."""

    resource: Resource
    service_form = False
    # As many as the stream below has to find, each once.
    MANY = 500

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.service = cls.rest.services.create(friendly_name="Second").sid if cls.service_form else None

    def setUp(self):
        self.place = Place(self, self.service)

    def shortDescription(self):
        """The operations of this form of the URLs."""
        of_service = re.compile("^[A-Z][a-z]+Service[A-Z]")
        operations = self.resource.operations.split()
        return " ".join(o for o in operations if bool(of_service.match(o)) == self.service_form)

    @property
    def collection(self):
        return self.resource.collection(self.place)

    def item(self, key):
        return self.resource.item(self.place, key)

    def create(self, **parameters):
        # Keys are made by a resource of their own, whose answers alone have the secret.
        made = self.place.account.new_keys if self.resource.sid == "SK" else self.collection
        return made.create(**parameters)

    def assert_shows(self, instance, wanted):
        shown = {name: getattr(instance, name) for name in wanted}
        self.assertEqual(shown, wanted)

    def test_life(self):
        resource = self.resource
        parameters = resource.make()
        before = datetime.now(timezone.utc).replace(microsecond=0)
        made = self.create(**parameters)
        self.assertRegex(made.sid, f"^{resource.sid}[0-9a-f]{{32}}$")
        self.assert_shows(made, resource.shows(parameters))
        self.assertGreaterEqual(made.date_created, before)
        self.assertEqual(made.date_updated, made.date_created)

        fetched = self.item(made.sid).fetch()
        self.assert_shows(fetched, {"sid": made.sid, **resource.shows(parameters)})
        if resource.has_url:
            raw = self.fetch_raw(fetched)
            self.assert_model(fetched, raw)
            self.assertEqual((raw["sid"], raw["account_sid"]), (made.sid, self.server.account_sid))
            self.assertEqual("/Services/" in raw["url"], self.service_form or resource.sid == "IS", raw["url"])
        if resource.other_key:
            key = getattr(made, resource.other_key)
            self.assertEqual(self.item(key).fetch().sid, made.sid)
        self.assertIn(made.sid, [one.sid for one in self.collection.list()])
        self.assertEqual(len(self.collection.list(limit=1)), 1)

        if resource.change:
            changed = self.item(made.sid).update(**resource.change)
            wanted = {**resource.shows(parameters), **resource.change, "sid": made.sid}
            self.assert_shows(changed, wanted)
            self.assert_shows(self.item(made.sid).fetch(), wanted)
            # B-014
            self.assert_shows(self.item(made.sid).update(), {**wanted, "date_updated": changed.date_updated})

        self.assertIs(self.item(made.sid).delete(), True)
        # B-013
        with self.refused(*resource.missing, method="DELETE"):
            self.item(made.sid).delete()
        self.assertNotIn(made.sid, [one.sid for one in self.collection.list()])

    def test_what_is_not_there(self):
        resource = self.resource
        for key in (nobody(resource.sid), "CX" + "0" * 32):
            with self.refused(*resource.missing, method="GET") as caught:
                self.item(key).fetch()
            self.assertIn(key, caught.exception.uri)
            with self.refused(*resource.missing, method="DELETE"):
                self.item(key).delete()
            if resource.change:
                with self.refused(*resource.missing, method="POST"):
                    self.item(key).update(**resource.change)

    def test_what_is_refused(self):
        before = sorted(one.sid for one in self.collection.list())
        for parameters, status, code in self.resource.refused:
            with self.subTest(parameters=str(parameters)[:60]), self.refused(status, code, method="POST"):
                self.create(**parameters)
        self.assertEqual(sorted(one.sid for one in self.collection.list()), before)

    def test_a_stream_has_each_once_while_others_are_made(self):
        """B-022"""
        # One conversation for all of them, before many threads want it.
        self.collection
        made = in_parallel(range(self.MANY), lambda _: self.create(**self.resource.make()).sid)
        self.assertEqual(len(set(made)), self.MANY)
        ends, between = threading.Event(), []

        def insert():
            while not ends.is_set():
                between.append(self.create(**self.resource.make()).sid)

        others = threading.Thread(target=insert)
        others.start()
        try:
            seen = [one.sid for one in self.collection.stream(page_size=7)]
        finally:
            ends.set()
            others.join()
        self.assertEqual(len(set(seen)), len(seen), "nothing twice")
        self.assertEqual(set(made) - set(seen), set(), "nothing missed")
        self.assertGreater(len(between), 0)
        # Those that were there before the test, and those of the other thread.
        self.assertEqual({one.sid for one in self.collection.stream(page_size=100)} - set(seen), set(between) - set(seen))


def classes():
    """`TestConversation`, `TestServiceConversation` …"""
    for resource in RESOURCES:
        operation = resource.operations.split()[0].removeprefix("Create").removeprefix("New")
        for service_form in (False, True) if resource.in_services else (False,):
            name = f"TestService{operation}" if service_form else f"Test{operation}"
            yield name, type(name, (Steps, ServerTest), {"resource": resource, "service_form": service_form})


globals().update(classes())


class Peculiar(ServerTest):
    """What is peculiar to one resource."""

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


if __name__ == "__main__":
    unittest.main()
