-- What is called for a number (src/number/settings.rs), as JSON.
ALTER TABLE number ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
-- A phone by its number alone, whose account nobody knows who sells numbers.
CREATE INDEX handset_address ON handset (address);
-- What a chat user has uploaded and not sent.
CREATE INDEX media_of_uploader ON media (uploader_sid) WHERE message_sid IS NULL;
-- Bindings by the date of their renewal, and the job that drops them, where there are some already; else the first one
-- brings it (src/binding.rs).
CREATE INDEX binding_renewed ON binding (updated_at);
INSERT INTO job (kind, ordering_key, payload, run_at, lease_until, attempts, created_at)
  SELECT 'drop_bindings', 'bindings', '{"kind":"drop_bindings"}', 0, 0, 0, 0 WHERE EXISTS (SELECT 1 FROM binding);
