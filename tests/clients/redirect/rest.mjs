// A program of a user: nothing in it knows of Confab. Its environment leads it there, or it is lost.

import twilio from "twilio";

const client = twilio();
const name = process.argv[2];
const made = await client.conversations.v1.conversations.create({ friendlyName: name });
// Small pages, so that the URLs in the answers are followed, too.
const listed = await client.conversations.v1.conversations.list({ pageSize: 1 });
const account = await client.api.v2010.accounts(client.accountSid).fetch();
console.log(
  JSON.stringify({
    url: made.url,
    pages: listed.length,
    found: listed.some(({ sid, friendlyName }) => sid === made.sid && friendlyName === name),
    account: account.sid,
  }),
);
