-- Event streams. configuration is a JSON object whose fields depend on the type; test_id names the test event that was
-- sent to the sink last and has not come back.
CREATE TABLE sink (
  sid TEXT PRIMARY KEY,
  account_sid TEXT NOT NULL,
  description TEXT NOT NULL,
  type TEXT NOT NULL,
  configuration TEXT NOT NULL,
  status TEXT NOT NULL,
  test_id TEXT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX sink_of_account ON sink (account_sid, sid);

CREATE TABLE subscription (
  sid TEXT PRIMARY KEY,
  account_sid TEXT NOT NULL,
  sink_sid TEXT NOT NULL,
  description TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX subscription_of_account ON subscription (account_sid, sid);
CREATE INDEX subscription_of_sink ON subscription (sink_sid, sid);

-- A type once in a subscription; it goes with it.
CREATE TABLE subscribed_event (
  subscription_sid TEXT NOT NULL,
  type TEXT NOT NULL,
  schema_version BIGINT NOT NULL,
  PRIMARY KEY (subscription_sid, type)
);
