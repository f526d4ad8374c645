"""Samples of the reference pages of what an account and its services are set up with."""

import re

from harness import phone, unique
from samples_place import Sample, echo, first_page, links, sid

FLOW = "FW" + "c" * 32
HOOKS = {
    "filters": ["onConversationUpdated", "onMessageRemoved"],
    "method": "POST",
    "post_webhook_url": "https://example.com/keep",
    "pre_webhook_url": "https://example.com/decide",
}
ADDED = {
    "added_to_conversation_enabled": True,
    "added_to_conversation_sound": "default",
    "added_to_conversation_template": "${PARTICIPANT} let you into ${CONVERSATION}",
}
MEDIA = "${PARTICIPANT} has ${MEDIA_COUNT} files for you: ${MEDIA}"


def creators_role(p):
    service = p.service()
    role = service.roles.create(friendly_name="captain", type="conversation", permission=["deleteConversation"])
    given = p.give(default_conversation_creator_role_sid=role.sid)
    return service.configuration().update(**given)


def all_roles(p):
    service = p.service()

    def role(kind, permission):
        return service.roles.create(friendly_name=unique("role"), type=kind, permission=[permission]).sid

    given = p.give(
        default_conversation_creator_role_sid=role("conversation", "sendMessage"),
        default_conversation_role_sid=role("conversation", "leaveConversation"),
        default_chat_service_role_sid=role("service", "joinConversation"),
        reachability_enabled=False,
    )
    return service.configuration().update(**given)


def notifications(p, **parameters):
    return p.service().configuration.notifications().update(**parameters)


# Pages that have a service form only.
SERVICE = {
    "Service Configuration resource": [
        Sample(
            "fetch",
            lambda p: p.service().configuration().fetch(),
            {
                "chat_service_sid": sid("IS"),
                "default_conversation_creator_role_sid": sid("RL"),
                "default_conversation_role_sid": sid("RL"),
                "default_chat_service_role_sid": sid("RL"),
                "reachability_enabled": False,
                "links": links("notifications", "webhooks"),
            },
        ),
        Sample("update the role of creators", creators_role, echo),
        Sample("update everything", all_roles, echo),
        Sample(
            "update the reachability indicator",
            lambda p: p.service().configuration().update(reachability_enabled=True),
            {"reachability_enabled": True},
        ),
    ],
    "Service Notification resource": [
        Sample(
            "fetch",
            lambda p: p.service().configuration.notifications().fetch(),
            {
                "account_sid": sid("AC"),
                "chat_service_sid": sid("IS"),
                "new_message": {"enabled": False},
                "added_to_conversation": {"enabled": False},
                "removed_from_conversation": {"enabled": False},
                "url": re.compile("/Configuration/Notifications$"),
            },
        ),
        Sample(
            "update those on being added",
            lambda p: notifications(p, **ADDED),
            {
                "added_to_conversation": {
                    "enabled": True,
                    "sound": "default",
                    "template": "${PARTICIPANT} let you into ${CONVERSATION}",
                }
            },
        ),
        Sample(
            "update those on media",
            lambda p: notifications(p, new_message_with_media_enabled=True, new_message_with_media_template=MEDIA),
            {"new_message": {"with_media": {"enabled": True, "template": MEDIA}}},
        ),
        Sample(
            "update everything",
            lambda p: notifications(
                p,
                log_enabled=True,
                new_message_enabled=False,
                new_message_template="${PARTICIPANT}: ${MESSAGE}",
                new_message_sound="drop",
                new_message_badge_count_enabled=True,
                new_message_with_media_enabled=False,
                new_message_with_media_template=MEDIA,
                added_to_conversation_enabled=False,
                added_to_conversation_template="in ${CONVERSATION}",
                added_to_conversation_sound="drop",
                removed_from_conversation_enabled=False,
                removed_from_conversation_template="out of ${CONVERSATION}",
                removed_from_conversation_sound="drop",
            ),
            {
                "log_enabled": True,
                "new_message": {
                    "enabled": False,
                    "template": "${PARTICIPANT}: ${MESSAGE}",
                    "sound": "drop",
                    "badge_count_enabled": True,
                    "with_media": {"enabled": False, "template": MEDIA},
                },
                "added_to_conversation": {"enabled": False, "template": "in ${CONVERSATION}", "sound": "drop"},
                "removed_from_conversation": {"enabled": False, "template": "out of ${CONVERSATION}", "sound": "drop"},
            },
        ),
    ],
    "Per-Service Webhook resource": [
        Sample(
            "fetch",
            lambda p: p.service().configuration.webhooks().fetch(),
            {"chat_service_sid": sid("IS"), "pre_webhook_url": None, "url": re.compile("/Configuration/Webhooks$")},
        ),
        Sample("update", lambda p: p.service().configuration.webhooks().update(**HOOKS), HOOKS),
    ],
    "Service Binding resource": [Sample("list", lambda p: p.service().bindings.list(limit=20), [])],
}


def by_webhook():
    return {
        "type": "sms",
        "address": phone(),
        "friendly_name": "Front door",
        "auto_creation_enabled": True,
        "auto_creation_type": "webhook",
        "auto_creation_webhook_url": "https://example.com/front",
        "auto_creation_webhook_method": "get",
        "auto_creation_webhook_filters": ["onParticipantAdded", "onMessageAdded"],
    }


def address(name, make, shows):
    wanted = {"sid": sid("IG"), "account_sid": sid("AC"), **shows}
    return Sample(f"create {name}", lambda p: p.rest.address_configurations.create(**make(p)), wanted, 201)


def of_channel(kind, make):
    return address(
        f"{kind} by webhook",
        lambda p: {
            **by_webhook(),
            "type": kind,
            "address": make(),
            "auto_creation_conversation_service_sid": p.default_service(),
            "auto_creation_webhook_method": "post",
        },
        {"type": kind.lower(), "auto_creation": {"type": "webhook", "webhook_method": "POST"}},
    )


def made_address(p):
    return p.rest.address_configurations(p.rest.address_configurations.create(**by_webhook()).sid)


def by_address(p):
    return p.rest.address_configurations(p.rest.address_configurations.create(**by_webhook()).address).fetch()


def of_whatsapp(p):
    p.rest.address_configurations.create(type="whatsapp", address=f"whatsapp:{phone()}")
    return {one.type for one in p.rest.address_configurations.list(type="whatsapp")}


def credential(p):
    return p.rest.credentials(p.rest.credentials.create(type="apn").sid)


def default_service(p):
    before = p.default_service()
    given = p.give(default_chat_service_sid=p.rest.services.create(friendly_name=unique("service")).sid)
    changed = p.rest.configuration().update(**given)
    p.rest.configuration().update(default_chat_service_sid=before)
    return changed


def whole_configuration(p):
    given = p.give(
        default_chat_service_sid=p.default_service(),
        default_messaging_service_sid=p.pool(),
        default_inactive_timer="PT1M",
        default_closed_timer="PT10M",
    )
    changed = p.rest.configuration().update(**given)
    p.rest.configuration().update(default_inactive_timer="PT0S", default_closed_timer="PT0S")
    return changed


# Pages that are about the account.
ACCOUNT = {
    "Configuration resource": [
        Sample(
            "fetch",
            lambda p: p.rest.configuration().fetch(),
            {
                "account_sid": sid("AC"),
                "default_chat_service_sid": sid("IS"),
                "default_messaging_service_sid": sid("MG"),
                "links": links("service", "webhooks"),
            },
        ),
        Sample("update the default service", default_service, echo),
        Sample("update everything", whole_configuration, echo),
    ],
    "Global Webhook resource": [
        Sample(
            "fetch",
            lambda p: p.account_webhooks().fetch(),
            {"account_sid": sid("AC"), "target": "webhook", "url": re.compile("/Configuration/Webhooks$")},
        ),
        Sample(
            "update, with filters",
            lambda p: p.account_webhooks().update(**HOOKS),
            {**HOOKS, "target": "webhook"},
        ),
        Sample(
            "update to GET, and the target",
            lambda p: p.account_webhooks().update(
                **{**HOOKS, "method": "GET", "filters": ["onConversationUpdated"], "target": "webhook"}
            ),
            {"method": "GET", "filters": ["onConversationUpdated"], "target": "webhook"},
        ),
    ],
    "Address Configuration resource": [
        address(
            "SMS by webhook in a service",
            lambda p: {**by_webhook(), "auto_creation_conversation_service_sid": p.default_service()},
            {
                "type": "sms",
                "friendly_name": "Front door",
                "auto_creation": {
                    "enabled": True,
                    "type": "webhook",
                    "conversation_service_sid": sid("IS"),
                    "webhook_url": "https://example.com/front",
                    "webhook_method": "GET",
                    "webhook_filters": ["onParticipantAdded", "onMessageAdded"],
                },
            },
        ),
        address("with a country", lambda p: {**by_webhook(), "address_country": "CA"}, {"address_country": "CA"}),
        address(
            "e-mail by default",
            lambda p: {
                "type": "email",
                "address": f"{unique('desk')}@example.com",
                "friendly_name": "Post",
                "auto_creation_enabled": True,
                "auto_creation_type": "default",
            },
            {"type": "email", "friendly_name": "Post", "auto_creation": {"enabled": True, "type": "default"}},
        ),
        of_channel("apple", lambda: unique("urn:mbid:AQAA")),
        of_channel("whatsapp", lambda: f"whatsapp:{phone()}"),
        of_channel("messenger", lambda: unique("messenger:page")),
        of_channel("gbm", lambda: unique("gbm:brand")),
        of_channel("rcs", lambda: unique("rcs:brand")),
        of_channel("chat", lambda: unique("chat:room")),
        Sample("fetch", lambda p: made_address(p).fetch(), {"sid": sid("IG"), "friendly_name": "Front door"}),
        Sample("fetch by address", by_address, {"sid": sid("IG"), "friendly_name": "Front door"}),
        Sample(
            "list",
            lambda p: made_address(p) and p.rest.address_configurations.list(limit=20),
            lambda _: first_page("IG"),
        ),
        Sample("list by type", of_whatsapp, {"whatsapp"}),
        Sample(
            "update by Studio, and off",
            lambda p: made_address(p).update(
                friendly_name="Back door",
                auto_creation_enabled=False,
                auto_creation_type="studio",
                auto_creation_studio_flow_sid=FLOW,
                auto_creation_studio_retry_count=3,
            ),
            {
                "friendly_name": "Back door",
                "type": "sms",
                "auto_creation": {"enabled": False, "type": "studio", "studio_flow_sid": FLOW, "studio_retry_count": 3},
            },
        ),
        Sample("delete", lambda p: made_address(p).delete(), True, 204),
    ],
    "Credential resource": [
        Sample(
            "create for Apple, without more",
            lambda p: p.rest.credentials.create(type="apn"),
            {
                "sid": sid("CR"),
                "account_sid": sid("AC"),
                "friendly_name": None,
                "type": "apn",
                "sandbox": "False",
                "url": re.compile(r"/Credentials/CR\w{32}$"),
            },
            201,
        ),
        Sample(
            "create for Google's older one, in mixed case",
            lambda p: p.rest.credentials.create(type="GcM"),
            {"type": "gcm"},
            201,
        ),
        Sample(
            "create for Google, in mixed case", lambda p: p.rest.credentials.create(type="FcM"), {"type": "fcm"}, 201
        ),
        Sample("fetch", lambda p: credential(p).fetch(), {"sid": sid("CR"), "type": "apn"}),
        Sample("list", lambda p: credential(p) and p.rest.credentials.list(limit=20), lambda _: first_page("CR")),
        Sample("update the type", lambda p: credential(p).update(type="apn"), {"sid": sid("CR"), "type": "apn"}),
        Sample(
            "update the friendly name",
            lambda p: credential(p).update(friendly_name="Phones"),
            {"friendly_name": "Phones"},
        ),
        Sample("delete", lambda p: credential(p).delete(), True, 204),
    ],
    "Service resource": [
        Sample(
            "create",
            lambda p: p.rest.services.create(friendly_name="Branch"),
            {
                "sid": sid("IS"),
                "account_sid": sid("AC"),
                "friendly_name": "Branch",
                "links": links(
                    "conversations", "users", "roles", "bindings", "configuration", "participant_conversations"
                ),
            },
            201,
        ),
        Sample("fetch", lambda p: p.service().fetch(), {"sid": sid("IS"), "friendly_name": re.compile("^service")}),
        Sample("list", lambda p: p.rest.services.list(limit=20), lambda _: first_page("IS")),
        Sample("delete", lambda p: p.service().delete(), True, 204),
    ],
}
