-- What the changes of SDK clients were answered with, for a day: one that comes twice under one id happens once. Rows are
-- written and removed in the order of time, so they lie together; the digest is of the id and of what it was sent to.
CREATE TABLE mutation (
  id {serial},
  user_sid TEXT NOT NULL,
  digest {blob} NOT NULL,
  answer TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX mutation_of_user ON mutation (user_sid, digest);
