"""Samples of the reference pages of conversations and of who is in them; each stands in both forms of the URLs."""

import json
import re

from harness import phone, poll, unique
from samples_place import CHANGED, DATES, MADE, Sample, echo, first_page, links, sid, sms


def shown(given, kind="sms"):
    return {
        "type": kind,
        "address": given["messaging_binding_address"],
        "proxy_address": given["messaging_binding_proxy_address"],
    }


def with_timers(given):
    """All that was given; the timers, of an inactive conversation, as the date at which it will close."""
    rest = {name: value for name, value in given.items() if not name.startswith("timers")}
    return {**rest, "timers": {"date_closed": re.compile("Z$")}}


def conversation(name, make, shows=echo):
    return Sample(name, lambda p: p.base.conversations.create(**p.give(**make(p))), shows, 201)


def participant(name, make, shows):
    return Sample(name, lambda p: p.room().participants.create(**p.give(**make(p))), shows, 201)


def everything(p, name):
    return {
        "friendly_name": name,
        "unique_name": unique(name),
        "attributes": json.dumps({"topic": "tiles"}),
        "messaging_service_sid": p.pool(),
        "state": "inactive",
        "timers_inactive": "PT1M",
        "timers_closed": "PT10M",
        **DATES,
    }


def by_name(p):
    name = unique("stairs")
    p.room(unique_name=name)
    return p.base.conversations(name).fetch()


def by_state_and_date(p):
    service = p.service()
    service.conversations.create(friendly_name="wanted", state="inactive", date_created=MADE)
    service.conversations.create()
    return service.conversations.list(
        start_date="2021-03-01T00:00:00Z", end_date="2021-03-31T23:59:59Z", state="inactive"
    )


def group_text(p):
    bindings = [{"address": phone()}, {"address": phone()}, {"projected_address": phone()}]
    participants = [json.dumps({"messaging_binding": binding}) for binding in bindings]
    made = p.base.conversation_with_participants.create(friendly_name="Family", participant=participants)
    conversation = p.base.conversations(made.sid)
    poll("the participants", lambda: conversation.fetch().state == "active")
    return sorted(
        ({k: v for k, v in one.messaging_binding.items() if k != "type"} for one in conversation.participants.list()),
        key=list,
    )


def with_phone_and_user(p):
    binding = {"address": phone(), "proxy_address": phone()}
    participants = [json.dumps({"messaging_binding": binding}), json.dumps({"identity": unique("guest")})]
    return p.base.conversation_with_participants.create(friendly_name="Trip", participant=participants)


def with_two_users(p):
    return p.base.conversation_with_participants.create(
        x_twilio_webhook_enabled="true",
        friendly_name="Pair",
        messaging_service_sid=p.pool(),
        state="active",
        participant=[json.dumps({"identity": unique("left")}), json.dumps({"identity": unique("right")})],
        **DATES,
    )


def group_phone(p):
    room = p.room()
    room.participants.create(identity=unique("agent"), messaging_binding_projected_address=phone())
    return room.participants.create(messaging_binding_address=phone(), **DATES)


def made_participant(p, **parameters):
    room = p.room()
    return room.participants(room.participants.create(**(parameters or sms())).sid)


def by_identity(p):
    room = p.room()
    return room.participants(room.participants.create(identity=unique("ben")).identity).fetch()


def both_participants(p):
    room = p.room()
    made = [room.participants.create(**sms()).sid, room.participants.create(identity=unique("cid")).sid]
    return sorted(one.sid for one in room.participants.list(limit=20)) == sorted(made)


CONVERSATIONS = {
    "Conversation resource": [
        conversation(
            "create with a friendly name",
            lambda p: {"friendly_name": "Garden fence"},
            lambda given: {
                **given,
                "sid": sid("CH"),
                "account_sid": sid("AC"),
                "chat_service_sid": sid("IS"),
                "messaging_service_sid": sid("MG"),
                "unique_name": None,
                "attributes": "{}",
                "state": "active",
                "timers": {},
                "url": re.compile(r"/Conversations/CH\w{32}$"),
                "links": links("participants", "messages", "webhooks"),
            },
        ),
        conversation("create without parameters", lambda p: {}, {"friendly_name": None, "state": "active"}),
        conversation("create with everything", lambda p: everything(p, "roof"), with_timers),
        conversation(
            "create active, with dates",
            lambda p: {"friendly_name": "Cellar", "messaging_service_sid": p.pool(), "state": "active", **DATES},
        ),
        conversation(
            "create with an e-mail address",
            lambda p: {
                "friendly_name": "Letters",
                "bindings_email_address": "desk@example.com",
                "bindings_email_name": "Desk",
                **DATES,
            },
            {"friendly_name": "Letters", "bindings": {"email": {"name": "Desk"}}, **DATES},
        ),
        Sample("fetch", lambda p: p.room(friendly_name="Attic").fetch(), {"friendly_name": "Attic", "state": "active"}),
        Sample("fetch by unique name", by_name, {"sid": sid("CH"), "unique_name": re.compile("^stairs")}),
        Sample("list", lambda p: p.room() and p.base.conversations.list(limit=20), lambda _: first_page("CH")),
        Sample("list by state and date", by_state_and_date, [{"friendly_name": "wanted", "date_created": MADE}]),
        Sample(
            "update the friendly name",
            lambda p: p.room().update(friendly_name="Somebody's question"),
            {"friendly_name": "Somebody's question"},
        ),
        Sample("update everything", lambda p: p.room().update(**p.give(**everything(p, "barn"))), with_timers),
        Sample(
            "update the state to closed",
            lambda p: p.room().update(state="closed"),
            {"state": "closed", "timers": {}},
        ),
        Sample("delete", lambda p: p.room().delete(), True, 204),
    ],
    "Conversation with Participants resource": [
        Sample(
            "create with a phone and a chat user",
            with_phone_and_user,
            {
                "sid": sid("CH"),
                "friendly_name": "Trip",
                "state": "initializing",
                "links": links("participants", "messages", "webhooks"),
            },
            202,
        ),
        Sample(
            "create a group text",
            group_text,
            [
                {"address": re.compile(r"^\+")},
                {"address": re.compile(r"^\+")},
                {"projected_address": re.compile(r"^\+")},
            ],
        ),
        Sample(
            "create with everything but participants",
            lambda p: p.base.conversation_with_participants.create(**p.give(**everything(p, "boat"))),
            with_timers,
            201,
        ),
        Sample(
            "create with two chat users, and tell webhooks of it",
            with_two_users,
            {"friendly_name": "Pair", "state": "initializing", **DATES},
            202,
        ),
    ],
    "Conversation Participant resource": [
        participant(
            "SMS with a proxy address",
            lambda p: sms(),
            lambda given: {
                "sid": sid("MB"),
                "conversation_sid": sid("CH"),
                "identity": None,
                "attributes": "{}",
                "messaging_binding": shown(given),
                "role_sid": sid("RL"),
                "last_read_message_index": None,
                "last_read_timestamp": None,
                "url": re.compile(r"/Participants/MB\w{32}$"),
            },
        ),
        participant(
            "SMS with attributes, a role and dates",
            lambda p: {**sms(), "attributes": '{"part":"courier"}', "role_sid": p.role(), **DATES},
            lambda given: {
                "messaging_binding": shown(given),
                "attributes": given["attributes"],
                "role_sid": given["role_sid"],
                **DATES,
            },
        ),
        participant(
            "chat",
            lambda p: {"identity": unique("ann")},
            lambda given: {**given, "messaging_binding": None, "role_sid": sid("RL")},
        ),
        participant(
            "chat with attributes, a role and dates",
            lambda p: {"identity": unique("ann"), "attributes": '{"part":"host"}', "role_sid": p.role(), **DATES},
            lambda given: {**given, "messaging_binding": None},
        ),
        participant(
            "WhatsApp",
            lambda p: {name: f"whatsapp:{number}" for name, number in sms().items()},
            lambda given: {"identity": None, "messaging_binding": shown(given, "whatsapp")},
        ),
        participant(
            "RCS",
            lambda p: {name: f"rcs:{number}" for name, number in sms().items()},
            lambda given: {"messaging_binding": shown(given, "rcs")},
        ),
        participant(
            "group text: a chat user with a projected address",
            lambda p: {"identity": unique("agent"), "messaging_binding_projected_address": phone()},
            lambda given: {
                "identity": given["identity"],
                "messaging_binding": {"projected_address": given["messaging_binding_projected_address"]},
            },
        ),
        Sample(
            "group text: a phone by its address alone",
            group_phone,
            {"identity": None, "messaging_binding": {"type": "sms", "address": re.compile(r"^\+")}, **DATES},
            201,
        ),
        Sample(
            "fetch", lambda p: made_participant(p).fetch(), {"sid": sid("MB"), "messaging_binding": {"type": "sms"}}
        ),
        Sample("fetch by identity", by_identity, {"sid": sid("MB"), "identity": re.compile("^ben")}),
        Sample("list", both_participants, True),
        Sample(
            "update the date of the last change",
            lambda p: made_participant(p).update(date_updated=CHANGED),
            {"date_updated": CHANGED},
        ),
        Sample(
            "update the attributes",
            lambda p: made_participant(p, identity=unique("dan")).update(attributes='{"part":"courier"}'),
            {"attributes": '{"part":"courier"}'},
        ),
        Sample(
            "update attributes, role and dates",
            lambda p: made_participant(p).update(**p.give(attributes='{"part":"host"}', role_sid=p.role(), **DATES)),
            echo,
        ),
        Sample(
            "update the projected address",
            lambda p: made_participant(p, identity=unique("eve"), messaging_binding_projected_address=phone()).update(
                **p.give(messaging_binding_projected_address=phone())
            ),
            lambda given: {"messaging_binding": {"projected_address": given["messaging_binding_projected_address"]}},
        ),
        Sample("delete", lambda p: made_participant(p).delete(), True, 204),
    ],
}
