"""Official Python clients with unchanged code find the server: the four ways of docs/drop-in.md."""

import os
import re
import subprocess
import sys
import unittest
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

import requests
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from harness import ServerTest, unique

HOST = "conversations.twilio.com"
LEADS = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


class Redirect(ServerTest):
    TLS = True

    def user(self, dns=False, **env):
        """The environment of a user's program: the account, and what leads it here."""
        stack = ExitStack()
        self.addCleanup(stack.close)
        kept = {n: v for n, v in os.environ.items() if n.upper() not in LEADS and not n.startswith("TWILIO_")}
        account = {"TWILIO_ACCOUNT_SID": self.server.account_sid, "TWILIO_AUTH_TOKEN": self.server.auth_token}
        stack.enter_context(mock.patch.dict(os.environ, {**kept, **account, **env}, clear=True))
        if dns:
            stack.enter_context(self.server.dns())
        return stack

    def trust(self):
        return {"REQUESTS_CA_BUNDLE": self.server.authority}

    def comes_to(self, host, client):
        """What a user does: nothing in it knows of Confab."""
        name = unique("redirected")
        made = client.conversations.v1.conversations.create(friendly_name=name)
        self.assertTrue(made.url.startswith(f"https://{host}/v1/Conversations/CH"), made.url)
        # Two of them, so that the URLs in the answers are followed, too.
        client.conversations.v1.conversations.create()
        listed = client.conversations.v1.conversations.list(page_size=1)
        self.assertIn(made.sid, [conversation.sid for conversation in listed])
        self.assertEqual(client.api.v2010.accounts(client.account_sid).fetch().status, "active")
        # It is this server that has it.
        self.assertEqual(self.rest.conversations(made.sid).fetch().friendly_name, name)


class Proxy(Redirect):
    """(a)"""

    def test_the_environment(self):
        """CreateConversation ListConversation FetchAccount through HTTPS_PROXY."""
        with self.user(HTTPS_PROXY=self.server.url, **self.trust()):
            self.comes_to(HOST, Client())

    def test_the_option(self):
        """CreateConversation ListConversation FetchAccount through TwilioHttpClient(proxy=…)."""
        with self.user(**self.trust()):
            proxied = TwilioHttpClient(proxy={"https": self.server.url})
            self.comes_to(HOST, Client(http_client=proxied))

    def test_a_region(self):
        with self.user(HTTPS_PROXY=self.server.url, TWILIO_EDGE="dublin", TWILIO_REGION="ie1", **self.trust()):
            self.comes_to("conversations.dublin.ie1.twilio.com", Client())

    def test_a_client_that_does_not_trust_the_authority_sends_nothing(self):
        with self.user(HTTPS_PROXY=self.server.url):
            with self.assertRaises(requests.exceptions.SSLError):
                Client().conversations.v1.conversations.create()

    def test_others_are_refused(self):
        with self.user(HTTPS_PROXY=self.server.url, **self.trust()):
            with self.assertRaisesRegex(requests.exceptions.ProxyError, "403 Forbidden"):
                requests.get("https://example.com/", timeout=10)

    def test_what_is_not_encrypted_comes_as_a_whole_url(self):
        with self.user(HTTP_PROXY=self.server.url):
            auth = (self.server.account_sid, self.server.auth_token)
            answer = requests.get(f"http://{HOST}/v1/Conversations", auth=auth, timeout=10)
            self.assertEqual(answer.status_code, 200)
            self.assertTrue(answer.json()["meta"]["url"].startswith(f"http://{HOST}/v1/"), answer.text)


class Dns(Redirect):
    """(b) and (c)"""

    def test_the_usual_host(self):
        with self.user(dns=True, **self.trust()):
            self.comes_to(HOST, Client())

    def test_the_asynchronous_client(self):
        """It builds its trust when it is imported, so it runs as a program of its own."""
        program = Path(__file__).with_name("asynchronous.py")
        with self.user(SSL_CERT_FILE=self.server.authority, TEST_TLS_PORT=str(self.server.tls_port)):
            ran = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=60)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertRegex(ran.stdout, rf"^https://{re.escape(HOST)}/v1/Conversations/CH[0-9a-f]{{32}}\n$")

    def test_regional_hosts(self):
        for edge, region, host in [
            ("dublin", "ie1", "conversations.dublin.ie1.twilio.com"),
            ("sydney", "au1", "conversations.sydney.au1.twilio.com"),
            ("ashburn-ix", None, "conversations.ashburn-ix.us1.twilio.com"),
            (None, "ie1", "conversations.ie1.twilio.com"),
        ]:
            with self.subTest(edge=edge, region=region):
                env = {"TWILIO_EDGE": edge, "TWILIO_REGION": region}
                with self.user(dns=True, **self.trust(), **{n: v for n, v in env.items() if v}):
                    self.comes_to(host, Client())

    def test_the_region_as_an_option(self):
        with self.user(dns=True, **self.trust()):
            self.comes_to("conversations.dublin.ie1.twilio.com", Client(edge="dublin", region="ie1"))


class RequestClient(Redirect):
    """(d)"""

    def test_in_the_clear(self):
        """CreateConversation ListConversation FetchAccount through the ten lines of docs/drop-in.md."""
        origin = self.server.url

        class ToConfab(TwilioHttpClient):
            def request(self, method, url, *args, **kwargs):
                url = re.sub(r"^https://([\w-]+)(?:\.[\w-]+){0,2}\.twilio\.com", rf"{origin}/\1", url)
                return super().request(method, url, *args, **kwargs)

        with self.user():
            client = Client(http_client=ToConfab())
            made = client.conversations.v1.conversations.create()
            self.assertEqual(made.url, f"{origin}/conversations/v1/Conversations/{made.sid}")
            client.conversations.v1.conversations.create()
            listed = client.conversations.v1.conversations.list(page_size=1)
            self.assertIn(made.sid, [conversation.sid for conversation in listed])
            self.assertEqual(client.api.v2010.accounts(client.account_sid).fetch().status, "active")


if __name__ == "__main__":
    unittest.main()
