"""Samples of the reference pages of users, what they are in, and roles; each stands in both forms of the URLs."""

import re

from harness import unique
from samples_place import MADE, Sample, echo, first_page, links, sid, sms


def by_address(p):
    given = sms()
    p.room(friendly_name="Harbour").participants.create(**given)
    return p.base.participant_conversations.list(address=given["messaging_binding_address"], limit=20)


def taking(p):
    """A user who takes part: what he sees of the conversation."""
    made, user = p.base.conversations.create(friendly_name="Kitchen"), p.user()
    room = p.base.conversations(made.sid)
    identity = user.fetch().identity
    room.participants.create(identity=identity)
    return room, identity, user.user_conversations(made.sid)


def of_user(p):
    _, identity, _ = taking(p)
    return p.base.participant_conversations.list(identity=identity)


def conversations_of_user(p):
    _, identity, _ = taking(p)
    return p.base.users(identity).user_conversations.list(limit=20)


def read_all(p):
    room, _, seen = taking(p)
    room.messages.create(body="read me")
    return seen.update(notification_level="default", last_read_timestamp=MADE, last_read_message_index=0)


USERS = {
    "Participant Conversation resource": [
        Sample(
            "list by address",
            by_address,
            [
                {
                    "conversation_sid": sid("CH"),
                    "participant_sid": sid("MB"),
                    "conversation_friendly_name": "Harbour",
                    "conversation_state": "active",
                    "conversation_timers": {},
                    "conversation_attributes": "{}",
                    "participant_user_sid": None,
                    "participant_identity": None,
                    "participant_messaging_binding": {"type": "sms"},
                    "links": links("participant", "conversation"),
                }
            ],
        ),
        Sample(
            "list by identity",
            of_user,
            [
                {
                    "conversation_friendly_name": "Kitchen",
                    "participant_user_sid": sid("US"),
                    "participant_identity": re.compile("^user"),
                    "participant_messaging_binding": None,
                }
            ],
        ),
        Sample("list none", lambda p: p.base.participant_conversations.list(identity=unique("nobody")), []),
    ],
    "User resource": [
        Sample(
            "create",
            lambda p: p.base.users.create(identity=unique("fay")),
            {
                "sid": sid("US"),
                "chat_service_sid": sid("IS"),
                "role_sid": sid("RL"),
                "identity": re.compile("^fay"),
                "attributes": "{}",
                "links": links("user_conversations"),
            },
            201,
        ),
        Sample(
            "create with everything",
            lambda p: p.base.users.create(
                **p.give(
                    identity=unique("gus"),
                    friendly_name="Gus",
                    attributes='{"duty":"night"}',
                    role_sid=p.role("service"),
                )
            ),
            echo,
            201,
        ),
        Sample("fetch", lambda p: p.user().fetch(), {"sid": sid("US"), "identity": re.compile("^user")}),
        Sample("list", lambda p: p.user() and p.base.users.list(limit=20), lambda _: first_page("US")),
        Sample(
            "update friendly name and role",
            lambda p: p.user().update(**p.give(friendly_name="Another name", role_sid=p.role("service"))),
            echo,
        ),
        Sample(
            "update everything",
            lambda p: p.user().update(
                **p.give(
                    friendly_name="Third name",
                    attributes='{"duty":"day","team":"north"}',
                    role_sid=p.role("service"),
                )
            ),
            echo,
        ),
        Sample("delete", lambda p: p.user().delete(), True, 204),
    ],
    "User Conversation resource": [
        Sample(
            "fetch",
            lambda p: taking(p)[2].fetch(),
            {
                "conversation_sid": sid("CH"),
                "participant_sid": sid("MB"),
                "user_sid": sid("US"),
                "friendly_name": "Kitchen",
                "conversation_state": "active",
                "timers": {},
                "attributes": "{}",
                "last_read_message_index": None,
                "notification_level": "default",
                "links": links("participant", "conversation"),
            },
        ),
        Sample("list", conversations_of_user, [{"friendly_name": "Kitchen"}]),
        Sample("list none", lambda p: p.user().user_conversations.list(), []),
        Sample(
            "update the notification level",
            lambda p: taking(p)[2].update(notification_level="default"),
            {"notification_level": "default"},
        ),
        Sample(
            "update level, time and index of what was read",
            read_all,
            {"notification_level": "default", "last_read_message_index": 0, "unread_messages_count": 0},
        ),
        Sample("mute", lambda p: taking(p)[2].update(notification_level="muted"), {"notification_level": "muted"}),
        Sample("remove", lambda p: taking(p)[2].delete(), True, 204),
    ],
    "Role resource": [
        Sample(
            "create",
            lambda p: p.base.roles.create(permission=["addParticipant"], type="conversation", friendly_name="Doorman"),
            {
                "sid": sid("RL"),
                "chat_service_sid": sid("IS"),
                "friendly_name": "Doorman",
                "type": "conversation",
                "permissions": ["addParticipant"],
            },
            201,
        ),
        Sample(
            "fetch", lambda p: p.base.roles(p.role()).fetch(), {"type": "conversation", "permissions": ["sendMessage"]}
        ),
        Sample("list", lambda p: p.base.roles.list(limit=20), lambda _: first_page("RL")),
        Sample(
            "update",
            lambda p: p.base.roles(p.role()).update(permission=["leaveConversation", "sendMediaMessage"]),
            {"permissions": lambda shown: sorted(shown) == ["leaveConversation", "sendMediaMessage"]},
        ),
        Sample("delete", lambda p: p.base.roles(p.role()).delete(), True, 204),
    ],
}
