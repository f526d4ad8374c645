"""Every code sample of the original documentation, called with the official Python client: the same operation with the
same parameters in combination, with values of our own, and what the page's sample response promises.

tests/clients/samples.test.mjs says from which pages they are; it is the same for Node.js. A sample is a row of a table
in one of the files samples_*.py and becomes a test of its name. The pages with a service form are called in both forms
of the URL.
"""

import re
import unittest

from harness import ServerTest
from samples_conversations import CONVERSATIONS
from samples_guides import GUIDES
from samples_messages import MESSAGES
from samples_others import OTHERS
from samples_place import Place
from samples_settings import ACCOUNT, SERVICE
from samples_users import USERS


class Samples(ServerTest):
    """The tables become tests of the classes below, which say where they are called."""

    IN_SERVICE = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # The library keeps the status of an answer to itself.
        cls.statuses = []
        client = cls.account.http_client
        request = client.request

        def remembering(*args, **options):
            answer = request(*args, **options)
            cls.statuses.append(answer.status_code)
            return answer

        client.request = remembering
        cls.second = cls.rest.services.create(friendly_name="Second").sid

    def run_sample(self, sample):
        place = Place(self, self.second if self.IN_SERVICE else None)
        answer = sample.call(place)
        self.assertEqual(self.statuses[-1], sample.status)
        shows = sample.shows
        self.assert_shows(answer, shows(place.given) if callable(shows) else shows)

    def assert_shows(self, actual, wanted, path="answer"):
        """The answer has all that is wanted of it: expressions match texts, functions say whether they are content, and
        a dictionary without anything is one without anything."""
        if isinstance(wanted, re.Pattern):
            self.assertRegex(actual, wanted, path)
        elif callable(wanted):
            self.assertTrue(wanted(actual), f"{path}: {actual}")
        elif isinstance(wanted, list):
            self.assertEqual(len(actual), len(wanted), f"{path}: {actual}")
            for index, one in enumerate(wanted):
                self.assert_shows(actual[index], one, f"{path}[{index}]")
        elif isinstance(wanted, dict) and wanted:
            for name, value in wanted.items():
                shown = actual[name] if isinstance(actual, dict) else getattr(actual, name)
                self.assert_shows(shown, value, f"{path}.{name}")
        else:
            self.assertEqual(actual, wanted, path)


def tests_of(pages):
    """A test for each row, named by its page and its name."""
    tests = {}
    for page, rows in pages.items():
        for sample in rows:
            name = "test_" + re.sub(r"\W+", "_", f"{page} {sample.name}").strip("_").lower()
            assert name not in tests, name

            def test(self, sample=sample):
                self.run_sample(sample)

            test.__doc__ = f"{page}: {sample.name}"
            tests[name] = test
    return tests


BOTH = {**CONVERSATIONS, **MESSAGES, **USERS}
ShortForm = type("ShortForm", (Samples,), tests_of(BOTH))
InService = type("InService", (Samples,), {"IN_SERVICE": True, **tests_of({**BOTH, **SERVICE})})
OfAccount = type("OfAccount", (Samples,), tests_of({**ACCOUNT, **OTHERS, **GUIDES}))

if __name__ == "__main__":
    unittest.main()
