-- Followers read events by position: dense, in the order of commits, given after the commit. SQLite
-- has one writer, so the order of insertion is that of commits.
DROP INDEX outbox_unpublished;
ALTER TABLE outbox DROP COLUMN position;
-- The revision of the write that the event tells of; 0 of events older than this column.
ALTER TABLE outbox ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;
CREATE VIEW outbox_position (position, clinic_id, seq) AS SELECT seq, clinic_id, seq FROM outbox;

-- One row. `epoch` names this history of the store: a restored copy gets another one. Events up to
-- position `purged` are gone.
CREATE TABLE event_feed (
  id     BIGINT PRIMARY KEY CHECK (id = 1),
  epoch  TEXT NOT NULL,
  purged BIGINT NOT NULL
);
INSERT INTO event_feed (id, epoch, purged) VALUES (1, lower(hex(randomblob(16))), 0);
