-- Notify's own services; they share nothing with conversation services but the prefix of their SIDs.
CREATE TABLE notify_service (
  sid TEXT PRIMARY KEY,
  account_sid TEXT NOT NULL,
  friendly_name TEXT,
  apn_credential_sid TEXT,
  gcm_credential_sid TEXT,
  fcm_credential_sid TEXT,
  messaging_service_sid TEXT,
  facebook_messenger_page_id TEXT,
  alexa_skill_id TEXT,
  apn_protocol_version TEXT NOT NULL,
  gcm_protocol_version TEXT NOT NULL,
  fcm_protocol_version TEXT NOT NULL,
  alexa_protocol_version TEXT NOT NULL,
  log_enabled BIGINT NOT NULL,
  delivery_callback_url TEXT,
  delivery_callback_enabled BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX notify_service_of_account ON notify_service (account_sid, sid);
