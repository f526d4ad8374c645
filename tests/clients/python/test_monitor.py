"""Alerts of the debugger, with the official Python client."""

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


if __name__ == "__main__":
    unittest.main()
