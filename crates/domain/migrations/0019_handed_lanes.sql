-- Nearly every lane is a server's own from its first delivery on, and gone when that is told: only the others are looked
-- for, so only they are in an index.
DROP INDEX webhook_lane_due;
DROP INDEX webhook_lane_claimed;
CREATE INDEX webhook_lane_due ON webhook_lane (target, next_at, lane) WHERE server IS NULL;
