-- Files that people sent; the bytes are with the object store under the SID. stored_at is empty while the bytes come
-- in. Such a row, and one that no message took in time, is collected together with its bytes (src/media.rs).
-- service_sid is empty while a file that a phone sent waits for its message. uploader_sid is the user of an SDK upload.
CREATE TABLE media (
  sid TEXT PRIMARY KEY,
  account_sid TEXT NOT NULL,
  service_sid TEXT,
  uploader_sid TEXT,
  author TEXT NOT NULL,
  category TEXT NOT NULL,
  filename TEXT,
  content_type TEXT NOT NULL,
  size BIGINT NOT NULL,
  message_sid TEXT,
  conversation_sid TEXT,
  created_at BIGINT NOT NULL,
  stored_at BIGINT,
  attached_at BIGINT
);
-- The attached ones are found by their message.
CREATE INDEX media_unattached ON media (service_sid, sid) WHERE message_sid IS NULL;

-- What a message shows of its media, as JSON; empty for a message without.
ALTER TABLE message ADD COLUMN media TEXT;
