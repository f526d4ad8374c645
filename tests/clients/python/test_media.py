"""Media by plain requests (no official library of a back end has words for them), and messages that have some."""

import unittest
from unittest import mock
from urllib.parse import urlsplit

import requests

from harness import ServerTest, nobody


class Media(ServerTest):
    TLS = True

    def setUp(self):
        self.service = self.rest.configuration().fetch().default_chat_service_sid
        self.base = f"/mcs/v1/Services/{self.service}/Media"

    def upload(self, body, content_type="text/plain", **query):
        headers = {"Content-Type": content_type}
        answer = self.server.request("POST", self.base, data=body, headers=headers, params=query)
        self.assertEqual(answer.status_code, 201, answer.text)
        return answer.json()

    def test_a_file_comes_back_as_it_was(self):
        content = bytes(range(256)) * 1000
        made = self.upload(content, "image/png", Filename="räume.png")
        self.assertRegex(made["sid"], "^ME[0-9a-f]{32}$")
        shown = (made["size"], made["content_type"], made["filename"], made["category"], made["author"])
        self.assertEqual(shown, (len(content), "image/png", "räume.png", "media", "system"))
        self.assertEqual((made["message_sid"], made["channel_sid"]), (None, None))
        fetched = self.server.request("GET", f"{self.base}/{made['sid']}").json()
        self.assertEqual(fetched["sid"], made["sid"])
        # The temporary URL needs no credentials, and no other one will do.
        link = fetched["links"]["content_direct_temporary"]
        answer = requests.get(link, timeout=20)
        self.assertEqual((answer.status_code, answer.headers["Content-Type"]), (200, "image/png"))
        self.assertEqual(answer.content, content)
        self.assertIn(requests.get(link[:-1] + ("0" if link[-1] != "0" else "1"), timeout=20).status_code, (403, 404))
        self.assertEqual(self.server.request("GET", fetched["links"]["content"].removeprefix(self.server.url)).content, content)

    def test_a_message_takes_it_once(self):
        """CreateConversationMessage with media, and DeleteConversationMessage, which takes it along."""
        made = self.upload(b"hello", Filename="hello.txt")
        conversation = self.rest.conversations(self.rest.conversations.create().sid)
        sent = conversation.messages.create(media_sid=made["sid"])
        wanted = {"sid": made["sid"], "size": 5, "content_type": "text/plain", "filename": "hello.txt"}
        [shown] = conversation.messages(sent.sid).fetch().media
        self.assertEqual({name: shown[name] for name in wanted}, wanted)
        with self.refused(400, 50508):
            conversation.messages.create(media_sid=made["sid"])
        with self.refused(400, 50507):
            conversation.messages.create(media_sid=nobody("ME"))
        with self.refused(400, 50510):
            conversation.messages.create(media_sid="ME1")
        conversation.messages(sent.sid).delete()
        self.assertEqual(self.server.request("GET", f"{self.base}/{made['sid']}").status_code, 404)

    def test_a_set(self):
        made = self.upload(b"one")
        command = {"command": "get", "list": [{"media_sid": made["sid"]}, {"media_sid": nobody("ME")}]}
        answer = self.server.request("POST", f"/mcs/v1/Services/{self.service}/MediaSet", json=command)
        self.assertEqual([one["code"] for one in answer.json()], [200, 404])
        self.assertEqual([one["media_record"]["sid"] for one in answer.json()], [made["sid"], nobody("ME")])

    def test_what_is_refused(self):
        def post(path, **options):
            return self.server.request("POST", path, **options)

        for answer, status, code in [
            (post(self.base, data=b""), 400, 20001),
            (post(f"/mcs/v1/Services/{nobody('IS')}/Media", data=b"x"), 404, 20404),
            (post(self.base, data=b"x", auth=False), 401, 20003),
            (self.server.request("GET", f"{self.base}/{nobody('ME')}"), 404, 20404),
        ]:
            self.assertEqual((answer.status_code, answer.json()["code"]), (status, code), answer.text)

    def test_the_hosts_of_the_original(self):
        """By DNS and certificate: the records on mcs.us1.twilio.com, the bytes on media.us1.twilio.com."""
        with mock.patch.dict("os.environ", {"REQUESTS_CA_BUNDLE": self.server.authority}), self.server.dns():
            url = f"https://mcs.us1.twilio.com/v1/Services/{self.service}/Media"
            auth = (self.server.account_sid, self.server.auth_token)
            headers = {"Content-Type": "text/plain"}
            made = requests.post(url, data=b"hello", headers=headers, auth=auth, timeout=20).json()
            self.assertEqual(made["url"], f"{url}/{made['sid']}")
            link = made["links"]["content_direct_temporary"]
            self.assertEqual(urlsplit(link).hostname, "media.us1.twilio.com")
            self.assertEqual(requests.get(link, timeout=20).content, b"hello")


if __name__ == "__main__":
    unittest.main()
