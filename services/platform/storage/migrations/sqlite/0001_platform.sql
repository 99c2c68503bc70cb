-- The answer given to each request, for as long as it may be sent again.
CREATE TABLE idempotency (
  clinic_id    TEXT NOT NULL,
  caller       TEXT NOT NULL,
  method       TEXT NOT NULL,
  request_id   TEXT NOT NULL,
  request_hash BLOB NOT NULL,
  response     BLOB NOT NULL,
  created_us   BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, caller, method, request_id)
) WITHOUT ROWID;
CREATE INDEX idempotency_by_age ON idempotency (created_us);

-- Events, in the transaction of what they tell. `seq` is the order of insertion on this store, which
-- is not the order of commits; the relay gives `position`.
CREATE TABLE outbox (
  seq        INTEGER PRIMARY KEY AUTOINCREMENT,
  clinic_id  TEXT NOT NULL,
  event_id   TEXT NOT NULL,
  position   BIGINT,
  subject    TEXT NOT NULL,
  kind       TEXT NOT NULL,
  payload    BLOB NOT NULL,
  at_us      BIGINT NOT NULL,
  UNIQUE (clinic_id, event_id)
);
CREATE INDEX outbox_by_seq ON outbox (clinic_id, seq);
CREATE INDEX outbox_unpublished ON outbox (seq) WHERE position IS NULL;

CREATE TABLE audit_entries (
  clinic_id  TEXT NOT NULL,
  entry_id   TEXT NOT NULL,
  at_us      BIGINT NOT NULL,
  last_us    BIGINT NOT NULL,  -- of the last read that was folded in
  caller     TEXT NOT NULL,
  method     TEXT NOT NULL,
  action     BIGINT NOT NULL CHECK (action IN (1, 2)),  -- 1 read, 2 write
  resource   TEXT NOT NULL,
  request_id TEXT NOT NULL,
  outcome    TEXT NOT NULL,
  count      BIGINT NOT NULL,  -- equal reads that this entry stands for
  PRIMARY KEY (clinic_id, at_us, entry_id)
) WITHOUT ROWID;
CREATE INDEX audit_by_resource ON audit_entries (clinic_id, resource, at_us);
CREATE INDEX audit_by_age ON audit_entries (at_us);

-- The last revision handed out: one row, changed only by the single writer.
CREATE TABLE revision_counter (
  id    BIGINT PRIMARY KEY CHECK (id = 1),
  value BIGINT NOT NULL
);
INSERT INTO revision_counter (id, value) VALUES (1, 0);
