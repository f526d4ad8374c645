-- Timers are kept as lengths in microseconds, null for none, and counted from timers_from. So a message moves both
-- dates with one column of the row that it writes anyway; the job of a conversation with timers looks when it runs.
ALTER TABLE conversation ADD COLUMN timer_inactive BIGINT;
ALTER TABLE conversation ADD COLUMN timer_closed BIGINT;
ALTER TABLE conversation ADD COLUMN timers_from BIGINT NOT NULL DEFAULT 0;

-- A message writes none of these columns unless it wakes an inactive conversation, so it does not pay for the index.
CREATE INDEX conversation_of_state ON conversation (service_sid, state, created_at, sid);

-- As they were sent: the API answers with the same text.
ALTER TABLE account ADD COLUMN default_inactive_timer TEXT;
ALTER TABLE account ADD COLUMN default_closed_timer TEXT;
