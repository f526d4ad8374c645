"""What a resource of the table in test_resources.py is."""

from dataclasses import dataclass, field
from typing import Any, Callable, Optional, Tuple


class Place:
    """Where the resources of a test are made: by the short form of the URLs, or by that of a service."""

    def __init__(self, test, service=None):
        self.account = test.account
        self.rest = test.rest.services(service) if service else test.rest
        self.service = service
        self._made = {}

    @property
    def conversation(self):
        """A conversation of this place, for what lives in one."""
        return self.rest.conversations(self.once("conversation", lambda: self.rest.conversations.create().sid))

    @property
    def chat(self):
        """The account's default service, as Chat shows it."""
        find = self.account.conversations.v1.configuration().fetch
        return self.account.chat.v2.services(self.once("chat", lambda: find().default_chat_service_sid))

    @property
    def notify(self):
        """A service of Notify."""
        services = self.account.notify.v1.services
        return services(self.once("notify", lambda: services.create(friendly_name="Second").sid))

    @property
    def pool(self):
        """A messaging service."""
        services = self.account.messaging.v1.services
        return services(self.once("pool", lambda: services.create(friendly_name="Pool").sid))

    @property
    def sink(self):
        """SID of a sink of event streams."""
        configuration = {"destination": "https://example.com/events", "method": "POST", "batch_events": True}
        sinks = self.account.events.v1.sinks
        return self.once("sink", lambda: sinks.create("hook", configuration, "webhook").sid)

    def once(self, name, make):
        """What this place has one of: made when it is first wanted."""
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]


def _create(collection, _place, parameters):
    return collection.create(**parameters)


def _update(item, parameters):
    return item.update(**parameters)


@dataclass
class Resource:
    """How one resource is made, and what is to be seen of it."""

    # Operation ids of the contract, of both forms of the URL.
    operations: str
    sid: str
    # Of a place: the collection, and one of it by its SID or another key.
    collection: Callable[[Place], Any]
    item: Callable[[Place, str], Any]
    # Parameters of a creation, and what it shows where that is more or less than the parameters.
    make: Callable[[], dict]
    shows: Callable[[dict], dict] = lambda made: made
    create: Callable[[Any, Place, dict], Any] = _create
    # Parameters of a change, and what it shows where that is something else.
    change: Optional[dict] = None
    changed: Optional[dict] = None
    update: Callable[[Any, dict], Any] = _update
    # An update without parameters is none where one is required.
    has_empty_update: bool = True
    # Attribute by which it can be fetched, too.
    other_key: Optional[str] = None
    # Status and code when there is none.
    missing: Tuple[int, int] = (404, 20404)
    # The same for a key of another kind (B-005), unless it has keys of any kind.
    malformed: Tuple[int, int] = (404, 20404)
    # Creations that are refused: parameters, status, code.
    refused: list = field(default_factory=list)
    # What the server sends and this library does not know.
    unknown: set = field(default_factory=set)
    # Whether it has the service form, and whether its answers name their own URL.
    in_services: bool = True
    has_url: bool = True
    # Whether its answers name the account.
    has_account: bool = True
    # As many as a stream has to find, each once; 0 where the original does not allow a few hundred.
    many: int = 500

    def operations_of(self, service_form):
        """The ids of one form of the URLs: those of services have `Service` behind their verb."""
        verbs = ("Create", "Fetch", "List", "Update", "Delete")
        of_service = [o for o in self.operations.split() if o.startswith(tuple(f"{verb}Service" for verb in verbs))]
        if not self.in_services:
            return self.operations.split()
        return of_service if service_form else [o for o in self.operations.split() if o not in of_service]
