"""What an account and a service are set up with, with the official Python client."""

import unittest

from harness import ServerTest, nobody, unique


class Configuration(ServerTest):
    def test_the_account(self):
        """B-059 B-060 FetchConfiguration UpdateConfiguration: defaults, copied into conversations of afterwards."""
        fresh = self.rest.configuration().fetch()
        self.assert_model(fresh, self.fetch_raw(fresh))
        self.assertEqual((fresh.default_inactive_timer, fresh.default_closed_timer), (None, None))
        before = self.rest.conversations.create()
        changed = self.rest.configuration().update(default_inactive_timer="PT1H", default_closed_timer="P1D")
        self.assertEqual((changed.default_inactive_timer, changed.default_closed_timer), ("PT1H", "P1D"))
        self.assertEqual(set(self.rest.conversations.create().timers), {"date_inactive", "date_closed"})
        self.assertEqual(self.rest.conversations(before.sid).fetch().timers, {})
        with self.refused(400, 50375):
            self.rest.configuration().update(default_inactive_timer="PT59S")
        self.rest.configuration().update(default_inactive_timer="PT0S", default_closed_timer="PT0S")
        self.assertEqual(self.rest.conversations.create().timers, {})

    def test_the_default_service(self):
        """B-029 B-030 UpdateConfiguration: the short form is that of another service at once."""
        first = self.rest.configuration().fetch().default_chat_service_sid
        here = self.rest.conversations.create()
        second = self.rest.services.create(friendly_name=unique("second"))
        self.rest.configuration().update(default_chat_service_sid=second.sid)
        try:
            with self.refused(404, 20404):
                self.rest.conversations(here.sid).fetch()
            self.assertEqual(self.rest.conversations.create().chat_service_sid, second.sid)
        finally:
            self.rest.configuration().update(default_chat_service_sid=first)
        self.assertEqual(self.rest.conversations(here.sid).fetch().sid, here.sid)

    def test_the_webhooks_of_the_account(self):
        """B-062 B-064 B-067 B-068 FetchConfigurationWebhook UpdateConfigurationWebhook"""
        webhooks = self.rest.configuration.webhooks()
        fresh = webhooks.fetch()
        self.assert_model(fresh, self.fetch_raw(fresh))
        shown = (fresh.method, fresh.filters, fresh.pre_webhook_url, fresh.post_webhook_url, fresh.target)
        self.assertEqual(shown, ("POST", [], None, None, "webhook"))
        url = "https://example.com/after"
        changed = webhooks.update(post_webhook_url=url, filters=["onMessageAdded", "onConversationAdded"], method="GET")
        self.assertEqual((changed.post_webhook_url, changed.method), (url, "GET"))
        self.assertEqual(set(webhooks.fetch().filters), {"onMessageAdded", "onConversationAdded"})
        with self.refused(400, 50365):
            webhooks.update(filters=["onNothing"])
        with self.refused(400, 50054):
            webhooks.update(post_webhook_url="mailto:somebody@example.com")
        self.assertEqual(webhooks.fetch().post_webhook_url, url)


class ServiceConfiguration(ServerTest):
    def setUp(self):
        self.service = self.rest.services(self.rest.services.create(friendly_name=unique("service")).sid)

    def test_the_service(self):
        """B-054 B-056 B-057 FetchServiceConfiguration UpdateServiceConfiguration: default roles, reachability."""
        configuration = self.service.configuration()
        fresh = configuration.fetch()
        self.assert_model(fresh, self.fetch_raw(fresh))
        self.assertIs(fresh.reachability_enabled, False)
        roles = {role.sid: role.friendly_name for role in self.service.roles.list()}
        self.assertEqual(len(roles), 4)
        self.assertEqual(roles[fresh.default_conversation_role_sid], "channel user")
        role = self.service.roles.create(friendly_name="mute", type="conversation", permission=["leaveConversation"])
        changed = configuration.update(default_conversation_role_sid=role.sid, reachability_enabled=True)
        self.assertEqual((changed.default_conversation_role_sid, changed.reachability_enabled), (role.sid, True))
        conversation = self.service.conversations(self.service.conversations.create().sid)
        member = conversation.participants.create(identity=unique("alice"))
        self.assertEqual(member.role_sid, role.sid)
        for wrong, code in [
            ({"default_conversation_role_sid": fresh.default_chat_service_role_sid}, 50109),
            ({"default_chat_service_role_sid": fresh.default_conversation_role_sid}, 50102),
            ({"default_conversation_creator_role_sid": fresh.default_chat_service_role_sid}, 50106),
        ]:
            with self.refused(400, code):
                configuration.update(**wrong)
        # B-654: what is held or a default cannot be deleted.
        with self.refused(409, 20409):
            self.service.roles(role.sid).delete()

    def test_the_notifications(self):
        """B-069 FetchServiceNotification UpdateServiceNotification"""
        notifications = self.service.configuration.notifications()
        fresh = notifications.fetch()
        self.assert_model(fresh, self.fetch_raw(fresh))
        self.assertIs(fresh.log_enabled, False)
        for kind in (fresh.new_message, fresh.added_to_conversation, fresh.removed_from_conversation):
            self.assertIs(kind["enabled"], False)
        changed = notifications.update(
            new_message_enabled=True, new_message_template="${USER}: ${MESSAGE}", new_message_sound="ping"
        )
        self.assertEqual(changed.new_message["enabled"], True)
        self.assertEqual(changed.new_message["template"], "${USER}: ${MESSAGE}")
        self.assertEqual(notifications.fetch().new_message["sound"], "ping")

    def test_the_webhooks(self):
        """B-066 FetchServiceWebhookConfiguration UpdateServiceWebhookConfiguration"""
        webhooks = self.service.configuration.webhooks()
        fresh = webhooks.fetch()
        self.assert_model(fresh, self.fetch_raw(fresh))
        shown = (fresh.pre_webhook_url, fresh.post_webhook_url, fresh.filters, fresh.method)
        self.assertEqual(shown, (None, None, None, None))
        changed = webhooks.update(pre_webhook_url="https://example.com/before", filters=["onMessageAdd"], method="POST")
        self.assertEqual((changed.pre_webhook_url, changed.filters), ("https://example.com/before", ["onMessageAdd"]))
        self.assertEqual(webhooks.fetch().method, "POST")

    def test_bindings_are_listed(self):
        """ListServiceBinding FetchServiceBinding DeleteServiceBinding: none, until an SDK registers one."""
        self.assertEqual(self.service.bindings.list(identity=["alice"], binding_type=["fcm"]), [])
        with self.refused(404, 20404):
            self.service.bindings(nobody("BS")).fetch()
        with self.refused(404, 20404):
            self.service.bindings(nobody("BS")).delete()


if __name__ == "__main__":
    unittest.main()
