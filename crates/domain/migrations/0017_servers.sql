-- Which server has a lane: one that starts again takes back its own at once. Found by its name alone, so that a lane of
-- one call touches one tree less.
CREATE TABLE webhook_lane_new (
    lane TEXT PRIMARY KEY,
    target TEXT NOT NULL,
    -- When its first delivery is due; while a server has it, when that server is taken for dead.
    next_at BIGINT NOT NULL,
    -- NULL when nobody has it.
    server TEXT
) {clustered};
-- Whoever had one was the program before this one.
INSERT INTO webhook_lane_new (lane, target, next_at)
SELECT lane, target, CASE WHEN claimed = 1 THEN 0 ELSE next_at END FROM webhook_lane;
DROP TABLE webhook_lane;
ALTER TABLE webhook_lane_new RENAME TO webhook_lane;
CREATE INDEX webhook_lane_due ON webhook_lane (target, next_at, lane);
CREATE INDEX webhook_lane_claimed ON webhook_lane (server, lane) WHERE server IS NOT NULL;

-- The same of a job; it counts while the lease lasts.
ALTER TABLE job ADD COLUMN server TEXT;
UPDATE job SET lease_until = 0 WHERE lease_until > 0;
