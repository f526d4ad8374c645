"""Notify, with the official Python client and, where it has no words for it, with plain requests."""

import unittest

from harness import ServerTest, unique


class Notify(ServerTest):
    def setUp(self):
        services = self.account.notify.v1.services
        made = services.create(friendly_name=unique("notify"))
        self.addCleanup(lambda: services(made.sid).delete())
        self.name, self.service = made.friendly_name, services(made.sid)

    def test_services_by_name(self):
        """ListService"""
        services = self.account.notify.v1.services
        self.assertEqual([one.friendly_name for one in services.list(friendly_name=self.name)], [self.name])
        self.assertEqual(services.list(friendly_name="nobody's"), [])

    def test_a_notification_for_nobody(self):
        """CreateNotification: parameters that match no binding are no error; none at all is one."""
        sent = self.service.notifications.create(identity=["nobody"], body="hello", priority="low", ttl=60)
        self.assertRegex(sent.sid, "^NT[0-9a-f]{32}$")
        self.assertEqual((sent.identities, sent.body, sent.priority, sent.ttl), (["nobody"], "hello", "low", 60))
        with self.refused(400, 20001):
            self.service.notifications.create(body="to whom?")
        with self.refused(400, 52302):
            self.service.notifications.create(identity=[str(n) for n in range(21)], body="too many")

    def test_empty_lists(self):
        """ListBinding"""
        self.assertEqual(self.service.bindings.list(), [])
        sid = self.service.fetch().sid
        for name in ("Users", "Segments"):
            answer = self.server.request("GET", f"/notify/v1/Services/{sid}/{name}")
            self.assertEqual((answer.status_code, answer.json()[name.lower()]), (200, []))


if __name__ == "__main__":
    unittest.main()
