-- Identifiers compare byte by byte (COLLATE "C"), as SQLite does: pages come out in the same order on
-- both engines, and prefixes can use an index whatever the database's locale.

-- The answer given to each request, for as long as it may be sent again.
CREATE TABLE idempotency (
  clinic_id    TEXT COLLATE "C" NOT NULL,
  caller       TEXT COLLATE "C" NOT NULL,
  method       TEXT COLLATE "C" NOT NULL,
  request_id   TEXT COLLATE "C" NOT NULL,
  request_hash BYTEA NOT NULL,
  response     BYTEA NOT NULL,
  created_us   BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, caller, method, request_id)
);
CREATE INDEX idempotency_by_age ON idempotency (created_us);

-- Events, in the transaction of what they tell. `seq` is the order of insertion on this store, which
-- is not the order of commits; the relay gives `position`.
CREATE TABLE outbox (
  seq        BIGINT GENERATED ALWAYS AS IDENTITY,
  clinic_id  TEXT COLLATE "C" NOT NULL,
  event_id   TEXT COLLATE "C" NOT NULL,
  position   BIGINT,
  subject    TEXT COLLATE "C" NOT NULL,
  kind       TEXT COLLATE "C" NOT NULL,
  payload    BYTEA NOT NULL,
  at_us      BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, event_id)
);
CREATE INDEX outbox_by_seq ON outbox (clinic_id, seq);
CREATE INDEX outbox_unpublished ON outbox (seq) WHERE position IS NULL;

CREATE TABLE audit_entries (
  clinic_id  TEXT COLLATE "C" NOT NULL,
  entry_id   TEXT COLLATE "C" NOT NULL,
  at_us      BIGINT NOT NULL,
  last_us    BIGINT NOT NULL,  -- of the last read that was folded in
  caller     TEXT COLLATE "C" NOT NULL,
  method     TEXT COLLATE "C" NOT NULL,
  action     BIGINT NOT NULL CHECK (action IN (1, 2)),  -- 1 read, 2 write
  resource   TEXT COLLATE "C" NOT NULL,
  request_id TEXT COLLATE "C" NOT NULL,
  outcome    TEXT COLLATE "C" NOT NULL,
  count      BIGINT NOT NULL,  -- equal reads that this entry stands for
  PRIMARY KEY (clinic_id, at_us, entry_id)
);
CREATE INDEX audit_by_resource ON audit_entries (clinic_id, resource, at_us);
CREATE INDEX audit_by_age ON audit_entries (at_us);

-- A sequence takes no lock that writers would wait for.
CREATE SEQUENCE revision_counter AS BIGINT START 1 CACHE 1;
