-- The delivery of the event that a replay repeats.
ALTER TABLE webhook_delivery ADD COLUMN replay_of BIGINT;
CREATE INDEX webhook_delivery_replays ON webhook_delivery (replay_of) WHERE replay_of IS NOT NULL;
-- What did not arrive, or not yet: few rows of many, so that what went well pays for no more than its way out of it.
CREATE INDEX webhook_delivery_of_state ON webhook_delivery (account_sid, state, id) WHERE state <> 'delivered';
-- With the account, for a conversation that is none of the caller's.
DROP INDEX webhook_delivery_of_conversation;
CREATE INDEX webhook_delivery_of_conversation ON webhook_delivery (conversation_sid, account_sid, id);
