"""Event Streams with the official Python client: what is peculiar to it."""

import unittest

from harness import ServerTest, unique

ADDED = "com.twilio.conversations.message.added"
USER = "com.twilio.conversations.user.added"
WEBHOOK = {"destination": "https://example.com/events", "method": "GET", "batch_events": False}
KINESIS = {"arn": "arn:aws:kinesis:1", "role_arn": "arn:aws:iam:2", "external_id": "3"}


class Events(ServerTest):
    def setUp(self):
        self.events = self.account.events.v1

    def sink(self, kind="webhook", configuration=WEBHOOK):
        return self.events.sinks.create(
            description=unique("sink"), sink_configuration=configuration, sink_type=kind
        )

    def test_a_sink_in_use_stays(self):
        """ListSink DeleteSink"""
        used, free, waiting = self.sink(), self.sink(), self.sink("kinesis", KINESIS)
        self.assertEqual((used.status, waiting.status), ("active", "initialized"))
        types = [{"type": ADDED, "schema_version": 2}]
        made = self.events.subscriptions.create(description="all", sink_sid=used.sid, types=types)

        def found(**filters):
            return {one.sid for one in self.events.sinks.list(**filters)} & {used.sid, free.sid, waiting.sid}

        self.assertEqual(found(in_use=True), {used.sid})
        self.assertEqual(found(in_use=False, status="active"), {free.sid})
        self.assertEqual(found(status="initialized"), {waiting.sid})
        with self.refused(409, 20409, method="DELETE"):
            self.events.sinks(used.sid).delete()
        self.assertEqual([one.sid for one in self.events.subscriptions.list(sink_sid=used.sid)], [made.sid])
        self.assertTrue(made.delete())
        self.assertTrue(self.events.sinks(used.sid).delete())
        with self.refused(400, 20001):
            self.events.subscriptions.create(description="x", sink_sid=waiting.sid, types=types)

    def test_a_test(self):
        """CreateSinkTest CreateSinkValidate"""
        sink = self.events.sinks(self.sink("kinesis", KINESIS).sid)
        self.assertEqual(sink.sink_test.create().result, "submitted")
        self.assertEqual(sink.sink_validate.create(test_id="guessed").result, "invalid")
        self.assertEqual(sink.fetch().status, "initialized")

    def test_types_of_a_subscription(self):
        """B-821 CreateSubscribedEvent FetchSubscribedEvent ListSubscribedEvent UpdateSubscribedEvent
        DeleteSubscribedEvent"""
        sink, types = self.sink(), [{"type": USER}]
        made = self.events.subscriptions.create(description="some", sink_sid=sink.sid, types=types)
        inside = self.events.subscriptions(made.sid).subscribed_events

        def shown():
            return [(one.type, one.schema_version) for one in inside.stream(page_size=1)]

        self.assertEqual(shown(), [(USER, 2)])
        added = inside.create(type=ADDED, schema_version=1)
        self.assertEqual((added.type, added.schema_version, added.subscription_sid), (ADDED, 1, made.sid))
        self.assertEqual(inside(ADDED).update(schema_version=2).schema_version, 2)
        self.assertEqual(inside(ADDED).fetch().schema_version, 2)
        with self.refused(400, 20001):
            inside(ADDED).update(schema_version=99)
        with self.refused(400, 20001):
            inside.create(type="com.twilio.nothing")
        self.assertTrue(inside(USER).delete())
        with self.refused(404, 20404):
            inside(USER).fetch()
        self.assertEqual(shown(), [(ADDED, 2)])

    def test_types_and_schemas(self):
        """B-811 B-812 ListEventType FetchEventType FetchSchema ListSchemaVersion FetchSchemaVersion"""
        self.assertEqual(len(self.events.event_types.list(page_size=5)), 12)
        added = self.events.event_types(ADDED).fetch()
        self.assert_model(added, self.fetch_raw(added))
        self.assertEqual([one.type for one in self.events.event_types.list(schema_id=added.schema_id)], [ADDED])
        schema = self.events.schemas(added.schema_id).fetch()
        self.assert_model(schema, self.fetch_raw(schema))
        versions = self.events.schemas(added.schema_id).versions
        self.assertEqual([one.schema_version for one in versions.list()], [1, schema.latest_version])
        latest = versions(schema.latest_version).fetch()
        self.assert_model(latest, self.fetch_raw(latest))
        path = latest.raw.removeprefix(self.server.url)
        self.assertEqual(self.server.request("GET", path, auth=False).json()["title"], added.schema_id)
        with self.refused(404, 20404):
            self.events.event_types("com.twilio.nothing").fetch()


if __name__ == "__main__":
    unittest.main()
