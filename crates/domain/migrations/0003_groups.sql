-- Group texting. projected_address is the number of the account by which the phones of a group know a participant.
-- findable is 0 for one that began as such a number alone, which no look-up by identity or address shows.
ALTER TABLE participant ADD COLUMN projected_address TEXT;
ALTER TABLE participant ADD COLUMN findable BIGINT NOT NULL DEFAULT 1;

-- What an e-mail participant is called, and whether it stands under To or Cc.
ALTER TABLE participant ADD COLUMN binding_name TEXT;
ALTER TABLE participant ADD COLUMN binding_level TEXT;

-- Who is to be written to, without reading the many participants that only chat.
CREATE INDEX participant_addressed ON participant (conversation_sid, sid)
  WHERE address IS NOT NULL OR projected_address IS NOT NULL;

-- The conversations of an address.
CREATE INDEX participant_address ON participant (service_sid, address, conversation_sid, sid)
  WHERE address IS NOT NULL;

-- The numbers of a group, sorted, with commas between: one open conversation has a set of them. The state is in the
-- condition, so whatever closes a conversation frees its numbers.
ALTER TABLE conversation ADD COLUMN group_numbers TEXT;
CREATE UNIQUE INDEX conversation_group ON conversation (group_numbers)
  WHERE group_numbers IS NOT NULL AND state <> 'closed';

-- The other phones and numbers of a group message, as a JSON array.
ALTER TABLE handset_message ADD COLUMN others TEXT NOT NULL DEFAULT '[]';
