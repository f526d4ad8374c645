"""Content templates, with the official Python client."""

import unittest

from twilio.rest.content.v1.content import ContentList
from twilio.rest.content.v1.content.approval_create import ApprovalCreateList

from harness import ServerTest, nobody, unique


def text(body, **more):
    template = {"friendly_name": unique("template"), "language": "en"}
    types = {"types": {"twilio/text": ContentList.TwilioText({"body": body})}}
    return ContentList.ContentCreateRequest({**template, **types, **more})


class Content(ServerTest):
    def setUp(self):
        self.contents = self.account.content.v1.contents

    def test_all_lists(self):
        """ListContent ListContentAndApprovals ListLegacyContent: of both versions, newest first."""
        made = [self.contents.create(text(f"number {n}")).sid for n in range(9)][::-1]
        v1, v2 = self.account.content.v1, self.account.content.v2
        for resource in (v1.contents, v1.content_and_approvals, v2.contents, v2.content_and_approvals):
            with self.subTest(resource=type(resource).__module__):
                listed = [one.sid for one in resource.stream(page_size=4)]
                self.assertEqual([sid for sid in listed if sid in made], made)
        self.assertEqual(v1.legacy_contents.list(), [], "this server had no templates of another kind before")

    def test_filters(self):
        """ListContent: names, words, types and languages."""
        name = unique("filtered")
        made = self.contents.create(text("a rare word: quokka", friendly_name=name, language="de"))
        v2 = self.account.content.v2.contents
        for filters in ({"content_name": name}, {"content": "quokka"}, {"language": ["de"]}):
            self.assertEqual([one.sid for one in v2.list(**filters)], [made.sid], filters)
        self.assertIn(made.sid, [one.sid for one in v2.list(content_type=["twilio/text"])])
        self.assertEqual(v2.list(content="no such word"), [])

    def test_a_message_takes_its_text_from_a_template(self):
        """CreateConversationMessage with a template and its variables."""
        made = self.contents.create(text("Hello {{1}}, see {{2}}", variables={"1": "you", "2": "me"}))
        conversation = self.rest.conversations(self.rest.conversations.create().sid)
        sent = conversation.messages.create(content_sid=made.sid, content_variables='{"1":"Zoë"}')
        self.assertEqual((sent.body, sent.content_sid), ("Hello Zoë, see me", made.sid))
        with self.refused(400, 50526):
            conversation.messages.create(content_sid="HX1")
        with self.refused(400, 50527):
            conversation.messages.create(content_sid=made.sid, content_variables="{")

    def test_approval(self):
        """CreateApprovalCreate FetchApprovalFetch"""
        made = self.contents.create(text("Your order {{1}} is ready", variables={"1": "42"}))
        one = self.contents(made.sid)
        self.assertEqual(one.approval_fetch().fetch().whatsapp["status"], "unsubmitted")
        asked = ApprovalCreateList.ContentApprovalRequest({"name": "order_ready", "category": "UTILITY"})
        answer = one.approval_create.create(asked)
        self.assertEqual((answer.name, answer.category, answer.status), ("order_ready", "UTILITY", "received"))
        fetched = one.approval_fetch().fetch()
        self.assertEqual((fetched.sid, fetched.whatsapp["name"]), (made.sid, "order_ready"))
        with self.refused(404, 20404):
            self.contents(nobody("HX")).approval_fetch().fetch()

    def test_a_change_replaces_the_template(self):
        """UpdateContent"""
        made = self.contents.create(text("before"))
        change = ContentList.ContentUpdateRequest(
            {"friendly_name": "after", "types": {"twilio/text": ContentList.TwilioText({"body": "after"})}}
        )
        changed = self.contents(made.sid).update(change)
        self.assertEqual((changed.friendly_name, changed.types), ("after", {"twilio/text": {"body": "after"}}))
        self.assertEqual(self.contents(made.sid).fetch().types, changed.types)

    def test_what_is_refused(self):
        """CreateContent"""
        for request, code in [
            (ContentList.ContentCreateRequest({"language": "en", "types": {}}), 92001),
            (text("x", language=None), 92003),
            (text("x", language="nonsense"), 92004),
            (text("x", variables={str(n): "x" for n in range(101)}), 92002),
        ]:
            with self.subTest(code=code), self.refused(400, code):
                self.contents.create(request)


if __name__ == "__main__":
    unittest.main()
