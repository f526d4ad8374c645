"""Every resource of the official Python client, made, fetched, listed, changed and removed by the same steps.

A resource is an entry of RESOURCES below; what is peculiar to one is in a file of its own.
"""

import threading
import unittest
from datetime import datetime, timezone

from twilio.rest.content.v1.content import ContentList

from harness import ServerTest, in_parallel, nobody, phone, unique
from resources import Place, Resource


class Steps:
    """The steps of every resource; a class below is made of them for each entry and each form of its URLs."""

    resource: Resource
    service_form = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.service = cls.rest.services.create(friendly_name="Second").sid if cls.service_form else None

    def setUp(self):
        self.place = Place(self, self.service)

    def shortDescription(self):
        return " ".join(self.resource.operations_of(self.service_form))

    @property
    def collection(self):
        return self.resource.collection(self.place)

    def item(self, key):
        return self.resource.item(self.place, key)

    def create(self, parameters):
        return self.resource.create(self.collection, self.place, parameters)

    def sids(self):
        return [one.sid for one in self.collection.stream(page_size=100)]

    def assert_shows(self, instance, wanted):
        shown = {name: getattr(instance, name) for name in wanted}
        self.assertEqual(shown, wanted)

    def test_what_is_not_there(self):
        resource = self.resource
        key = nobody(resource.sid)
        with self.refused(*resource.missing, method="GET") as caught:
            self.item(key).fetch()
        self.assertIn(key, caught.exception.uri)
        with self.refused(*resource.missing, method="DELETE"):
            self.item(key).delete()
        if resource.change:
            with self.refused(*resource.missing):
                resource.update(self.item(key), resource.change)
        # B-005
        with self.refused(*(resource.missing if resource.other_key else resource.malformed), method="GET"):
            self.item("CX" + "0" * 32).fetch()

    def test_what_is_refused(self):
        before = sorted(self.sids())
        for parameters, status, code in self.resource.refused:
            with self.subTest(parameters=str(parameters)[:60]), self.refused(status, code, method="POST"):
                self.create(parameters)
        self.assertEqual(sorted(self.sids()), before)

    def test_a_stream_has_each_once_while_others_are_made(self):
        """B-022"""
        resource = self.resource
        if not resource.many:
            # The original allows only a few: they fit on a page or two.
            made = [self.create(resource.make()).sid for _ in range(3)]
            self.assertEqual(sorted(one.sid for one in self.collection.stream(page_size=2)), sorted(made))
            return
        # What they live in is made before many threads want it.
        self.assertIsNotNone(self.collection)
        made = in_parallel(range(resource.many), lambda _: self.create(resource.make()).sid)
        self.assertEqual(len(set(made)), resource.many)
        ends, between = threading.Event(), []

        def insert():
            while not ends.is_set():
                between.append(self.create(resource.make()).sid)

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
        self.assertEqual(set(self.sids()) - set(seen), set(between) - set(seen))

    # The last one: what stands below, to the end of the file, is what it goes through.
    def test_life(self):
        """B-012 B-013 B-014"""
        resource = self.resource
        parameters = resource.make()
        before = datetime.now(timezone.utc).replace(microsecond=0)
        made = self.create(parameters)
        self.assertRegex(made.sid, f"^{resource.sid}[0-9a-f]{{32}}$")
        self.assert_shows(made, resource.shows(parameters))
        self.assertGreaterEqual(made.date_created, before)
        self.assertEqual(made.date_updated, made.date_created)

        fetched = self.item(made.sid).fetch()
        self.assert_shows(fetched, {"sid": made.sid, **resource.shows(parameters)})
        if resource.has_url:
            raw = self.fetch_raw(fetched)
            self.assert_model(fetched, raw, resource.unknown)
            self.assertEqual(raw["sid"], made.sid)
            if resource.has_account:
                self.assertEqual(raw["account_sid"], self.server.account_sid)
            if resource.in_services:
                self.assertEqual("/Services/" in raw["url"], self.service_form, raw["url"])
        if resource.other_key:
            key = getattr(made, resource.other_key)
            self.assertEqual(self.item(key).fetch().sid, made.sid)
        self.assertIn(made.sid, self.sids())
        self.assertEqual(len(self.collection.list(limit=1)), 1)

        if resource.change:
            changed = resource.update(self.item(made.sid), resource.change)
            wanted = {**resource.shows(parameters), **(resource.changed or resource.change), "sid": made.sid}
            self.assert_shows(changed, wanted)
            self.assert_shows(self.item(made.sid).fetch(), wanted)
            if resource.has_empty_update:
                self.assert_shows(self.item(made.sid).update(), {**wanted, "date_updated": changed.date_updated})

        self.assertIs(self.item(made.sid).delete(), True)
        with self.refused(*resource.missing, method="DELETE"):
            self.item(made.sid).delete()
        self.assertNotIn(made.sid, self.sids())


MESSAGE_ADDED = {"type": "com.twilio.conversations.message.added", "schema_version": 2}

RESOURCES = [
    Resource(
        operations="CreateService FetchService ListService DeleteService",
        sid="IS",
        collection=lambda place: place.rest.services,
        item=lambda place, key: place.rest.services(key),
        make=lambda: {"friendly_name": unique("service")},
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
        change={"friendly_name": "Renamed", "attributes": "{}"},
        other_key="identity",
        refused=[({"identity": "x" * 257}, 400, 50207), ({"identity": nobody("US")}, 400, 50206)],
    ),
    Resource(
        operations="CreateNewKey FetchKey ListKey UpdateKey DeleteKey",
        sid="SK",
        collection=lambda place: place.account.keys,
        # A resource of its own, whose answers alone have the secret.
        create=lambda _, place, parameters: place.account.new_keys.create(**parameters),
        item=lambda place, key: place.account.keys(key),
        make=lambda: {"friendly_name": unique("key")},
        change={"friendly_name": "Changed"},
        in_services=False,
        has_url=False,
    ),
    Resource(
        operations="CreateIncomingPhoneNumber FetchIncomingPhoneNumber ListIncomingPhoneNumber "
        "UpdateIncomingPhoneNumber DeleteIncomingPhoneNumber",
        sid="PN",
        collection=lambda place: place.account.incoming_phone_numbers,
        item=lambda place, key: place.account.incoming_phone_numbers(key),
        make=lambda: {"phone_number": phone(), "friendly_name": "desk"},
        change={"friendly_name": "Changed"},
        refused=[({"phone_number": "five"}, 400, 21421)],
        in_services=False,
        has_url=False,
    ),
    Resource(
        operations="CreateRole FetchRole ListRole UpdateRole DeleteRole CreateServiceRole FetchServiceRole "
        "ListServiceRole UpdateServiceRole DeleteServiceRole",
        sid="RL",
        collection=lambda place: place.rest.roles,
        item=lambda place, key: place.rest.roles(key),
        make=lambda: {
            "friendly_name": unique("role"),
            "type": "conversation",
            "permission": ["sendMessage", "leaveConversation"],
        },
        shows=lambda made: {
            "friendly_name": made["friendly_name"],
            "type": "conversation",
            "permissions": ["sendMessage", "leaveConversation"],
        },
        change={"permission": ["sendMediaMessage"]},
        changed={"permissions": ["sendMediaMessage"]},
        has_empty_update=False,
        refused=[
            ({"friendly_name": "x", "type": "conversation", "permission": ["fly"]}, 400, 50104),
            # One of services.
            ({"friendly_name": "x", "type": "conversation", "permission": ["createConversation"]}, 400, 50104),
            ({"friendly_name": "x", "type": "deployment", "permission": ["sendMessage"]}, 400, 50105),
        ],
    ),
    Resource(
        operations="CreateConversationScopedWebhook FetchConversationScopedWebhook ListConversationScopedWebhook "
        "UpdateConversationScopedWebhook DeleteConversationScopedWebhook CreateServiceConversationScopedWebhook "
        "FetchServiceConversationScopedWebhook ListServiceConversationScopedWebhook "
        "UpdateServiceConversationScopedWebhook DeleteServiceConversationScopedWebhook",
        sid="WH",
        collection=lambda place: place.conversation.webhooks,
        item=lambda place, key: place.conversation.webhooks(key),
        make=lambda: {
            "target": "webhook",
            "configuration_url": "https://example.com/hook",
            "configuration_filters": ["onMessageAdded"],
        },
        shows=lambda made: {
            "target": "webhook",
            "configuration": {"url": "https://example.com/hook", "method": "post", "filters": ["onMessageAdded"]},
        },
        change={"configuration_method": "GET", "configuration_filters": ["onMessageUpdated"]},
        changed={
            "configuration": {"url": "https://example.com/hook", "method": "get", "filters": ["onMessageUpdated"]}
        },
        missing=(404, 50360),
        refused=[
            ({"target": "nowhere"}, 400, 50364),
            ({"target": "webhook", "configuration_filters": ["onMessageAdded"]}, 400, 50369),
            ({"target": "trigger", "configuration_url": "https://example.com/hook"}, 400, 50371),
        ],
        # B-025: five in one conversation.
        many=0,
    ),
    Resource(
        operations="CreateConfigurationAddress FetchConfigurationAddress ListConfigurationAddress "
        "UpdateConfigurationAddress DeleteConfigurationAddress",
        sid="IG",
        collection=lambda place: place.rest.address_configurations,
        item=lambda place, key: place.rest.address_configurations(key),
        make=lambda: {"type": "sms", "address": phone(), "friendly_name": "desk"},
        change={"friendly_name": "Changed", "auto_creation_enabled": False},
        changed={"friendly_name": "Changed"},
        other_key="address",
        refused=[({"type": "pigeon", "address": "+15550000000"}, 400, 20001)],
        in_services=False,
    ),
    Resource(
        operations="CreateCredential FetchCredential ListCredential UpdateCredential DeleteCredential",
        sid="CR",
        collection=lambda place: place.rest.credentials,
        item=lambda place, key: place.rest.credentials(key),
        make=lambda: {"type": "gcm", "friendly_name": unique("push"), "api_key": "a key of the older kind"},
        # B-070: the secret does not come back.
        shows=lambda made: {"type": "gcm", "friendly_name": made["friendly_name"], "sandbox": None},
        change={"friendly_name": "Changed"},
        refused=[
            ({"type": "pigeon"}, 400, 20001),
            ({"type": "gcm", "api_key": "x", "friendly_name": "x" * 65}, 400, 20002),
        ],
        in_services=False,
    ),
    Resource(
        operations="CreateContent FetchContent ListContent UpdateContent DeleteContent",
        sid="HX",
        collection=lambda place: place.account.content.v1.contents,
        item=lambda place, key: place.account.content.v1.contents(key),
        create=lambda contents, _, parameters: contents.create(ContentList.ContentCreateRequest(parameters)),
        make=lambda: {
            "friendly_name": unique("template"),
            "language": "en",
            "variables": {"1": "somebody"},
            "types": {"twilio/text": ContentList.TwilioText({"body": "Hello {{1}}"})},
        },
        shows=lambda made: {**made, "types": {"twilio/text": {"body": "Hello {{1}}"}}},
        change={"friendly_name": "Changed", "types": {"twilio/text": ContentList.TwilioText({"body": "Bye {{1}}"})}},
        changed={"friendly_name": "Changed", "types": {"twilio/text": {"body": "Bye {{1}}"}}},
        update=lambda item, change: item.update(ContentList.ContentUpdateRequest(change)),
        has_empty_update=False,
        in_services=False,
    ),
    Resource(
        operations="CreateService FetchService ListService UpdateService DeleteService",
        sid="IS",
        collection=lambda place: place.account.notify.v1.services,
        item=lambda place, key: place.account.notify.v1.services(key),
        make=lambda: {"friendly_name": unique("notify"), "log_enabled": False},
        shows=lambda made: {**made, "default_fcm_notification_protocol_version": "3"},
        change={"friendly_name": "Changed", "delivery_callback_enabled": True},
        refused=[({"friendly_name": "x" * 65}, 400, 20002), ({"apn_credential_sid": nobody("CR")}, 400, 52002)],
        in_services=False,
        # Ten in an account.
        many=0,
        unknown={"type"},
    ),
    Resource(
        operations="CreateNewSigningKey FetchSigningKey ListSigningKey UpdateSigningKey DeleteSigningKey",
        sid="SK",
        collection=lambda place: place.account.signing_keys,
        create=lambda _, place, parameters: place.account.new_signing_keys.create(**parameters),
        item=lambda place, key: place.account.signing_keys(key),
        make=lambda: {"friendly_name": unique("key")},
        change={"friendly_name": "Changed"},
        in_services=False,
        has_url=False,
    ),
    Resource(
        operations="CreateService FetchService ListService UpdateService DeleteService",
        sid="MG",
        collection=lambda place: place.account.messaging.v1.services,
        item=lambda place, key: place.account.messaging.v1.services(key),
        make=lambda: {"friendly_name": unique("pool"), "status_callback": "https://example.com/status"},
        shows=lambda made: {**made, "sticky_sender": True, "validity_period": 36000, "usecase": "undeclared"},
        change={"friendly_name": "Changed", "sticky_sender": False, "validity_period": 1},
        in_services=False,
    ),
    Resource(
        operations="CreatePhoneNumber FetchPhoneNumber ListPhoneNumber DeletePhoneNumber",
        sid="PN",
        collection=lambda place: place.pool.phone_numbers,
        create=lambda numbers, place, parameters: numbers.create(
            phone_number_sid=place.account.incoming_phone_numbers.create(**parameters).sid
        ),
        item=lambda place, key: place.pool.phone_numbers(key),
        make=lambda: {"phone_number": phone()},
        in_services=False,
        many=50,
    ),
    Resource(
        operations="CreateService FetchService ListService UpdateService DeleteService",
        sid="IS",
        collection=lambda place: place.account.chat.v2.services,
        item=lambda place, key: place.account.chat.v2.services(key),
        make=lambda: {"friendly_name": unique("chat")},
        shows=lambda made: {**made, "typing_indicator_timeout": 5, "reachability_enabled": False},
        change={"friendly_name": "Changed", "reachability_enabled": True, "typing_indicator_timeout": 9},
        in_services=False,
    ),
    Resource(
        operations="CreateChannel FetchChannel ListChannel UpdateChannel DeleteChannel",
        sid="CH",
        collection=lambda place: place.chat.channels,
        item=lambda place, key: place.chat.channels(key),
        make=lambda: {"friendly_name": "Räum & Zeit", "unique_name": unique("room"), "attributes": '{"a":1}'},
        shows=lambda made: {**made, "type": "public", "created_by": "system", "members_count": 0},
        change={"friendly_name": "Changed", "attributes": "[]"},
        other_key="unique_name",
        refused=[({"type": "secret"}, 400, 20001), ({"attributes": "{"}, 400, 50304)],
        in_services=False,
    ),
    Resource(
        operations="CreateSink FetchSink ListSink UpdateSink DeleteSink",
        sid="DG",
        collection=lambda place: place.account.events.v1.sinks,
        item=lambda place, key: place.account.events.v1.sinks(key),
        make=lambda: {
            "description": unique("sink"),
            "sink_type": "webhook",
            "sink_configuration": {"destination": "https://example.com/events", "method": "GET", "batch_events": True},
        },
        shows=lambda made: {**made, "status": "active"},
        change={"description": "Changed"},
        has_empty_update=False,
        refused=[
            ({"description": "x", "sink_type": "pigeon", "sink_configuration": {}}, 400, 20001),
            ({"description": "x", "sink_type": "webhook", "sink_configuration": {"destination": "x"}}, 400, 20001),
        ],
        in_services=False,
        has_account=False,
        # A thousand in an account.
        many=50,
    ),
    Resource(
        operations="CreateSubscription FetchSubscription ListSubscription UpdateSubscription DeleteSubscription",
        sid="DF",
        collection=lambda place: place.account.events.v1.subscriptions,
        create=lambda subscriptions, place, parameters: subscriptions.create(
            sink_sid=place.sink, **{"types": [MESSAGE_ADDED], **parameters}
        ),
        item=lambda place, key: place.account.events.v1.subscriptions(key),
        make=lambda: {"description": unique("subscription")},
        change={"description": "Changed"},
        refused=[
            ({"description": "x" * 257}, 400, 20001),
            ({"description": "x", "types": [{"type": "com.twilio.nothing"}]}, 400, 20001),
        ],
        in_services=False,
        # A thousand in an account.
        many=50,
    ),
]


def classes():
    """`ConversationTest`, `ServiceConversationTest` …"""
    for resource in RESOURCES:
        for service_form in (False, True) if resource.in_services else (False,):
            # With a number: products have resources of the same name.
            name = f"{resource.operations_of(service_form)[0].removeprefix('Create')}Test{RESOURCES.index(resource):02}"
            yield name, type(name, (Steps, ServerTest), {"resource": resource, "service_form": service_form})


globals().update(classes())

if __name__ == "__main__":
    unittest.main()
