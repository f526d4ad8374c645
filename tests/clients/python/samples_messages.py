"""Samples of the reference pages of messages, their receipts, and who is called; each stands in both forms of the URLs."""

import json
import re

from twilio.rest.content.v1.content import ContentList

from harness import poll, unique
from samples_place import DATES, Sample, echo, links, sid, sms

HOOK = {
    "target": "webhook",
    "configuration_url": "https://example.com/hook",
    "configuration_filters": ["onMessageAdded"],
}
FLOW = "FW" + "a" * 32


def message(name, make, shows=echo):
    return Sample(name, lambda p: p.room().messages.create(**p.give(**make(p))), shows, 201)


def webhook(name, given, shows):
    wanted = {"sid": sid("WH"), "conversation_sid": sid("CH"), **shows}
    return Sample(name, lambda p: p.room().webhooks.create(**given), wanted, 201)


def made_message(p):
    room = p.room()
    return room.messages(room.messages.create(author="hook", body="Ahead!").sid)


def three_messages(p):
    room = p.room()
    for body in ("one", "two", "three"):
        room.messages.create(body=body)
    return room.messages


def with_media(p):
    service = p.base.conversations.create().chat_service_sid
    uploaded = p.server.request(
        "POST",
        f"/mcs/v1/Services/{service}/Media?Filename=map.txt",
        data="X marks it",
        headers={"Content-Type": "text/plain"},
    ).json()
    return p.room().messages.create(author="hook", media_sid=uploaded["sid"], attributes="{}", **DATES)


def from_template(p):
    template = p.account.content.v1.contents.create(
        ContentList.ContentCreateRequest(
            {
                "friendly_name": unique("greeting"),
                "language": "en",
                "variables": {"name": "somebody"},
                "types": {"twilio/text": ContentList.TwilioText({"body": "Welcome aboard, {{name}}"})},
            }
        )
    )
    variables = json.dumps({"name": "Wendy"})
    return p.room().messages.create(author="hook", content_sid=template.sid, content_variables=variables, **DATES)


def delivered(p):
    """A message that a phone got."""
    room = p.room()
    room.participants.create(**sms())
    one = room.messages(room.messages.create(author="shop", body="Your order is packed").sid)
    poll("the receipt", lambda: (one.fetch().delivery or {}).get("delivered") == "all")
    return one


def one_receipt(p):
    one = delivered(p)
    return one.delivery_receipts(one.delivery_receipts.list()[0].sid).fetch()


def made_webhook(p, **parameters):
    room = p.room()
    return room.webhooks(room.webhooks.create(**(parameters or HOOK)).sid)


def trigger(p):
    return made_webhook(
        p, target="trigger", configuration_url="https://example.com/hook", configuration_triggers=["stop"]
    )


def two_webhooks(p):
    room = p.room()
    room.webhooks.create(**HOOK)
    room.webhooks.create(target="studio", configuration_flow_sid=FLOW)
    return sorted(one.target for one in room.webhooks.list(limit=5))


MESSAGES = {
    "Conversation Message resource": [
        message(
            "create with author and body",
            lambda p: {"author": "hook", "body": "Land in sight!"},
            lambda given: {
                **given,
                "sid": sid("IM"),
                "conversation_sid": sid("CH"),
                "media": None,
                "participant_sid": None,
                "attributes": "{}",
                "index": 0,
                "delivery": None,
                "content_sid": None,
                "url": re.compile(r"/Messages/IM\w{32}$"),
                "links": links("delivery_receipts", "channel_metadata"),
            },
        ),
        message(
            "create with attributes and dates",
            lambda p: {"author": "hook", "body": "Aye", "attributes": '{"weight":"heavy"}', **DATES},
        ),
        message(
            "create with dates",
            lambda p: {"author": "hook", "body": "Aye", **DATES},
            lambda given: {**given, "attributes": "{}"},
        ),
        Sample(
            "create with media",
            with_media,
            {
                "body": None,
                "media": [{"sid": sid("ME"), "size": 10, "content_type": "text/plain", "filename": "map.txt"}],
                **DATES,
            },
            201,
        ),
        Sample(
            "create from a template with variables",
            from_template,
            {"body": "Welcome aboard, Wendy", "content_sid": sid("HX"), **DATES},
            201,
        ),
        message(
            "create with a subject",
            lambda p: {"author": "hook", "body": "Inside", "subject": "Outside", **DATES},
            {"author": "hook", "body": "Inside", **DATES},
        ),
        Sample("fetch", lambda p: made_message(p).fetch(), {"body": "Ahead!", "author": "hook", "index": 0}),
        Sample(
            "list",
            lambda p: [(one.index, one.body) for one in three_messages(p).list(limit=20)],
            [(0, "one"), (1, "two"), (2, "three")],
        ),
        Sample(
            "list the latest first",
            lambda p: [one.body for one in three_messages(p).list(order="desc", limit=20)],
            ["three", "two", "one"],
        ),
        Sample(
            "list with an order in mixed case",
            lambda p: [one.body for one in three_messages(p).list(order="dEsC")],
            ["three", "two", "one"],
        ),
        Sample(
            "update author and body",
            lambda p: made_message(p).update(author="smee", body="Hold fire"),
            {"author": "smee", "body": "Hold fire", "index": 0},
        ),
        Sample(
            "update everything",
            lambda p: made_message(p).update(
                **p.give(author="smee", body="Ready", attributes='{"weight":"light"}', **DATES)
            ),
            echo,
        ),
        Sample("delete", lambda p: made_message(p).delete(), True, 204),
    ],
    "Conversation Message Receipt resource": [
        Sample(
            "list",
            lambda p: delivered(p).delivery_receipts.list(limit=20),
            [
                {
                    "sid": sid("DY"),
                    "message_sid": sid("IM"),
                    "conversation_sid": sid("CH"),
                    "participant_sid": sid("MB"),
                    "channel_message_sid": sid("SM"),
                    "status": "delivered",
                    "error_code": 0,
                }
            ],
        ),
        Sample(
            "fetch",
            one_receipt,
            {"sid": sid("DY"), "status": "delivered", "error_code": 0, "url": re.compile(r"/Receipts/DY\w{32}$")},
        ),
    ],
    "Conversation Scoped Webhook resource": [
        webhook(
            "create for events, called by GET",
            {
                **HOOK,
                "configuration_method": "get",
                "configuration_filters": ["onMessageAdded", "onConversationRemoved"],
            },
            {
                "target": "webhook",
                "configuration": {
                    "url": "https://example.com/hook",
                    "method": "get",
                    "filters": ["onMessageAdded", "onConversationRemoved"],
                },
            },
        ),
        webhook(
            "create for events, without a method",
            {**HOOK, "configuration_filters": ["onMessageAdded", "onMessageUpdated"]},
            {"configuration": {"method": "post", "filters": ["onMessageAdded", "onMessageUpdated"]}},
        ),
        webhook(
            "create with a replay", {**HOOK, "configuration_replay_after": 7}, {"configuration": {"replay_after": 7}}
        ),
        webhook(
            "create for keywords",
            {
                "target": "trigger",
                "configuration_url": "https://example.com/hook",
                "configuration_triggers": ["stop", "help"],
            },
            {"target": "trigger", "configuration": {"triggers": ["stop", "help"]}},
        ),
        webhook(
            "create for a Studio flow",
            {"target": "studio", "configuration_flow_sid": FLOW},
            {"target": "studio", "configuration": {"flow_sid": FLOW}},
        ),
        Sample(
            "fetch",
            lambda p: made_webhook(p).fetch(),
            {"sid": sid("WH"), "target": "webhook", "url": re.compile(r"/Webhooks/WH\w{32}$")},
        ),
        Sample("list", two_webhooks, ["studio", "webhook"]),
        Sample("list none", lambda p: p.room().webhooks.list(), []),
        Sample(
            "update the events",
            lambda p: made_webhook(p).update(configuration_filters=["onParticipantAdded"]),
            {"target": "webhook", "configuration": {"filters": ["onParticipantAdded"]}},
        ),
        Sample(
            "update URL, method and keywords",
            lambda p: trigger(p).update(
                configuration_url="https://example.com/other",
                configuration_method="post",
                configuration_triggers=["start", "again"],
            ),
            {"configuration": {"url": "https://example.com/other", "method": "post", "triggers": ["start", "again"]}},
        ),
        # The page sends keywords as filters; what a trigger does not have is passed over (B-518).
        Sample(
            "update with filters that are none of its target's",
            lambda p: trigger(p).update(configuration_filters=["start", "again"]),
            {"target": "trigger", "configuration": {"triggers": ["stop"]}},
        ),
        Sample("delete", lambda p: made_webhook(p).delete(), True, 204),
    ],
}
