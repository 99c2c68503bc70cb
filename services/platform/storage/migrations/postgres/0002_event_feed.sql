-- Followers read events by position: dense, in the order of commits, given after the commit. Here a
-- relay gives it, under the lock of event_feed's row, to what outbox_waiting holds: rows that it can
-- see are committed, and one that is not yet waits there until it is.
DROP INDEX outbox_unpublished;
ALTER TABLE outbox DROP COLUMN position;
-- The revision of the write that the event tells of; 0 of events older than this column.
ALTER TABLE outbox ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;

CREATE TABLE outbox_position (
  clinic_id TEXT COLLATE "C" NOT NULL,
  position  BIGINT NOT NULL,
  seq       BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, position)
);
CREATE UNIQUE INDEX outbox_position_order ON outbox_position (position);

-- Small: rows stay for a tenth of a second. Vacuumed early, since the relay reads all of it.
CREATE TABLE outbox_waiting (
  seq       BIGINT NOT NULL,
  clinic_id TEXT COLLATE "C" NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- A trigger, so that writers of an older release, still running while this is migrated, are heard.
CREATE FUNCTION outbox_wait() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO outbox_waiting (seq, clinic_id) VALUES (NEW.seq, NEW.clinic_id);
  RETURN NULL;
END $$;
CREATE TRIGGER outbox_waits AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION outbox_wait();
INSERT INTO outbox_waiting (seq, clinic_id) SELECT seq, clinic_id FROM outbox;

-- One row. `epoch` names this history of the store: a restored copy gets another one. `position` is
-- the last one given; events up to position `purged` are gone.
CREATE TABLE event_feed (
  id       BIGINT PRIMARY KEY CHECK (id = 1),
  epoch    TEXT COLLATE "C" NOT NULL,
  position BIGINT NOT NULL,
  purged   BIGINT NOT NULL
);
INSERT INTO event_feed (id, epoch, position, purged)
VALUES (1, replace(CAST(gen_random_uuid() AS TEXT), '-', ''), 0, 0);
