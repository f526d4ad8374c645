-- What went wrong where no caller is told. The columns of request and response are NULL where no call over HTTP was made.
CREATE TABLE alert (
  sid TEXT PRIMARY KEY,
  account_sid TEXT NOT NULL,
  service_sid TEXT,
  resource_sid TEXT,
  error_code BIGINT NOT NULL,
  log_level TEXT NOT NULL,
  alert_text TEXT NOT NULL,
  more_info TEXT,
  request_method TEXT,
  request_url TEXT,
  request_variables TEXT,
  request_headers TEXT,
  response_headers TEXT,
  response_body TEXT,
  created_at BIGINT NOT NULL
);
CREATE INDEX alert_of_account ON alert (account_sid, created_at, sid);
CREATE INDEX alert_of_level ON alert (account_sid, log_level, created_at, sid);
-- The oldest of all accounts, to be removed.
CREATE INDEX alert_by_date ON alert (created_at);
