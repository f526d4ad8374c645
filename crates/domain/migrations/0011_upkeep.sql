-- What is called for a number (src/number/settings.rs), as JSON.
ALTER TABLE number ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
-- A phone by its number alone, whose account nobody knows who sells numbers.
CREATE INDEX handset_address ON handset (address);
-- What a chat user has uploaded and not sent.
CREATE INDEX media_of_uploader ON media (uploader_sid) WHERE message_sid IS NULL;
