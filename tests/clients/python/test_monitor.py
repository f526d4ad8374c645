"""Alerts of the debugger and the log of changes, with the official Python client."""

import unittest
from datetime import datetime, timedelta, timezone

from harness import ServerTest, nobody, phone


class Alerts(ServerTest):
    def alert(self):
        """The configuration of an address that ends is told."""
        made = self.rest.address_configurations.create(type="sms", address=phone())
        self.assertTrue(made.delete())
        return made

    def test_listed_and_fetched(self):
        """ListAlert FetchAlert"""
        made = self.alert()
        alerts = self.account.monitor.v1.alerts
        (listed,) = alerts.list(limit=1)
        fetched = alerts(listed.sid).fetch()
        for shown in (listed, fetched):
            self.assertRegex(shown.sid, "^NO[0-9a-f]{32}$")
            self.assertEqual(
                (shown.resource_sid, shown.error_code, shown.log_level, shown.account_sid),
                (made.sid, "50610", "warning", self.server.account_sid),
            )
            self.assertIn(made.address, shown.alert_text)
        self.assert_model(fetched, self.fetch_raw(fetched))
        with self.refused(404, 20404, method="GET"):
            alerts(nobody("NO")).fetch()

    def test_by_level_and_date(self):
        """ListAlert: newest first, by pages."""
        alerts = self.account.monitor.v1.alerts
        before = len(alerts.list())
        made = [self.alert().sid for _ in range(5)][::-1]
        self.assertEqual([one.resource_sid for one in alerts.stream(page_size=2)][:5], made)
        later = datetime.now(timezone.utc) + timedelta(minutes=1)
        long_ago = datetime(2016, 1, 1, tzinfo=timezone.utc)
        for filters, found in (
            ({"log_level": "warning"}, before + 5),
            ({"log_level": "error"}, 0),
            ({"start_date": long_ago, "end_date": later}, before + 5),
            ({"start_date": later}, 0),
            ({"end_date": long_ago}, 0),
        ):
            with self.subTest(filters=filters):
                self.assertEqual(len(alerts.list(page_size=3, **filters)), found)
        with self.refused_page(400, 20001):
            alerts.list(log_level="loud")


class Events(ServerTest):
    def test_listed_and_fetched(self):
        """ListEvent FetchEvent"""
        made = self.account.new_keys.create(friendly_name="first")
        self.account.keys(made.sid).update(friendly_name="second")
        self.assertTrue(self.account.keys(made.sid).delete())
        events = self.account.monitor.v1.events
        listed = list(events.stream(resource_sid=made.sid, page_size=2))
        self.assertEqual(
            [one.event_type for one in listed],
            ["api-key.deleted", "api-key.updated", "api-key.created"],
        )
        fetched = events(listed[1].sid).fetch()
        for shown in (listed[1], fetched):
            self.assertRegex(shown.sid, "^AE[0-9a-f]{32}$")
            self.assertEqual(
                (shown.actor_sid, shown.actor_type, shown.source, shown.source_ip_address, shown.resource_sid),
                (self.server.account_sid, "account", "api", "127.0.0.1", made.sid),
            )
            changed = {"friendly_name": {"previous": "first", "updated": "second"}}
            self.assertEqual(shown.event_data, {"resource_properties": changed})
        self.assert_model(fetched, self.fetch_raw(fetched))
        later = datetime.now(timezone.utc) + timedelta(minutes=1)
        for filters, found in (
            ({"event_type": "api-key.created"}, 1),
            ({"actor_sid": self.server.account_sid, "source_ip_address": "127.0.0.1"}, 3),
            ({"start_date": datetime(2016, 1, 1, tzinfo=timezone.utc), "end_date": later}, 3),
            ({"start_date": later}, 0),
        ):
            with self.subTest(filters=filters):
                self.assertEqual(len(events.list(resource_sid=made.sid, **filters)), found)
        with self.refused(404, 20404, method="GET"):
            events(nobody("AE")).fetch()
        with self.refused_page(400, 20001):
            events.list(actor_sid="me")


if __name__ == "__main__":
    unittest.main()
