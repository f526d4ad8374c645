"""Calls of webhooks, with the validator of the official Python client."""

import queue
import threading
import unittest
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from harness import PATIENCE, ServerTest, unique
from twilio.request_validator import RequestValidator


class Sink:
    """A server that notes what it is called with."""

    def __init__(self):
        calls = self.calls = queue.Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                form = urlsplit(self.path).query if self.command == "GET" else body
                pairs = dict(parse_qsl(form, keep_blank_values=True, strict_parsing=True))
                calls.put((self.command, self.path, self.headers, pairs))
                self.send_response(204)
                self.end_headers()

            do_POST = do_GET

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def url(self, path, userinfo=""):
        return f"http://{userinfo}127.0.0.1:{self.port}{path}"

    def next(self):
        return self.calls.get(timeout=PATIENCE)


class Webhooks(ServerTest):
    def setUp(self):
        self.sink = Sink()
        self.addCleanup(self.sink.stop)
        self.validator = RequestValidator(self.server.auth_token)

    def assert_valid(self, configured, call, validator=None):
        """It is signed for the URL that was configured and everything in it."""
        method, path, headers, form = call
        signature = headers["X-Twilio-Signature"]
        seen = self.sink.url(path) if method == "GET" else configured
        form = {} if method == "GET" else form
        validate = (validator or self.validator).validate
        self.assertTrue(validate(seen, form, signature), call)
        self.assertFalse(validate(seen + "x", form, signature))
        self.assertFalse(validate(seen, {**form, "More": "x"}, signature))
        self.assertFalse(RequestValidator("another").validate(seen, form, signature))

    def test_what_has_happened(self):
        """B-386 B-392 B-393 B-394 B-395: POST and GET, with a port, a query, and whatever values."""
        sid = self.rest.conversations.create().sid
        for method in ("POST", "GET"):
            for path, userinfo in (
                ("/plain", ""),
                ("/query?a=b&c=d%20e&empty=", ""),
                ("/userinfo?x=y", "user:secret@"),
            ):
                self.rest.configuration.webhooks().update(
                    post_webhook_url=self.sink.url(path, userinfo), method=method, filters=["onMessageAdded"]
                )
                for body in ("x", "ä € 😀 \u200b", "a=b&c=d+e%20", "line\r\nline", "'\"<>\\"):
                    self.rest.conversations(sid).messages.create(
                        body=body, author="", x_twilio_webhook_enabled="true"
                    )
                    call = self.sink.next()
                    self.assertEqual((call[0], call[3]["Body"]), (method, body))
                    self.assert_valid(self.sink.url(path), call)
                    expected = f"Basic {b64encode(b'user:secret').decode()}" if userinfo else None
                    self.assertEqual(call[2]["Authorization"], expected)

    def test_what_is_asked(self):
        """B-392 B-396: a question is signed as well as a report."""
        url = self.sink.url("/pre?q=1")
        self.rest.configuration.webhooks().update(
            pre_webhook_url=url, post_webhook_url="", method="POST", filters=["onConversationAdd"]
        )
        name = unique("ü")
        self.rest.conversations.create(friendly_name=name, x_twilio_webhook_enabled="true")
        call = self.sink.next()
        self.assertEqual((call[3]["FriendlyName"], call[3]["RetryCount"]), (name, "0"))
        self.assert_valid(url, call)

    def test_a_webhook_of_a_conversation(self):
        """B-392 B-506: with the token of the account too."""
        conversation = self.rest.conversations(self.rest.conversations.create().sid)
        url = self.sink.url("/own?x")
        conversation.webhooks.create(
            target="webhook", configuration_url=url, configuration_filters=["onParticipantAdded"]
        )
        conversation.participants.create(identity=unique("alice"), x_twilio_webhook_enabled="true")
        call = self.sink.next()
        self.assertEqual(call[3]["MessagingBinding.Type"], "CHAT")
        self.assert_valid(url, call)

    def test_a_subaccount(self):
        """B-395: its own token signs for what happens in it."""
        sub = self.account.api.v2010.accounts.create(friendly_name=unique("sub"))
        client = self.server.twilio(sub.sid, sub.auth_token)
        client.account_sid = sub.sid
        rest = client.conversations.v1
        url = self.sink.url("/sub")
        rest.configuration.webhooks().update(post_webhook_url=url, filters=["onUserAdded"])
        rest.users.create(identity="bob", x_twilio_webhook_enabled="true")
        call = self.sink.next()
        self.assertEqual(call[3]["AccountSid"], sub.sid)
        self.assert_valid(url, call, RequestValidator(sub.auth_token))
        self.assertFalse(self.validator.validate(url, call[3], call[2]["X-Twilio-Signature"]))


if __name__ == "__main__":
    unittest.main()
