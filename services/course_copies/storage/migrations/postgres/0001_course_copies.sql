-- What outcomes knows of scheduling's courses: a copy, filled from scheduling's events and, where it
-- does not do, from its answers. It can be deleted at any time, with its row in followed_feeds, and is
-- listed anew.
--
-- Instants are microseconds since 1970-01-01 UTC (*_us), days are whole days since 1970-01-01 (*_day).
-- Enums have the contract's numbers. Rows of different tables come one by one, in no order: no foreign
-- keys.

CREATE TABLE course_copies (
  clinic_id        TEXT COLLATE "C" NOT NULL,
  course_id        TEXT COLLATE "C" NOT NULL,
  patient_hash     TEXT COLLATE "C" NOT NULL,  -- no identifier: only to tell whose courses are one patient's
  therapist_id     TEXT COLLATE "C" NOT NULL,
  variant_id       TEXT COLLATE "C" NOT NULL,
  indication       BIGINT NOT NULL,
  state            BIGINT NOT NULL,
  closed_us        BIGINT,
  closure_reason   BIGINT NOT NULL,
  drop_out         BIGINT NOT NULL,
  closed_early     BIGINT NOT NULL,
  time_zone        TEXT NOT NULL,
  planned_sessions BIGINT NOT NULL,
  duration_weeks   BIGINT NOT NULL,
  start_day        BIGINT,
  deadline_day     BIGINT,
  pauses           TEXT NOT NULL,    -- JSON: [[first_day, last_day], ...]
  phases           TEXT NOT NULL,    -- JSON: [[phase, first_session, last_session], ...]
  revision         BIGINT NOT NULL,  -- scheduling's
  listing          BIGINT NOT NULL,  -- the last one that had it
  copied_us        BIGINT NOT NULL,  -- it was so at this instant
  PRIMARY KEY (clinic_id, course_id)
);

CREATE TABLE course_session_copies (
  clinic_id    TEXT COLLATE "C" NOT NULL,
  course_id    TEXT COLLATE "C" NOT NULL,
  session_id   TEXT COLLATE "C" NOT NULL,
  therapist_id TEXT COLLATE "C" NOT NULL,
  number       BIGINT NOT NULL,
  phase        BIGINT NOT NULL,
  week         BIGINT NOT NULL,
  start_us     BIGINT NOT NULL,
  end_us       BIGINT NOT NULL,
  state        BIGINT NOT NULL,
  attendance   BIGINT NOT NULL,
  uses_session BIGINT NOT NULL,
  revision     BIGINT NOT NULL,
  listing      BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, course_id, session_id)
);
