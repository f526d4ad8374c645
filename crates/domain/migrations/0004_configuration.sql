-- What accounts, services and conversations are set up with. Lists and small objects are JSON.

CREATE TABLE account_webhook (
  account_sid TEXT PRIMARY KEY,
  pre_webhook_url TEXT,
  post_webhook_url TEXT,
  method TEXT NOT NULL,
  filters TEXT NOT NULL,
  target TEXT NOT NULL
);

-- One configuration an address; type and sid serve the filtered list.
CREATE TABLE address_configuration (
  sid TEXT PRIMARY KEY,
  account_sid TEXT NOT NULL,
  type TEXT NOT NULL,
  address TEXT NOT NULL,
  friendly_name TEXT,
  address_country TEXT,
  auto_creation TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX address_configuration_address ON address_configuration (account_sid, address);
CREATE INDEX address_configuration_of_account ON address_configuration (account_sid, sid);
CREATE INDEX address_configuration_of_type ON address_configuration (account_sid, type, sid);

CREATE TABLE service_webhook (
  service_sid TEXT PRIMARY KEY REFERENCES service (sid),
  pre_webhook_url TEXT,
  post_webhook_url TEXT,
  method TEXT,
  filters TEXT
);

CREATE TABLE service_notification (
  service_sid TEXT PRIMARY KEY REFERENCES service (sid),
  log_enabled BIGINT NOT NULL,
  new_message TEXT NOT NULL,
  added_to_conversation TEXT NOT NULL,
  removed_from_conversation TEXT NOT NULL
);

-- At most five a conversation; it goes with it.
CREATE TABLE webhook (
  sid TEXT PRIMARY KEY,
  account_sid TEXT NOT NULL,
  conversation_sid TEXT NOT NULL,
  target TEXT NOT NULL,
  url TEXT,
  method TEXT,
  filters TEXT,
  triggers TEXT,
  flow_sid TEXT,
  replay_after BIGINT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX webhook_of_conversation ON webhook (conversation_sid, sid);

-- Devices that want push; address is the device's token at its push service.
CREATE TABLE binding (
  sid TEXT PRIMARY KEY,
  account_sid TEXT NOT NULL,
  service_sid TEXT NOT NULL REFERENCES service (sid),
  identity TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  type TEXT NOT NULL,
  address TEXT NOT NULL,
  credential_sid TEXT,
  message_types TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX binding_endpoint ON binding (service_sid, identity, endpoint, type);
CREATE INDEX binding_of_service ON binding (service_sid, sid);
CREATE INDEX binding_of_type ON binding (service_sid, type, sid);
CREATE INDEX binding_of_credential ON binding (credential_sid);

-- secret is sealed with the server's master key.
CREATE TABLE credential (
  sid TEXT PRIMARY KEY,
  account_sid TEXT NOT NULL,
  friendly_name TEXT,
  type TEXT NOT NULL,
  sandbox BIGINT,
  secret TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX credential_of_account ON credential (account_sid, sid);

-- Who holds a role: it is not deleted under them.
CREATE INDEX chat_user_of_role ON chat_user (role_sid);
CREATE INDEX participant_of_role ON participant (role_sid);

-- The first account is its own owner; that of a subaccount is the account that made it.
ALTER TABLE account ADD COLUMN owner_sid TEXT NOT NULL DEFAULT '';
UPDATE account SET owner_sid = sid;
CREATE INDEX account_of_owner ON account (owner_sid, sid);

-- A number is in one messaging service at most, since pooled_at.
ALTER TABLE number ADD COLUMN type TEXT NOT NULL DEFAULT 'local';
ALTER TABLE number ADD COLUMN messaging_service_sid TEXT;
ALTER TABLE number ADD COLUMN pooled_at BIGINT;
CREATE INDEX number_of_type ON number (account_sid, type, sid);
CREATE INDEX number_of_messaging_service ON number (messaging_service_sid, sid);

ALTER TABLE messaging_service ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
