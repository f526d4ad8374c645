"""Samples of the reference pages beside Conversations: media, templates, Chat and Notify."""

import json
import re

from twilio.base.exceptions import TwilioRestException
from twilio.rest.content.v1.content import ContentList
from twilio.rest.content.v1.content.approval_create import ApprovalCreateList

from harness import unique
from samples_place import Sample, echo, first_page, links, sid


def media(p):
    """Where the default service keeps its media."""
    return f"/mcs/v1/Services/{p.default_service()}/Media"


def upload(p):
    return p.curl("POST", media(p), data="a picture of a cat", headers={"Content-Type": "image/png"})


def create(p, types, **more):
    template = {"friendly_name": unique("template"), "language": "en", "types": types, **more}
    return p.account.content.v1.contents.create(ContentList.ContentCreateRequest(template))


def template(kind, of, fields, **more):
    """A template of one type, made of the page's fields."""
    return Sample(
        f"create {kind}",
        lambda p: create(p, {kind: of(fields)}, **more),
        {
            "sid": sid("HX"),
            "account_sid": sid("AC"),
            "friendly_name": re.compile("^template"),
            "language": "en",
            "types": {kind: fields},
            "links": links("approval_create", "approval_fetch"),
        },
        201,
    )


def text(p):
    types = {"twilio/text": ContentList.TwilioText({"body": "We open on {{1}}"})}
    return p.account.content.v1.contents(create(p, types, variables={"1": "Friday"}).sid)


def approval(p):
    asked = ApprovalCreateList.ContentApprovalRequest({"name": "opening_days", "category": "UTILITY"})
    return text(p).approval_create.create(asked)


def chat(p):
    """A service of Chat that was made before."""
    services = p.account.chat.v2.services
    return services(services.create(friendly_name="Lounge").sid)


def migration(p):
    configuration = p.rest.configuration().fetch()
    service = configuration.default_chat_service_sid
    channel = p.account.chat.v2.services(service).channels.create(friendly_name="Plaza")
    return p.account.chat.v3.channels(service, channel.sid).update(
        **p.give(type="private", messaging_service_sid=configuration.default_messaging_service_sid)
    )


def notify(p, **parameters):
    """A service of Notify; ten of them are in an account, so that each sample removes its own."""
    services = p.account.notify.v1.services
    made = services.create(**parameters)

    def remove():
        try:
            services(made.sid).delete()
        except TwilioRestException as error:
            if error.status != 404:
                raise

    p.test.addCleanup(remove)
    return made


def notify_service(p, **parameters):
    return p.account.notify.v1.services(notify(p, friendly_name=unique("bells"), **parameters).sid)


def with_credentials(p):
    return notify(
        p,
        friendly_name="Bells",
        apn_credential_sid=p.rest.credentials.create(type="apn").sid,
        fcm_credential_sid=p.rest.credentials.create(type="fcm").sid,
    )


def with_everything(p):
    return notify(
        p,
        **p.give(
            friendly_name="Bells",
            apn_credential_sid=p.rest.credentials.create(type="apn").sid,
            gcm_credential_sid=p.rest.credentials.create(type="gcm").sid,
            messaging_service_sid=p.pool(),
            facebook_messenger_page_id="4",
            default_apn_notification_protocol_version="3",
            default_gcm_notification_protocol_version="3",
            default_fcm_notification_protocol_version="3",
            log_enabled=True,
            delivery_callback_url="https://example.com/rung",
            delivery_callback_enabled=True,
        ),
    )


def listed(p):
    made = notify(p).sid
    return made in [one.sid for one in p.account.notify.v1.services.list(limit=20)]


def listed_by_name(p):
    name = notify(p, friendly_name=unique("gong")).friendly_name
    return p.account.notify.v1.services.list(friendly_name=name, limit=20)


def notification(name, given, shows):
    wanted = {"sid": sid("NT"), "account_sid": sid("AC"), "service_sid": sid("IS"), **shows}
    return Sample(f"send {name}", lambda p: notify_service(p).notifications.create(**given), wanted, 201)


def by_sms(p):
    to_binding = [json.dumps({"binding_type": "sms", "address": "+15550001111"})]
    service = notify_service(p, messaging_service_sid=p.pool())
    return service.notifications.create(to_binding=to_binding, body="Dinner")


OTHERS = {
    "Media resource": [
        Sample(
            "list the services", lambda p: p.curl("GET", "/mcs/v1/Services"), {"services": lambda found: len(found) > 0}
        ),
        Sample(
            "upload a file",
            upload,
            {
                "sid": sid("ME"),
                "service_sid": sid("IS"),
                "channel_sid": None,
                "message_sid": None,
                "size": 18,
                "content_type": "image/png",
                "links": links("content", "content_direct_temporary"),
            },
            201,
        ),
        Sample(
            "fetch",
            lambda p: p.curl("GET", f"{media(p)}/{upload(p)['sid']}"),
            {"sid": sid("ME"), "size": 18, "content_type": "image/png"},
        ),
    ],
    "Content resource": [
        template("twilio/text", ContentList.TwilioText, {"body": "Hello {{1}}"}, variables={"1": "you"}),
        template(
            "twilio/media",
            ContentList.TwilioMedia,
            {"body": "The menu of {{1}}", "media": ["https://example.com/menu.pdf"]},
            variables={"1": "today"},
        ),
        template(
            "twilio/location", ContentList.TwilioLocation, {"longitude": 13.4, "latitude": 52.5, "label": "Office"}
        ),
        template(
            "twilio/quick-reply",
            lambda fields: ContentList.TwilioQuickReply(
                {**fields, "actions": [ContentList.QuickReplyAction(one) for one in fields["actions"]]}
            ),
            {"body": "Will you come?", "actions": [{"title": "Yes", "id": "yes"}, {"title": "No", "id": "no"}]},
        ),
        template(
            "twilio/list-picker",
            lambda fields: ContentList.TwilioListPicker(
                {**fields, "items": [ContentList.ListItem(one) for one in fields["items"]]}
            ),
            {
                "body": "What shall it be?",
                "button": "Choose",
                "items": [
                    {"item": "Soup", "id": "soup", "description": "of the day"},
                    {"item": "Bread", "id": "bread", "description": "fresh"},
                ],
            },
        ),
        template(
            "twilio/call-to-action",
            lambda fields: ContentList.TwilioCallToAction(
                {**fields, "actions": [ContentList.CallToActionAction(one) for one in fields["actions"]]}
            ),
            {
                "body": "Where we are",
                "actions": [
                    {"type": "URL", "title": "Map", "url": "https://example.com/map"},
                    {"type": "PHONE_NUMBER", "title": "Call", "phone": "+15550001111"},
                ],
            },
        ),
        template(
            "twilio/card",
            lambda fields: ContentList.TwilioCard(
                {**fields, "actions": [ContentList.CardAction(one) for one in fields["actions"]]}
            ),
            {
                "title": "Table for two",
                "subtitle": "Reply to change it",
                "actions": [{"type": "URL", "title": "Menu", "url": "https://example.com/menu"}],
            },
        ),
        Sample(
            "fetch",
            lambda p: text(p).fetch(),
            {"sid": sid("HX"), "variables": {"1": "Friday"}, "types": {"twilio/text": {"body": "We open on {{1}}"}}},
        ),
        Sample(
            "list",
            lambda p: text(p) and p.account.content.v1.contents.list(limit=20),
            lambda _: first_page("HX"),
        ),
        Sample(
            "list with approvals",
            lambda p: text(p) and p.account.content.v1.content_and_approvals.list(limit=1),
            [{"sid": sid("HX")}],
        ),
        Sample(
            "ask for an approval",
            approval,
            {"name": "opening_days", "category": "UTILITY", "content_type": "twilio/text", "status": "received"},
            201,
        ),
        Sample(
            "fetch the approval",
            lambda p: text(p).approval_fetch().fetch(),
            {"sid": sid("HX"), "whatsapp": {"status": "unsubmitted"}},
        ),
        Sample("delete", lambda p: text(p).delete(), True, 204),
    ],
    "Chat v2 Service resource": [
        Sample(
            "create",
            lambda p: p.account.chat.v2.services.create(friendly_name="Lounge"),
            {
                "sid": sid("IS"),
                "friendly_name": "Lounge",
                "default_service_role_sid": sid("RL"),
                "default_channel_role_sid": sid("RL"),
                "default_channel_creator_role_sid": sid("RL"),
                "read_status_enabled": True,
                "reachability_enabled": False,
                "typing_indicator_timeout": 5,
                "links": links("channels", "users", "roles", "bindings"),
            },
            201,
        ),
        Sample("fetch", lambda p: chat(p).fetch(), {"sid": sid("IS"), "friendly_name": "Lounge"}),
        Sample("list", lambda p: p.account.chat.v2.services.list(limit=20), lambda _: first_page("IS")),
        Sample("update the friendly name", lambda p: chat(p).update(friendly_name="Foyer"), {"friendly_name": "Foyer"}),
        Sample(
            "update the reachability indicator",
            lambda p: chat(p).update(reachability_enabled=True),
            {"reachability_enabled": True},
        ),
        Sample(
            "update the webhooks",
            lambda p: chat(p).update(
                **p.give(
                    pre_webhook_url="https://example.com/decide",
                    post_webhook_url="https://example.com/keep",
                    webhook_method="POST",
                    webhook_filters=["onMessageSend", "onMessageSent"],
                )
            ),
            echo,
        ),
        Sample(
            "update the notification of new messages",
            lambda p: chat(p).update(
                notifications_new_message_enabled=True,
                notifications_new_message_template="${USER} in ${CHANNEL}: ${MESSAGE}",
                notifications_new_message_sound="default",
            ),
            {
                "notifications": {
                    "new_message": {
                        "enabled": True,
                        "template": "${USER} in ${CHANNEL}: ${MESSAGE}",
                        "sound": "default",
                    }
                }
            },
        ),
        Sample("delete", lambda p: chat(p).delete(), True, 204),
    ],
    "Chat Channel Migration": [
        Sample(
            "make a public channel a conversation",
            migration,
            lambda given: {
                **given,
                "sid": sid("CH"),
                "service_sid": sid("IS"),
                "friendly_name": "Plaza",
                "members_count": 0,
                "messages_count": 0,
            },
        ),
    ],
    "Notify Service resource": [
        Sample(
            "create",
            notify,
            {
                "sid": sid("IS"),
                "account_sid": sid("AC"),
                "links": links("bindings", "notifications", "segments", "users"),
            },
            201,
        ),
        Sample(
            "create with a name and credentials",
            with_credentials,
            {"friendly_name": "Bells", "apn_credential_sid": sid("CR"), "fcm_credential_sid": sid("CR")},
            201,
        ),
        Sample("create with everything", with_everything, echo, 201),
        Sample("fetch", lambda p: notify_service(p).fetch(), {"sid": sid("IS"), "friendly_name": re.compile("^bells")}),
        Sample("list", listed, True),
        Sample("list by friendly name", listed_by_name, [{"friendly_name": re.compile("^gong")}]),
        Sample(
            "update",
            lambda p: notify_service(p).update(
                **p.give(friendly_name="Chimes", facebook_messenger_page_id="5", messaging_service_sid=p.pool())
            ),
            echo,
        ),
        Sample("delete", lambda p: notify_service(p).delete(), True, 204),
        Sample("bindings", lambda p: notify_service(p).bindings.list(limit=20), []),
    ],
    "Notify Notification resource": [
        notification(
            "to an identity",
            {"identity": ["00000001"], "body": "Dinner"},
            {"identities": ["00000001"], "body": "Dinner"},
        ),
        notification(
            "to several identities",
            {"identity": ["00000001", "00000002"], "body": "Dinner"},
            {"identities": ["00000001", "00000002"]},
        ),
        notification("to those with a tag", {"tag": ["cooks"], "body": "Dinner"}, {"tags": ["cooks"]}),
        notification(
            "with a title, a priority and a call back",
            {
                "identity": ["00000001"],
                "body": "Dinner",
                "priority": "high",
                "title": "Kitchen",
                "delivery_callback_url": "https://example.com/rung",
            },
            {"priority": "high", "title": "Kitchen"},
        ),
        notification(
            "with a part for each push service",
            {
                "identity": ["00000001"],
                "title": "A title for all",
                "body": "A body for all",
                "data": {"table": "7"},
                "fcm": {"notification": {"title": "Google", "body": "Dinner"}},
                "apn": {"aps": {"alert": {"title": "Apple"}}},
            },
            {
                "title": "A title for all",
                "data": {"table": "7"},
                "fcm": {"notification": {"title": "Google", "body": "Dinner"}},
                "apn": {"aps": {"alert": {"title": "Apple"}}},
            },
        ),
        Sample("send by SMS to a number that is given", by_sms, {"sid": sid("NT"), "body": "Dinner"}, 201),
    ],
}
