-- The log of Programmable Messaging: each message from or to a phone, under its SID on the carrier. It stands for itself:
-- what becomes of a conversation leaves its rows. sender is empty where no number could send; sent_at while the message
-- waits to be sent, and it never changes after that. media are the SIDs of its files as a JSON array.
CREATE TABLE message_log (
  sid TEXT NOT NULL,
  account_sid TEXT NOT NULL,
  direction TEXT NOT NULL,
  sender TEXT,
  recipient TEXT NOT NULL,
  messaging_service_sid TEXT,
  body TEXT NOT NULL,
  num_segments BIGINT NOT NULL,
  num_media BIGINT NOT NULL,
  media TEXT,
  status TEXT NOT NULL,
  error_code BIGINT,
  created_at BIGINT NOT NULL,
  sent_at BIGINT,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (sid)
) {clustered};

-- The list by creation, of everybody, of a recipient, of a sender; with a filter by date the same by that date. The
-- latter are written when a message is sent, since none that waits is in a list by that date.
CREATE INDEX message_log_created ON message_log (account_sid, created_at, sid);
CREATE INDEX message_log_created_to ON message_log (account_sid, recipient, created_at, sid);
CREATE INDEX message_log_created_from ON message_log (account_sid, sender, created_at, sid);
CREATE INDEX message_log_sent ON message_log (account_sid, sent_at, sid) WHERE sent_at IS NOT NULL;
CREATE INDEX message_log_sent_to ON message_log (account_sid, recipient, sent_at, sid) WHERE sent_at IS NOT NULL;
CREATE INDEX message_log_sent_from ON message_log (account_sid, sender, sent_at, sid) WHERE sent_at IS NOT NULL;

-- The message of the log that keeps a file which no conversation took.
ALTER TABLE media ADD COLUMN log_sid TEXT;
