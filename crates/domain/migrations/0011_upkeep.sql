-- What a chat user has uploaded and not sent.
CREATE INDEX media_of_uploader ON media (uploader_sid) WHERE message_sid IS NULL;
