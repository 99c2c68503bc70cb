-- Reminders: what a clinic sends and when, what patients want, the queue and its attempts.
--
-- The queue's truth is here. Whatever stands in front of it (an index in memory or in Redis) holds
-- ids only, and may be lost.

-- Moves on with every change of the clinic's reminder policy; reminders made by an older one are not
-- given out until their course has been looked at again.
ALTER TABLE clinics ADD COLUMN reminder_version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE courses ADD COLUMN reminder_version BIGINT NOT NULL DEFAULT 0;
-- Of what the course is to remind of, so that its rows are only read when that changes.
ALTER TABLE courses ADD COLUMN reminder_digest BIGINT NOT NULL DEFAULT 0;
CREATE INDEX courses_open_by_reminder_version ON courses (clinic_id, reminder_version)
  WHERE open = 1;

-- The clinic's own has course_id ''. A clinic without a row has the suite's default.
CREATE TABLE reminder_policies (
  clinic_id  TEXT NOT NULL REFERENCES clinics (clinic_id),
  course_id  TEXT NOT NULL,
  policy     TEXT NOT NULL,
  revision   BIGINT NOT NULL,
  updated_us BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, course_id)
) WITHOUT ROWID;

CREATE TABLE contact_preferences (
  clinic_id    TEXT NOT NULL,
  patient_id   TEXT NOT NULL,
  opted_out    BIGINT NOT NULL,  -- channels, bit 1 << number
  language     TEXT NOT NULL,
  time_zone    TEXT NOT NULL,
  gone         BIGINT NOT NULL CHECK (gone IN (0, 1)),
  revision     BIGINT NOT NULL,
  updated_us   BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, patient_id),
  FOREIGN KEY (clinic_id, patient_id) REFERENCES patients (clinic_id, patient_id) ON DELETE CASCADE
) WITHOUT ROWID;

-- Whether a clinic sends, and how fast. No row: it does, at any pace.
CREATE TABLE reminder_sending (
  clinic_id      TEXT NOT NULL REFERENCES clinics (clinic_id),
  paused         BIGINT NOT NULL CHECK (paused IN (0, 1)),
  max_per_minute BIGINT NOT NULL CHECK (max_per_minute >= 0),
  reason         TEXT NOT NULL,
  caller         TEXT NOT NULL,
  window_us      BIGINT NOT NULL,  -- the minute that window_used counts in
  window_used    BIGINT NOT NULL,
  revision       BIGINT NOT NULL,
  updated_us     BIGINT NOT NULL,
  PRIMARY KEY (clinic_id)
) WITHOUT ROWID;

-- With rowids: SQLite would rather walk through all of a clinic under a primary key that holds the
-- rows than look one up through another index.
CREATE TABLE reminders (
  clinic_id      TEXT NOT NULL,
  reminder_id    TEXT NOT NULL,
  course_id      TEXT NOT NULL,
  session_id     TEXT NOT NULL,  -- '' where it is about no session
  therapist_id   TEXT NOT NULL,
  patient_id     TEXT NOT NULL,
  kind           BIGINT NOT NULL,
  audience       BIGINT NOT NULL,
  -- Which of its kind: minutes or weeks before, and the count of a repeating one.
  offset_minutes BIGINT NOT NULL,
  occurrence     BIGINT NOT NULL,
  test           BIGINT NOT NULL CHECK (test IN (0, 1)),
  -- Grows each time that what is to be sent, or when, changes.
  generation     BIGINT NOT NULL,
  due_us         BIGINT NOT NULL,
  not_after_us   BIGINT NOT NULL,  -- never sent from then on
  state          BIGINT NOT NULL CHECK (state BETWEEN 1 AND 6),
  why_not        BIGINT NOT NULL,
  -- SCHEDULED: when it may next be leased. LEASED: when the lease ends. Else meaningless.
  next_us        BIGINT NOT NULL,
  -- The recipient's quiet hours in minutes of their wall clock, equal where there are none; and when
  -- the ones that follow next_us begin: not leased at or after it, but given another next_us first.
  quiet_start    BIGINT NOT NULL,
  quiet_end      BIGINT NOT NULL,
  quiet_us       BIGINT NOT NULL,
  attempt        BIGINT NOT NULL,
  max_attempts   BIGINT NOT NULL,
  -- 1: dead, not leased again, once a lease ended without a word.
  hold_unknown   BIGINT NOT NULL CHECK (hold_unknown IN (0, 1)),
  -- The newest lease's; grows over the whole store.
  lease_token    BIGINT NOT NULL,
  channels       TEXT NOT NULL,    -- numbers by preference, "1,2"
  channel_mask   BIGINT NOT NULL,  -- the same as bits 1 << number
  template       TEXT NOT NULL,
  language       TEXT NOT NULL,
  variables      TEXT NOT NULL,
  note           TEXT NOT NULL DEFAULT '',  -- why a person dropped it
  -- The clinic's reminder_version that it was made by.
  policy_version BIGINT NOT NULL,
  sent_us        BIGINT,
  delivery       BIGINT NOT NULL,
  delivery_us    BIGINT,
  created_us     BIGINT NOT NULL,
  updated_us     BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, reminder_id),
  FOREIGN KEY (clinic_id, course_id) REFERENCES courses (clinic_id, course_id)
);
-- One of each; tests are told apart by their occurrence.
CREATE UNIQUE INDEX reminders_one_each ON reminders
  (clinic_id, course_id, session_id, kind, audience, offset_minutes, occurrence);
-- The queue: what is to be looked at next, and which clinic's.
CREATE INDEX reminders_queue ON reminders (clinic_id, next_us, reminder_id) WHERE state IN (1, 2);
CREATE INDEX reminders_queue_expiry ON reminders (not_after_us) WHERE state = 1;
-- The same condition in other words, which are asked for where this index and no other is to serve.
CREATE INDEX reminders_of_course ON reminders (clinic_id, course_id, state, due_us)
  WHERE state < 3;
CREATE INDEX reminders_leased ON reminders (next_us) WHERE state = 2;
CREATE INDEX reminders_by_due ON reminders (clinic_id, due_us, reminder_id);
CREATE INDEX reminders_dead ON reminders (clinic_id, due_us, reminder_id) WHERE state = 4;
CREATE INDEX reminders_by_age ON reminders (updated_us) WHERE state NOT IN (1, 2);

-- Written with the lease, before the gateway is given anything.
CREATE TABLE reminder_attempts (
  clinic_id   TEXT NOT NULL,
  reminder_id TEXT NOT NULL,
  generation  BIGINT NOT NULL,
  attempt     BIGINT NOT NULL,
  lease_token BIGINT NOT NULL,
  caller      TEXT NOT NULL,
  leased_us   BIGINT NOT NULL,
  ended_us    BIGINT,
  outcome     BIGINT NOT NULL,
  reason      TEXT NOT NULL,
  PRIMARY KEY (clinic_id, reminder_id, generation, attempt)
) WITHOUT ROWID;
CREATE INDEX reminder_attempts_by_age ON reminder_attempts (leased_us);

-- Names this store's contents to whatever indexes the queue.
CREATE TABLE reminder_queue_epoch (
  id    BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
  epoch TEXT NOT NULL
);
INSERT INTO reminder_queue_epoch (id, epoch) VALUES (1, lower(hex(randomblob(16))));

-- What the planner may expect, as for the tables of 0001: without it, it takes a clinic for ten
-- reminders and walks through all of them for each one that is to be changed.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('courses', 'courses_open_by_reminder_version', '10000 200 100'),
  ('contact_preferences', 'contact_preferences', '20000 400 1'),
  ('reminder_policies', 'reminder_policies', '100 2 1'),
  ('reminder_sending', 'reminder_sending', '50 1'),
  ('reminders', 'sqlite_autoindex_reminders_1', '600000 12000 1'),
  ('reminders', 'reminders_one_each', '600000 12000 10 2 1 1 1 1'),
  ('reminders', 'reminders_queue', '60000 1200 2 1'),
  ('reminders', 'reminders_queue_expiry', '60000 2'),
  ('reminders', 'reminders_of_course', '60000 1200 6 6 1'),
  ('reminders', 'reminders_leased', '100 1'),
  ('reminders', 'reminders_by_due', '600000 12000 2 1'),
  ('reminders', 'reminders_dead', '500 10 1 1'),
  ('reminders', 'reminders_by_age', '540000 2');
ANALYZE sqlite_schema;
