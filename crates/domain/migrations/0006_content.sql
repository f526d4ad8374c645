-- Content templates. types and variables are JSON objects; approval_status is NULL while nobody asked for approval.
CREATE TABLE content (
  sid TEXT PRIMARY KEY,
  account_sid TEXT NOT NULL,
  friendly_name TEXT NOT NULL,
  language TEXT NOT NULL,
  variables TEXT NOT NULL,
  types TEXT NOT NULL,
  approval_name TEXT,
  approval_category TEXT,
  approval_type TEXT,
  approval_status TEXT,
  approval_reason TEXT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX content_of_account ON content (account_sid, created_at, sid);
CREATE INDEX content_by_name ON content (account_sid, friendly_name, sid);
CREATE INDEX content_by_date ON content (account_sid, updated_at, sid);

-- The template that made a message's text; NULL for nearly all messages.
ALTER TABLE message ADD COLUMN content_sid TEXT;
