"""Flows of the guides: the samples of a page in their order, each with what the one before gave."""

import base64
import json
import re

import requests
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import ChatGrant
from twilio.rest.content.v1.content import ContentList

from harness import phone, poll, unique
from samples_place import Sample, echo, sid

FLOW = "FW" + "d" * 32
APP = "https://app.example.com/hook"
DATE = re.compile("Z$")


def received(p, number, body):
    """Waits for a message at a simulated phone."""
    inbox = lambda: [m for m in p.server.handset(number) if m["direction"] == "received" and m["body"].endswith(body)]
    return poll(f"{body!r} at {number}", inbox)[0]


def say(p, number, to, body):
    """A simulated phone says something."""
    target = f"/simulator/v1/Handsets/{requests.utils.quote(number, safe='')}/Messages"
    answer = p.server.request("POST", target, data={"To": to, "Body": body})
    assert answer.status_code == 201, answer.text


def binding(address, proxy_address):
    return {"messaging_binding_address": address, "messaging_binding_proxy_address": proxy_address}


def first_conversation(p):
    number, own = phone(), phone()
    made = p.rest.conversations.create(friendly_name="My first one")
    conversation = p.rest.conversations(made.sid)
    service = conversation.fetch().chat_service_sid
    conversation.participants.create(**binding(number, own))
    conversation.participants.create(identity=unique("pineapple"))
    conversation.messages.create(author="system", body="hello phone")
    received(p, number, "hello phone")
    say(p, number, own, "hello chat")
    poll("the answer", lambda: len(conversation.messages.list()) == 2)
    return {"service": service, "last": conversation.messages.list()[-1], "number": number}


def group_texting(p):
    number, first, second = phone(), phone(), phone()
    conversation = p.rest.conversations(p.rest.conversations.create(friendly_name="House").sid)
    conversation.participants.create(identity=unique("agent"), messaging_binding_projected_address=number)
    conversation.participants.create(messaging_binding_address=first)
    conversation.participants.create(messaging_binding_address=second)
    conversation.messages.create(author=number, body="Keys at noon?")
    return [received(p, one, "Keys at noon?")["from"] == number for one in (first, second)]


def whatsapp_to_sms(p):
    conversation = p.rest.conversations(p.rest.conversations.create(friendly_name="From one to the other").sid)
    whatsapp, own, sms = f"whatsapp:{phone()}", f"whatsapp:{phone()}", phone()
    conversation.participants.create(**binding(whatsapp, own))
    conversation.participants.create(**binding(sms, phone()))
    say(p, whatsapp, own, "from the green one")
    received(p, sms, "from the green one")
    return sorted(one.messaging_binding["type"] for one in conversation.participants.list())


def whatsapp_to_chat(p):
    conversation = p.rest.conversations(p.rest.conversations.create(friendly_name="From phone to page").sid)
    conversation.participants.create(**binding(f"whatsapp:{phone()}", f"whatsapp:{phone()}"))
    return conversation.participants.create(identity=unique("clerk"))


def whatsapp_to_whatsapp(p):
    customer, rider, number = (f"whatsapp:{phone()}" for _ in range(3))
    conversation = p.rest.conversations(p.rest.conversations.create(friendly_name="Delivery").sid)
    conversation.participants.create(**binding(customer, number))
    riding = conversation.participants.create(**binding(rider, number))
    opening = conversation.messages.create(author=rider, body="I am at your door")
    received(p, customer, "I am at your door")
    hook = conversation.webhooks.create(
        target="webhook",
        configuration_url="http://hooks.example.com/opt-in",
        configuration_method="get",
        configuration_filters=["onMessageAdded"],
    )
    return {
        "by_rider": opening.participant_sid == riding.sid,
        "method": hook.configuration["method"],
        "removed": [conversation.webhooks(one.sid).delete() for one in conversation.webhooks.list()],
    }


def media(p):
    made = p.rest.conversations.create()
    target = f"/mcs/v1/Services/{made.chat_service_sid}/Media"
    uploaded = p.curl("POST", target, data="cat", headers={"Content-Type": "image/png"})
    sent = p.rest.conversations(made.sid).messages.create(author="zoo", media_sid=uploaded["sid"])
    record = p.curl("GET", f"{target}/{uploaded['sid']}")
    content = requests.get(record["links"]["content_direct_temporary"], timeout=20)
    return {"sent": sent, "record": record, "content": content.text, "type": content.headers["content-type"]}


def default_timers(p):
    p.rest.configuration().update(default_inactive_timer="PT5M", default_closed_timer="PT10M")
    timers = p.rest.conversations.create().timers
    p.rest.configuration().update(default_inactive_timer="PT0S", default_closed_timer="PT0S")
    return timers


def closed_ones(p):
    service = p.service()
    closed = service.conversations.create().sid
    service.conversations.create()
    service.conversations(closed).update(state="closed")
    return [one.sid == closed for one in service.conversations.list(state="closed")]


def role_of_service(p):
    permission = ["joinConversation", "editOwnUserInfo"]
    role = p.rest.roles.create(friendly_name="guest", type="service", permission=permission)
    return p.user().update(**p.give(role_sid=role.sid))


def role_of_conversation(p):
    permission = ["leaveConversation", "sendMessage", "editOwnMessage"]
    role = p.rest.roles.create(friendly_name="reader", type="conversation", permission=permission)
    participants = p.room().participants
    made = participants.create(identity=unique("reader"))
    return participants(made.sid).update(**p.give(role_sid=role.sid))


def token(p, identity, **more):
    """A token as the guide makes it."""
    key = p.account.new_keys.create(friendly_name="app")
    made = AccessToken(p.server.account_sid, key.sid, key.secret, identity=identity, **more)
    made.add_grant(ChatGrant(service_sid=p.default_service()))
    return key, made.to_jwt()


def claims(p):
    key, jwt = token(p, "someone@example.com", ttl=600)
    part = jwt.split(".")[1]
    told = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return {**told, "own": told["iss"] == key.sid and told["sub"] == p.server.account_sid}


def media_by_token(p):
    """What the SDK does with a token beside its websocket: media, as the user whom the token names."""
    _, jwt = token(p, unique("someone"))
    headers = {"X-Twilio-Token": jwt, "Content-Type": "text/plain"}
    return p.curl("POST", f"/mcs/v1/Services/{p.default_service()}/Media", auth=False, data="hi", headers=headers)


def webhooks(p):
    configuration = p.account_webhooks()
    url = configuration.fetch().url
    changed = configuration.update(
        filters=["onMessageAdd", "onMessageUpdate", "onMessageRemove"],
        target="webhook",
        pre_webhook_url=APP,
        post_webhook_url=APP,
        method="POST",
    )
    room = p.room()
    made = room.webhooks.create(
        target="webhook", configuration_filters=["onMessageAdded", "onMessageUpdated"], configuration_url=APP
    )
    listed = [one.sid == made.sid for one in room.webhooks.list(limit=5)]
    return {"url": url, "account": changed, "listed": listed, "one": room.webhooks(made.sid).fetch()}


def push(p):
    made = p.rest.credentials.create(type="fcm", friendly_name="Phones", secret="a server key")
    changed = p.service().configuration.notifications()
    changed = changed.update(
        new_message_enabled=True, new_message_sound="default", new_message_template="${PARTICIPANT}: ${MESSAGE}"
    )
    return {"sid": made.sid, "new_message": changed.new_message}


def muted(p):
    made, user = p.rest.conversations.create(), p.user()
    p.rest.conversations(made.sid).participants.create(identity=user.fetch().identity)
    return user.user_conversations(made.sid).update(notification_level="muted")


def autocreation(name, make, shows):
    call = lambda p: p.rest.address_configurations.create(auto_creation_enabled=True, **make())
    return Sample(name, call, {"sid": sid("IG"), "auto_creation": {"enabled": True, **shows}}, 201)


def studio(p):
    room = p.room(friendly_name="studio")
    room.participants.create(**binding(phone(), phone()))
    return room.webhooks.create(target="studio", configuration_flow_sid=FLOW, configuration_filters=["onMessageAdded"])


def receipts(p):
    room = p.room()
    room.participants.create(**binding(phone(), phone()))
    room.participants.create(**binding(phone(), phone()))
    one = room.messages(room.messages.create(body="Sent to two").sid)
    poll("both receipts", lambda: (one.fetch().delivery or {}).get("delivered") == "all")
    return {"delivery": one.fetch().delivery, "receipts": one.delivery_receipts.list()}


def reading(p):
    made, user = p.rest.conversations.create(), p.user()
    room = p.rest.conversations(made.sid)
    member = room.participants.create(identity=user.fetch().identity)
    for body in ("one", "two", "three"):
        room.messages.create(body=body)
    user.user_conversations(made.sid).update(last_read_message_index=1)
    return {
        "participant": room.participants(member.sid).fetch(),
        "unread": user.user_conversations(made.sid).fetch().unread_messages_count,
    }


def reading_by_participant(p):
    room = p.room()
    member = room.participants.create(identity=unique("reader"))
    room.messages.create(body="one")
    return room.participants(member.sid).update(
        **p.give(last_read_message_index=0, last_read_timestamp="2024-02-03T04:05:06Z")
    )


def of_user(p):
    identity = p.user().fetch().identity
    for name in ("one", "two"):
        room = p.room(friendly_name=name)
        room.participants.create(identity=identity)
        room.messages.create(body="news")
    return sorted(one.friendly_name for one in p.rest.users(identity).user_conversations.list(limit=20))


def rich_content(p):
    made = p.account.content.v1.contents.create(
        ContentList.ContentCreateRequest(
            {
                "friendly_name": unique("reminder"),
                "language": "en",
                "variables": {"1": "today"},
                "types": {"twilio/text": ContentList.TwilioText({"body": "See you {{1}}"})},
            }
        )
    )
    room, number = p.room(), phone()
    room.participants.create(**binding(number, phone()))
    sent = room.messages.create(content_sid=made.sid, content_variables=json.dumps({"1": "at nine"}))
    received(p, number, "See you at nine")
    return sent


GUIDES = {
    "Quickstart": [
        Sample(
            "a conversation of a phone and a chat user",
            first_conversation,
            {"service": sid("IS"), "last": {"body": "hello chat", "index": 1, "participant_sid": sid("MB")}},
        ),
    ],
    "Group Texting": [Sample("an agent and two phones see each other's words", group_texting, [True, True], 201)],
    "Using WhatsApp": [
        Sample("WhatsApp to SMS", whatsapp_to_sms, ["sms", "whatsapp"]),
        Sample(
            "WhatsApp to chat",
            whatsapp_to_chat,
            {"identity": re.compile("^clerk"), "messaging_binding": None},
            201,
        ),
        Sample(
            "WhatsApp to WhatsApp with a first message by its author, and a webhook for the answer",
            whatsapp_to_whatsapp,
            {"by_rider": True, "method": "get", "removed": [True]},
            204,
        ),
    ],
    "Media Support": [
        Sample(
            "upload, send, and read",
            media,
            {
                "sent": {"author": "zoo", "media": [{"sid": sid("ME"), "content_type": "image/png", "size": 3}]},
                "record": {"message_sid": sid("IM"), "channel_sid": sid("CH")},
                "content": "cat",
                "type": "image/png",
            },
        ),
    ],
    "States and Timers": [
        Sample(
            "timers at creation",
            lambda p: p.rest.conversations.create(timers_inactive="PT5M", timers_closed="PT1H"),
            {"state": "active", "timers": {"date_inactive": DATE, "date_closed": DATE}},
            201,
        ),
        Sample(
            "timers of a conversation that is there",
            lambda p: p.room().update(timers_inactive="PT1M", timers_closed="P1D"),
            {"state": "active", "timers": {"date_inactive": DATE, "date_closed": DATE}},
        ),
        Sample(
            "no timers any more", lambda p: p.room(timers_closed="PT10M").update(timers_closed="PT0S"), {"timers": {}}
        ),
        Sample(
            "a timer for every new conversation of the account",
            default_timers,
            {"date_inactive": DATE, "date_closed": DATE},
        ),
        Sample("set inactive", lambda p: p.room().update(state="inactive"), {"state": "inactive"}),
        Sample("set active again", lambda p: p.room(state="inactive").update(state="active"), {"state": "active"}),
        Sample("find those that are closed", closed_ones, [True]),
    ],
    "Roles": [
        Sample("a role of a service for a user", role_of_service, echo),
        Sample("a role of a conversation for a participant", role_of_conversation, echo),
    ],
    "Create Access Tokens": [
        Sample(
            "a token with a chat grant",
            claims,
            {"own": True, "grants": {"identity": "someone@example.com", "chat": {"service_sid": sid("IS")}}},
        ),
        Sample(
            "a token is what the SDK comes with",
            media_by_token,
            {"sid": sid("ME"), "author": re.compile("^someone")},
            201,
        ),
    ],
    "Conversations Webhooks": [
        Sample(
            "read those of the account, set them, and those of a conversation",
            webhooks,
            {
                "url": re.compile("/Configuration/Webhooks$"),
                "account": {"filters": ["onMessageAdd", "onMessageUpdate", "onMessageRemove"], "pre_webhook_url": APP},
                "listed": [True],
                "one": {"target": "webhook", "configuration": {"method": "post", "url": APP}},
            },
        ),
        Sample(
            "a request of ours tells webhooks as well",
            lambda p: p.room().messages.create(x_twilio_webhook_enabled="true", author="chatter", body="hello"),
            {"author": "chatter", "body": "hello"},
            201,
        ),
    ],
    "Push Notification Configuration": [
        Sample(
            "credentials, and the notifications of a service",
            push,
            {
                "sid": sid("CR"),
                "new_message": {"enabled": True, "sound": "default", "template": "${PARTICIPANT}: ${MESSAGE}"},
            },
        ),
        Sample("a conversation that makes no sound", muted, {"notification_level": "muted"}),
    ],
    "Inbound Handling and Autocreation": [
        autocreation(
            "a conversation and nothing else",
            lambda: {"type": "messenger", "address": unique("messenger:page"), "auto_creation_type": "default"},
            {"type": "default", "webhook_url": None, "studio_flow_sid": None},
        ),
        autocreation(
            "a conversation that a webhook hears of",
            lambda: {
                "type": "messenger",
                "address": unique("messenger:page"),
                "auto_creation_type": "webhook",
                "auto_creation_webhook_filters": ["onConversationAdded"],
                "auto_creation_webhook_url": APP,
                "auto_creation_webhook_method": "POST",
            },
            {"type": "webhook", "webhook_filters": ["onConversationAdded"], "webhook_method": "POST"},
        ),
        autocreation(
            "a conversation whose messages a webhook hears, too",
            lambda: {
                "type": "sms",
                "address": phone(),
                "auto_creation_type": "webhook",
                "auto_creation_webhook_filters": ["onConversationAdded", "onMessageAdded"],
                "auto_creation_webhook_url": APP,
                "auto_creation_webhook_method": "GET",
            },
            {"webhook_filters": ["onConversationAdded", "onMessageAdded"], "webhook_method": "GET"},
        ),
        autocreation(
            "WhatsApp into a Studio flow, with retries",
            lambda: {
                "type": "whatsapp",
                "address": f"whatsapp:{phone()}",
                "auto_creation_type": "studio",
                "auto_creation_studio_flow_sid": FLOW,
                "auto_creation_studio_retry_count": 3,
            },
            {"type": "studio", "studio_flow_sid": FLOW, "studio_retry_count": 3},
        ),
    ],
    "Using Studio": [
        autocreation(
            "every new conversation of a number",
            lambda: {
                "type": "sms",
                "address": phone(),
                "auto_creation_type": "studio",
                "auto_creation_studio_flow_sid": FLOW,
            },
            {"type": "studio", "studio_flow_sid": FLOW},
        ),
        Sample(
            "a conversation that is there",
            studio,
            {"sid": sid("WH"), "target": "studio", "configuration": {"flow_sid": FLOW}},
            201,
        ),
    ],
    "Delivery Receipts": [
        Sample(
            "a webhook for receipts, by the older path",
            lambda p: p.account_webhooks()
            and p.curl(
                "POST",
                "/conversations/v1/Conversations/Webhooks",
                data={"PostWebhookUrl": APP, "Filters": "onDeliveryUpdated"},
            ),
            {
                "post_webhook_url": APP,
                "filters": ["onDeliveryUpdated"],
                "url": re.compile("/Conversations/Webhooks$"),
            },
        ),
        Sample(
            "the summary of a message, and each receipt",
            receipts,
            {
                "delivery": {
                    "total": 2,
                    "sent": "all",
                    "delivered": "all",
                    "read": "none",
                    "failed": "none",
                    "undelivered": "none",
                },
                "receipts": [{"status": "delivered"}, {"status": "delivered"}],
            },
        ),
    ],
    "Read Horizon": [
        Sample(
            "how far a user has read, and what is unread",
            reading,
            {"participant": {"last_read_message_index": 1, "last_read_timestamp": DATE}, "unread": 1},
        ),
        Sample("set it for a participant", reading_by_participant, echo),
    ],
    "User Conversations": [Sample("all that a user is in", of_user, ["one", "two"])],
    "Rich Content": [
        Sample(
            "a template with variables to a phone",
            rich_content,
            {"body": "See you at nine", "content_sid": sid("HX")},
            201,
        ),
    ],
}
