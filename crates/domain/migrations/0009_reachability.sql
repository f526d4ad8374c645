-- Who is connected, for services that show it. What was written before the service was last switched on does not count:
-- reachability_at is that moment, online_at and notifiable_at those of the last change.
ALTER TABLE service ADD COLUMN reachability_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE chat_user ADD COLUMN online BIGINT;
ALTER TABLE chat_user ADD COLUMN online_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE chat_user ADD COLUMN notifiable BIGINT;
ALTER TABLE chat_user ADD COLUMN notifiable_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE chat_user ADD COLUMN reachability_seq BIGINT NOT NULL DEFAULT 0;
CREATE INDEX chat_user_online ON chat_user (sid) WHERE online = 1;
