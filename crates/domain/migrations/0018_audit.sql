-- How a sink's server is logged in to, sealed with the master key.
ALTER TABLE sink ADD COLUMN login TEXT;

-- What callers of REST changed of an account's configuration. parent_sid is what the resource is part of, where its URL
-- names that; data is a JSON object.
CREATE TABLE audit_event (
  sid TEXT PRIMARY KEY,
  account_sid TEXT NOT NULL,
  actor_sid TEXT NOT NULL,
  event_type TEXT NOT NULL,
  resource_type TEXT NOT NULL,
  resource_sid TEXT NOT NULL,
  parent_sid TEXT,
  source_ip TEXT,
  data TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX audit_event_of_account ON audit_event (account_sid, created_at, sid);
CREATE INDEX audit_event_of_type ON audit_event (account_sid, event_type, created_at, sid);
CREATE INDEX audit_event_of_resource ON audit_event (account_sid, resource_sid, created_at, sid);
-- The oldest of all accounts, to be removed.
CREATE INDEX audit_event_by_date ON audit_event (created_at);
