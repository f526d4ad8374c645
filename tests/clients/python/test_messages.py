"""Messages of Programmable Messaging: the log of what conversations send to phones and phones send to the account."""

import unittest
from datetime import date, datetime, timedelta, timezone
from urllib.parse import quote

from harness import ServerTest, nobody, phone, poll


class Messages(ServerTest):
    def with_phone(self):
        """A conversation with one phone; the phone and its proxy address."""
        conversation = self.rest.conversations(self.rest.conversations.create().sid)
        address, proxy = phone(), phone()
        conversation.participants.create(messaging_binding_address=address, messaging_binding_proxy_address=proxy)
        return conversation, address, proxy

    def logged(self, to, count, status):
        """The log to an address, newest first, once all of it has a status."""

        def question():
            found = self.account.messages.list(to=to)
            return len(found) == count and {m.status for m in found} == {status} and found

        return poll(f"{count} messages {status} in the log", question)

    def phone_sends(self, address, to, body):
        path = f"/simulator/v1/Handsets/{quote(address, safe='')}/Messages"
        answer = self.server.request("POST", path, data={"To": to, "Body": body})
        self.assertEqual(answer.status_code, 201, answer.text)
        return answer.json()["sid"]

    def test_what_a_conversation_sent(self):
        """ListMessage FetchMessage (B-252): as its receipt has it."""
        conversation, address, proxy = self.with_phone()
        sent = conversation.messages.create(body="ж" * 71)
        [message] = self.logged(address, 1, "delivered")
        [receipt] = conversation.messages(sent.sid).delivery_receipts.list()
        self.assertEqual(message.sid, receipt.channel_message_sid)
        shown = (message.from_, message.to, message.direction, message.num_segments, message.num_media, message.price)
        self.assertEqual(shown, (proxy, address, "outbound-api", "2", "0", None))
        self.assertEqual(message.body, "ж" * 71)
        fetched = self.account.messages(message.sid).fetch()
        raw = self.server.request("GET", fetched.uri).json()
        raw["from_"] = raw.pop("from")
        self.assertEqual({name.rstrip("_") for name in vars(fetched) if not name.startswith("_")}, {n.rstrip("_") for n in raw})
        self.assertEqual((fetched.date_sent, fetched.status), (message.date_sent, "delivered"))
        self.assertLessEqual(fetched.date_created, fetched.date_sent)

    def test_filters_and_streams(self):
        """ListMessage (B-885, B-886, B-302): by sender, recipient and date, over pages."""
        conversation, address, proxy = self.with_phone()
        for number in range(7):
            conversation.messages.create(body=str(number))
        inbound = [self.phone_sends(address, proxy, f"in {number}") for number in range(3)]
        out = self.logged(address, 7, "delivered")
        received = self.logged(proxy, 3, "received")
        self.assertEqual([m.sid for m in received], inbound[::-1])
        self.assertEqual({(m.direction, m.from_, m.body[:3]) for m in received}, {("inbound", address, "in ")})

        newest = out[0].date_sent.astimezone(timezone.utc)
        today = newest.date()
        oldest_day = min(m.date_sent for m in out).astimezone(timezone.utc).date()
        wanted = sorted(m.sid for m in out)
        of_today = sorted(m.sid for m in out if m.date_sent.astimezone(timezone.utc).date() == today)

        def found(**filters):
            return sorted(m.sid for m in self.account.messages.list(to=address, **filters))

        self.assertEqual(found(from_=proxy), wanted)
        self.assertEqual(found(from_=address), [])
        self.assertEqual(found(date_sent=today), of_today)
        self.assertEqual(found(date_sent=datetime(today.year, today.month, today.day, tzinfo=timezone.utc)), of_today)
        self.assertEqual(found(date_sent=date(2001, 1, 1)), [])
        self.assertEqual(found(date_sent_before=today), wanted)
        self.assertEqual(found(date_sent_before=oldest_day - timedelta(days=1)), [])
        self.assertEqual(found(date_sent_after=oldest_day, from_=proxy), wanted)
        self.assertEqual(found(date_sent_after=newest + timedelta(seconds=1)), [])
        streamed = [m.sid for m in self.account.messages.stream(to=address, from_=proxy, page_size=2)]
        self.assertEqual(streamed, [m.sid for m in out])
        streamed = [m.sid for m in self.account.messages.stream(to=address, date_sent_before=today, page_size=3)]
        self.assertEqual(sorted(streamed), wanted)
        self.assertEqual(len(self.account.messages.list(to=address, limit=2)), 2)
        page = self.account.messages.page(to=proxy, page_size=2)
        self.assertEqual([m.sid for m in page], inbound[:0:-1])
        self.assertEqual([m.sid for m in page.next_page()], inbound[:1])
        with self.refused_page(400, 20001):
            self.account.messages.list(date_sent="soon")

    def test_redacted_and_deleted(self):
        """UpdateMessage DeleteMessage: what is on its way cannot be deleted."""
        conversation, address, _ = self.with_phone()
        handset = f"/simulator/v1/Handsets/{quote(address, safe='')}"
        self.server.request("POST", handset, data={"Mode": "manual"})
        conversation.messages.create(body="secret")
        [got] = poll("a message on a handset", lambda: self.server.handset(address))
        message = self.account.messages(got["sid"])
        self.assertEqual((message.fetch().status, message.fetch().date_sent), ("queued", None))
        with self.refused(400, 20009, "DELETE"):
            message.delete()
        with self.refused(400, 30409, "POST"):
            message.update(status="canceled")
        self.assertEqual(message.update(body="").body, "")
        report = {"Status": "failed", "ErrorCode": "30007"}
        self.server.request("POST", f"{handset}/Messages/{got['sid']}", data=report)
        failed = message.fetch()
        shown = (failed.status, failed.error_code, failed.error_message, failed.body)
        self.assertEqual(shown, ("failed", 30007, "Message filtered", ""))
        self.assertTrue(message.delete())
        with self.refused(404, 20404, "GET"):
            message.fetch()
        with self.refused(404, 20404, "DELETE"):
            self.account.messages(nobody("MM")).delete()

    def test_files(self):
        """ListMedia FetchMedia DeleteMedia: the files of a message."""
        conversation, address, _ = self.with_phone()
        service = self.rest.configuration().fetch().default_chat_service_sid
        path, headers = f"/mcs/v1/Services/{service}/Media", {"Content-Type": "image/jpeg"}
        made = self.server.request("POST", path, data=b"picture", headers=headers).json()
        conversation.messages.create(media_sid=made["sid"])
        [message] = self.logged(address, 1, "delivered")
        self.assertEqual((message.num_media, message.body), ("1", ""))
        media = self.account.messages(message.sid).media
        [file] = media.list()
        self.assertEqual((file.sid, file.parent_sid, file.content_type), (made["sid"], message.sid, "image/jpeg"))
        self.assert_model(file, self.server.request("GET", file.uri).json())
        self.assertEqual(media(file.sid).fetch().date_created, file.date_created)
        self.assertEqual(media.list(date_created_after=date(2999, 1, 1)), [])
        answer = self.server.request("GET", file.uri.removesuffix(".json"))
        self.assertEqual((answer.content, answer.headers["Content-Type"]), (b"picture", "image/jpeg"))
        self.assertTrue(media(file.sid).delete())
        with self.refused(404, 20404):
            media(file.sid).fetch()
        with self.refused(404, 20404):
            self.account.messages(message.sid).media(nobody("ME")).delete()
        self.assertEqual(media.list(), [])


if __name__ == "__main__":
    unittest.main()
