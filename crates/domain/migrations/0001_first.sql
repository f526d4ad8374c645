-- Accounts and what authenticates for them. Secrets are sealed with the server's master key before they get here.
CREATE TABLE account (
  sid TEXT PRIMARY KEY,
  friendly_name TEXT NOT NULL,
  status TEXT NOT NULL,
  auth_token TEXT NOT NULL,
  default_service_sid TEXT NOT NULL,
  default_messaging_service_sid TEXT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);

CREATE TABLE api_key (
  sid TEXT PRIMARY KEY,
  account_sid TEXT NOT NULL,
  friendly_name TEXT NOT NULL,
  secret TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX api_key_of_account ON api_key (account_sid, sid);

CREATE TABLE messaging_service (
  sid TEXT PRIMARY KEY,
  account_sid TEXT NOT NULL,
  friendly_name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX messaging_service_of_account ON messaging_service (account_sid, sid);

CREATE TABLE service (
  sid TEXT PRIMARY KEY,
  account_sid TEXT NOT NULL,
  friendly_name TEXT NOT NULL,
  conversation_creator_role_sid TEXT NOT NULL,
  conversation_role_sid TEXT NOT NULL,
  service_role_sid TEXT NOT NULL,
  reachability_enabled BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX service_of_account ON service (account_sid, sid);

CREATE TABLE role (
  sid TEXT PRIMARY KEY,
  account_sid TEXT NOT NULL,
  service_sid TEXT NOT NULL,
  friendly_name TEXT NOT NULL,
  type TEXT NOT NULL,
  permissions TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX role_of_service ON role (service_sid, sid);

-- The reference keeps a service that is being deleted from getting a last user or conversation behind its back.
-- seq counts the changes of what SDK clients see of a user: its conversations (E1) and its info (E2). The *_seq
-- columns hold the count at which a part last changed, which is the event id of that change.
CREATE TABLE chat_user (
  sid TEXT PRIMARY KEY,
  account_sid TEXT NOT NULL,
  service_sid TEXT NOT NULL REFERENCES service (sid),
  identity TEXT NOT NULL,
  friendly_name TEXT,
  attributes TEXT NOT NULL,
  role_sid TEXT NOT NULL,
  seq BIGINT NOT NULL,
  friendly_name_seq BIGINT NOT NULL,
  attributes_seq BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX chat_user_identity ON chat_user (service_sid, identity);
CREATE INDEX chat_user_of_service ON chat_user (service_sid, sid);

-- seq counts the changes of the conversation, its messages and its participants together; document_seq is the count
-- at the last change of the conversation itself (E3).
CREATE TABLE conversation (
  sid TEXT PRIMARY KEY,
  account_sid TEXT NOT NULL,
  service_sid TEXT NOT NULL REFERENCES service (sid),
  messaging_service_sid TEXT,
  friendly_name TEXT,
  unique_name TEXT,
  attributes TEXT NOT NULL,
  state TEXT NOT NULL,
  state_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  email_address TEXT,
  email_name TEXT,
  seq BIGINT NOT NULL,
  document_seq BIGINT NOT NULL,
  next_index BIGINT NOT NULL,
  last_message_index BIGINT,
  last_message_at BIGINT,
  messages_count BIGINT NOT NULL,
  participants_count BIGINT NOT NULL,
  non_chat_count BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX conversation_unique_name ON conversation (service_sid, unique_name);
CREATE INDEX conversation_of_service ON conversation (service_sid, created_at, sid);

-- seq and created_seq are counts of the conversation (E5), user_seq and user_created_seq of the user (E1). open is 1
-- while the conversation is not closed: a number pair belongs to one open conversation.
CREATE TABLE participant (
  sid TEXT PRIMARY KEY,
  account_sid TEXT NOT NULL,
  service_sid TEXT NOT NULL,
  conversation_sid TEXT NOT NULL,
  user_sid TEXT,
  identity TEXT,
  address TEXT,
  proxy_address TEXT,
  role_sid TEXT,
  attributes TEXT NOT NULL,
  last_read_index BIGINT,
  last_read_at BIGINT,
  notification_level TEXT NOT NULL,
  open BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  created_seq BIGINT NOT NULL,
  user_seq BIGINT NOT NULL,
  user_created_seq BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX participant_of_conversation ON participant (conversation_sid, sid);
CREATE UNIQUE INDEX participant_identity ON participant (conversation_sid, identity);
CREATE INDEX participant_of_user ON participant (user_sid, conversation_sid);
CREATE UNIQUE INDEX participant_pair ON participant (address, proxy_address) WHERE open = 1;

-- Rows of one conversation lie together. An index over all changes would cost every new message; so only the changed
-- ones are in an index, and new ones are found from the end by their index (domain/src/sync.rs).
CREATE TABLE message (
  conversation_sid TEXT NOT NULL,
  idx BIGINT NOT NULL,
  sid TEXT NOT NULL,
  seq BIGINT NOT NULL,
  created_seq BIGINT NOT NULL,
  author TEXT NOT NULL,
  participant_sid TEXT,
  body TEXT,
  subject TEXT,
  attributes TEXT NOT NULL,
  delivery TEXT,
  last_updated_by TEXT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (conversation_sid, idx)
) {clustered};
CREATE UNIQUE INDEX message_sid ON message (sid);
CREATE INDEX message_changed ON message (conversation_sid, seq) WHERE seq <> created_seq;

CREATE TABLE receipt (
  sid TEXT PRIMARY KEY,
  account_sid TEXT NOT NULL,
  conversation_sid TEXT NOT NULL,
  message_sid TEXT NOT NULL,
  participant_sid TEXT NOT NULL,
  channel_message_sid TEXT NOT NULL,
  status TEXT,
  error_code BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX receipt_of_message ON receipt (message_sid, sid);
CREATE UNIQUE INDEX receipt_of_channel_message ON receipt (channel_message_sid);

-- What was removed, so that a client that was away hears of it. stream is a conversation or a user.
CREATE TABLE tombstone (
  stream TEXT NOT NULL,
  kind TEXT NOT NULL,
  seq BIGINT NOT NULL,
  created_seq BIGINT NOT NULL,
  item TEXT NOT NULL,
  data TEXT NOT NULL,
  removed_at BIGINT NOT NULL,
  PRIMARY KEY (stream, kind, seq)
) {clustered};

CREATE TABLE number (
  sid TEXT PRIMARY KEY,
  account_sid TEXT NOT NULL,
  address TEXT NOT NULL,
  friendly_name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX number_address ON number (address);
CREATE INDEX number_of_account ON number (account_sid, sid);

-- The simulator: phones that exist because somebody wrote to them or they wrote.
CREATE TABLE handset (
  account_sid TEXT NOT NULL,
  address TEXT NOT NULL,
  mode TEXT NOT NULL,
  PRIMARY KEY (account_sid, address)
) {clustered};

CREATE TABLE handset_message (
  sid TEXT PRIMARY KEY,
  account_sid TEXT NOT NULL,
  handset TEXT NOT NULL,
  direction TEXT NOT NULL,
  sender TEXT NOT NULL,
  recipient TEXT NOT NULL,
  body TEXT NOT NULL,
  media TEXT NOT NULL,
  status TEXT NOT NULL,
  error_code BIGINT,
  created_at BIGINT NOT NULL
);
CREATE INDEX handset_message_of_handset ON handset_message (account_sid, handset, created_at, sid);

-- Durable work. A claimed job has its lease in lease_until; jobs with one ordering key run one after another.
CREATE TABLE job (
  id {serial},
  kind TEXT NOT NULL,
  ordering_key TEXT NOT NULL,
  payload TEXT NOT NULL,
  run_at BIGINT NOT NULL,
  lease_until BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  last_error TEXT,
  created_at BIGINT NOT NULL
);
CREATE INDEX job_due ON job (run_at, id);
CREATE INDEX job_order ON job (ordering_key, id);
