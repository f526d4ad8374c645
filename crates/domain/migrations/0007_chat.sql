-- A conversation is a private channel of Chat. Public channels are seen by Chat alone until they become private.
ALTER TABLE conversation ADD COLUMN channel_type TEXT NOT NULL DEFAULT 'private';
DROP INDEX conversation_of_service;
DROP INDEX conversation_of_state;
CREATE INDEX conversation_of_service ON conversation (service_sid, created_at, sid) WHERE channel_type = 'private';
CREATE INDEX conversation_of_state ON conversation (service_sid, state, created_at, sid)
  WHERE channel_type = 'private';
CREATE INDEX conversation_public ON conversation (service_sid, created_at, sid) WHERE channel_type = 'public';

-- Members of public channels: an identity without the user, so that nothing of the channel shows to the user's clients.
CREATE INDEX participant_public ON participant (service_sid, identity, conversation_sid)
  WHERE user_sid IS NULL AND identity IS NOT NULL;

-- What Chat sets up of a service besides what it shares with Conversations; none until something is set.
CREATE TABLE chat_service (
  service_sid TEXT PRIMARY KEY REFERENCES service (sid),
  read_status_enabled BIGINT NOT NULL,
  typing_indicator_timeout BIGINT NOT NULL,
  consumption_report_interval BIGINT NOT NULL,
  notifications TEXT NOT NULL,
  pre_webhook_url TEXT,
  post_webhook_url TEXT,
  webhook_method TEXT,
  webhook_filters TEXT,
  pre_webhook_retry_count BIGINT NOT NULL,
  post_webhook_retry_count BIGINT NOT NULL,
  channel_members BIGINT NOT NULL,
  user_channels BIGINT NOT NULL,
  compatibility_message TEXT NOT NULL
);
