"""Where samples are called, and what they take for granted."""

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Callable

from harness import phone, unique

MADE = datetime(2021, 3, 4, 5, 6, 7, tzinfo=timezone.utc)
CHANGED = datetime(2021, 3, 4, 5, 6, 8, tzinfo=timezone.utc)
DATES = {"date_created": MADE, "date_updated": CHANGED}


@dataclass
class Sample:
    """A code sample: the call, what its answer shows, and the status."""

    name: str
    call: Callable
    # What is wanted, or what makes it of the parameters that `Place.give` has kept.
    shows: Any
    status: int = 200


def sid(prefix):
    """A SID of a kind."""
    return re.compile(f"^{prefix}[0-9a-f]{{32}}$")


def links(*names):
    """Whether an answer has these links."""
    return lambda shown: all(shown[name].startswith("http") for name in names)


def first_page(prefix):
    """Whether a list of at most 20 has something, and nothing but those of a kind."""
    return lambda found: 0 < len(found) <= 20 and all(one.sid.startswith(prefix) for one in found)


def echo(given):
    """All that was given."""
    return given


def sms():
    """A phone, and a number of ours for it."""
    return {"messaging_binding_address": phone(), "messaging_binding_proxy_address": phone()}


class Place:
    """The short form of the URLs, or that of a service."""

    def __init__(self, test, service=None):
        self.test = test
        self.server = test.server
        self.account = test.account
        self.rest = test.rest
        self.base = self.rest.services(service) if service else self.rest
        self.given = {}

    def give(self, **parameters):
        """Keeps the parameters of the call for what it has to show."""
        self.given = parameters
        return parameters

    def room(self, **parameters):
        """A conversation that was made before."""
        return self.base.conversations(self.base.conversations.create(**parameters).sid)

    def user(self):
        """A user who was made before."""
        return self.base.users(self.base.users.create(identity=unique("user")).sid)

    def service(self):
        """A service of its own, for what every conversation of one shares."""
        return self.rest.services(self.rest.services.create(friendly_name=unique("service")).sid)

    def default_service(self):
        """SID of the account's default service."""
        return self.rest.configuration().fetch().default_chat_service_sid

    def role(self, kind="conversation"):
        """SID of a role."""
        permission = ["joinConversation" if kind == "service" else "sendMessage"]
        return self.base.roles.create(friendly_name=unique("role"), type=kind, permission=permission).sid

    def pool(self):
        """SID of a messaging service."""
        return self.account.messaging.v1.services.create(friendly_name=unique("pool")).sid

    def account_webhooks(self):
        """The webhooks of the account, which nobody is to be called by once the sample is done."""
        webhooks = self.rest.configuration.webhooks()
        self.test.addCleanup(lambda: webhooks.update(pre_webhook_url="", post_webhook_url=""))
        return webhooks

    def curl(self, method, target, **options):
        """A request that the library has no words for, as the page's curl has it."""
        answer = self.server.request(method, target, **options)
        self.test.statuses.append(answer.status_code)
        return answer.json()
