-- Webhooks of the conversation; counted where the row is read anyway, so that one without any pays nothing.
ALTER TABLE conversation ADD COLUMN webhooks BIGINT NOT NULL DEFAULT 0;
UPDATE conversation SET webhooks = (SELECT COUNT(*) FROM webhook WHERE webhook.conversation_sid = conversation.sid);

-- A call of a webhook: waiting, and afterwards as the log of it.
CREATE TABLE webhook_delivery (
    id {serial},
    account_sid TEXT NOT NULL,
    conversation_sid TEXT,
    -- What is called in order: a target of a conversation or user.
    lane TEXT NOT NULL,
    -- Scheme, host and port, with the account: what fails together.
    target TEXT NOT NULL,
    event TEXT NOT NULL,
    method TEXT NOT NULL,
    url TEXT NOT NULL,
    content_type TEXT NOT NULL,
    body TEXT NOT NULL,
    -- The idempotency token.
    token TEXT NOT NULL,
    -- queued, delivered, failed or canceled
    state TEXT NOT NULL,
    -- The newest try; earlier ones are in webhook_attempt.
    attempts BIGINT NOT NULL,
    attempted_at BIGINT,
    duration BIGINT,
    status BIGINT,
    error TEXT,
    answer TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX webhook_delivery_queue ON webhook_delivery (lane, id) WHERE state = 'queued';
CREATE INDEX webhook_delivery_of_account ON webhook_delivery (account_sid, id);
CREATE INDEX webhook_delivery_of_conversation ON webhook_delivery (conversation_sid, id);

CREATE TABLE webhook_attempt (
    delivery_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    attempted_at BIGINT NOT NULL,
    duration BIGINT NOT NULL,
    status BIGINT,
    error TEXT,
    answer TEXT,
    PRIMARY KEY (delivery_id, number)
);

-- A lane with something to do. Its row is the lock between who adds to it and who empties it.
CREATE TABLE webhook_lane (
    lane TEXT PRIMARY KEY,
    target TEXT NOT NULL,
    -- When its first delivery is due; while a worker has it, when that worker is taken for dead.
    next_at BIGINT NOT NULL,
    claimed BIGINT NOT NULL
);
CREATE INDEX webhook_lane_due ON webhook_lane (target, next_at, lane);
CREATE INDEX webhook_lane_claimed ON webhook_lane (lane) WHERE claimed = 1;

-- Index of the next message to tell of that was there before the webhook; NULL when all were told.
ALTER TABLE webhook ADD COLUMN replay_next BIGINT;
