-- Clinics, therapists, patients, courses and sessions.
--
-- Instants are microseconds since 1970-01-01 UTC (*_us); days are whole days since 1970-01-01 (*_day):
-- integers compare, sort and subtract alike on both engines. What is filtered or constrained is a
-- column; nested values are JSON texts, written and read by json_codec.cc alone. Booleans are 0 or 1.
-- Identifiers compare byte by byte (COLLATE "C"), as in SQLite.
--
-- Every primary key begins with the clinic: the unit of sharding, and the column on which row-level
-- security can be switched on.

-- A trusted extension: the database's owner may create it. Equality beside ranges in one index.
CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE clinics (
  clinic_id        TEXT COLLATE "C" NOT NULL,
  display_name     TEXT NOT NULL,
  time_zone        TEXT NOT NULL CHECK (time_zone <> ''),
  policy           TEXT NOT NULL,
  -- Moves on with every change of holidays or policy: forecasts made before are stale.
  calendar_version BIGINT NOT NULL DEFAULT 1,
  revision         BIGINT NOT NULL,
  created_us       BIGINT NOT NULL,
  updated_us       BIGINT NOT NULL,
  PRIMARY KEY (clinic_id)
);

CREATE TABLE holidays (
  clinic_id    TEXT COLLATE "C" NOT NULL REFERENCES clinics (clinic_id),
  day          BIGINT NOT NULL,
  display_name TEXT NOT NULL,
  revision     BIGINT NOT NULL,
  created_us   BIGINT NOT NULL,
  updated_us   BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, day)
);

CREATE TABLE therapists (
  clinic_id          TEXT COLLATE "C" NOT NULL REFERENCES clinics (clinic_id),
  therapist_id       TEXT COLLATE "C" NOT NULL,
  display_name       TEXT NOT NULL,
  time_zone          TEXT NOT NULL CHECK (time_zone <> ''),
  working_hours      TEXT NOT NULL,
  session_minutes    BIGINT CHECK (session_minutes > 0),
  buffer_minutes     BIGINT NOT NULL CHECK (buffer_minutes BETWEEN 0 AND 120),
  max_active_courses BIGINT CHECK (max_active_courses >= 0),
  languages          TEXT NOT NULL,
  variants           TEXT NOT NULL,
  active             BIGINT NOT NULL CHECK (active IN (0, 1)),
  revision           BIGINT NOT NULL,
  created_us         BIGINT NOT NULL,
  updated_us         BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, therapist_id)
);

-- Apart from the therapist, so that a booking rewrites a few bytes and holds nobody's row but this.
CREATE TABLE therapist_calendars (
  clinic_id    TEXT COLLATE "C" NOT NULL,
  therapist_id TEXT COLLATE "C" NOT NULL,
  version      BIGINT NOT NULL DEFAULT 1,
  PRIMARY KEY (clinic_id, therapist_id),
  FOREIGN KEY (clinic_id, therapist_id) REFERENCES therapists (clinic_id, therapist_id)
);

CREATE TABLE time_off (
  clinic_id    TEXT COLLATE "C" NOT NULL,
  therapist_id TEXT COLLATE "C" NOT NULL,
  time_off_id  TEXT COLLATE "C" NOT NULL,
  start_us     BIGINT NOT NULL,
  end_us       BIGINT NOT NULL,
  first_day    BIGINT,
  last_day     BIGINT,
  reason       BIGINT NOT NULL,
  revision     BIGINT NOT NULL,
  created_us   BIGINT NOT NULL,
  updated_us   BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, therapist_id, time_off_id),
  FOREIGN KEY (clinic_id, therapist_id) REFERENCES therapists (clinic_id, therapist_id),
  CONSTRAINT time_off_span CHECK (end_us > start_us),
  CONSTRAINT time_off_days CHECK ((first_day IS NULL) = (last_day IS NULL) AND last_day >= first_day)
);
CREATE INDEX time_off_by_start ON time_off (clinic_id, therapist_id, start_us, time_off_id);

CREATE TABLE extra_hours (
  clinic_id      TEXT COLLATE "C" NOT NULL,
  therapist_id   TEXT COLLATE "C" NOT NULL,
  extra_hours_id TEXT COLLATE "C" NOT NULL,
  start_us       BIGINT NOT NULL,
  end_us         BIGINT NOT NULL,
  revision       BIGINT NOT NULL,
  created_us     BIGINT NOT NULL,
  updated_us     BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, therapist_id, extra_hours_id),
  FOREIGN KEY (clinic_id, therapist_id) REFERENCES therapists (clinic_id, therapist_id),
  CONSTRAINT extra_hours_span CHECK (end_us > start_us)
);
CREATE INDEX extra_hours_by_start ON extra_hours (clinic_id, therapist_id, start_us, extra_hours_id);

-- References into the hospital's own systems; nothing else of a patient is kept.
CREATE TABLE patients (
  clinic_id  TEXT COLLATE "C" NOT NULL REFERENCES clinics (clinic_id),
  patient_id TEXT COLLATE "C" NOT NULL,
  system     TEXT COLLATE "C" NOT NULL,
  value      TEXT COLLATE "C" NOT NULL,
  created_us BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, patient_id),
  CONSTRAINT patients_identifier UNIQUE (clinic_id, system, value)
);

CREATE TABLE courses (
  clinic_id              TEXT COLLATE "C" NOT NULL,
  course_id              TEXT COLLATE "C" NOT NULL,
  patient_id             TEXT COLLATE "C" NOT NULL,
  therapist_id           TEXT COLLATE "C" NOT NULL,
  variant_id             TEXT COLLATE "C" NOT NULL,
  indication             BIGINT NOT NULL,
  state                  BIGINT NOT NULL CHECK (state BETWEEN 1 AND 5),
  open                   BIGINT NOT NULL CHECK (open IN (0, 1)),
  planned_sessions       BIGINT NOT NULL CHECK (planned_sessions >= 0),
  duration_weeks         BIGINT NOT NULL CHECK (duration_weeks >= 0),
  cadence_days           BIGINT NOT NULL CHECK (cadence_days >= 0),
  cadence_tolerance_days BIGINT NOT NULL CHECK (cadence_tolerance_days >= 0),
  modality               BIGINT NOT NULL,
  time_zone              TEXT NOT NULL CHECK (time_zone <> ''),
  session_minutes        BIGINT NOT NULL CHECK (session_minutes >= 0),
  allow_concurrent       BIGINT NOT NULL CHECK (allow_concurrent IN (0, 1)),
  details                TEXT NOT NULL,  -- windows, pauses, closure, changes
  -- Derived from the course, its sessions and the calendars.
  derived                TEXT NOT NULL,  -- progress, forecast
  deadline_day           BIGINT NOT NULL,
  forecast_state         BIGINT NOT NULL CHECK (forecast_state BETWEEN 0 AND 4),  -- 0: no forecast
  valid_until_us         BIGINT NOT NULL,
  therapist_calendar_version BIGINT NOT NULL,
  clinic_calendar_version    BIGINT NOT NULL,
  revision               BIGINT NOT NULL,
  created_us             BIGINT NOT NULL,
  updated_us             BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, course_id),
  FOREIGN KEY (clinic_id, patient_id) REFERENCES patients (clinic_id, patient_id),
  FOREIGN KEY (clinic_id, therapist_id) REFERENCES therapists (clinic_id, therapist_id),
  CONSTRAINT courses_open CHECK ((open = 1) = (state IN (1, 2, 3)))
);
-- One open course a patient, unless one of the two allows the other beside it: so at most one open
-- course of a patient does not allow it.
CREATE UNIQUE INDEX courses_one_open ON courses (clinic_id, patient_id)
  WHERE open = 1 AND allow_concurrent = 0;
CREATE INDEX courses_by_patient ON courses (clinic_id, patient_id, course_id);
CREATE INDEX courses_by_therapist ON courses (clinic_id, therapist_id, course_id);
-- The last two columns are there to be filtered by without reading the rows.
CREATE INDEX courses_open_by_id ON courses (clinic_id, course_id, forecast_state, deadline_day)
  WHERE open = 1;
-- Whose derived values are stale: by age, by a therapist's calendar, by the clinic's.
CREATE INDEX courses_open_by_age ON courses (valid_until_us) WHERE open = 1;
CREATE INDEX courses_open_by_therapist_calendar
  ON courses (clinic_id, therapist_id, therapist_calendar_version) WHERE open = 1;
CREATE INDEX courses_open_by_clinic_calendar ON courses (clinic_id, clinic_calendar_version)
  WHERE open = 1;

CREATE TABLE sessions (
  clinic_id        TEXT COLLATE "C" NOT NULL,
  course_id        TEXT COLLATE "C" NOT NULL,
  session_id       TEXT COLLATE "C" NOT NULL,
  therapist_id     TEXT COLLATE "C" NOT NULL,
  patient_id       TEXT COLLATE "C" NOT NULL,
  start_us         BIGINT NOT NULL,
  end_us           BIGINT NOT NULL,
  blocked_until_us BIGINT NOT NULL,  -- the therapist's end: with the buffer
  blocking         BIGINT NOT NULL CHECK (blocking IN (0, 1)),
  time_zone        TEXT NOT NULL,
  state            BIGINT NOT NULL CHECK (state BETWEEN 1 AND 4),
  modality         BIGINT NOT NULL,
  location         TEXT NOT NULL,
  uses_session     BIGINT NOT NULL CHECK (uses_session IN (0, 1)),
  sequence         BIGINT NOT NULL,
  details          TEXT NOT NULL,  -- attendance, cancellation, changes
  session_number   BIGINT NOT NULL,
  phase            BIGINT NOT NULL,
  week_number      BIGINT NOT NULL,
  revision         BIGINT NOT NULL,
  created_us       BIGINT NOT NULL,
  updated_us       BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, course_id, session_id),
  -- The course vouches for patient and therapist.
  FOREIGN KEY (clinic_id, course_id) REFERENCES courses (clinic_id, course_id),
  -- At most 240 minutes, and 120 of buffer: whoever looks for overlaps need look back no further.
  CONSTRAINT sessions_span CHECK (end_us > start_us AND end_us - start_us <= 14400000000),
  CONSTRAINT sessions_buffer
    CHECK (blocking = 0 OR (blocked_until_us >= end_us AND blocked_until_us - end_us <= 7200000000)),
  -- No double booking, by construction: at any concurrency, whoever writes. The most selective
  -- column comes first: GiST splits its pages by it.
  CONSTRAINT sessions_therapist_free EXCLUDE USING gist (
    therapist_id WITH =, clinic_id WITH =, int8range(start_us, blocked_until_us) WITH &&)
    WHERE (blocking = 1),
  CONSTRAINT sessions_patient_free EXCLUDE USING gist (
    patient_id WITH =, clinic_id WITH =, int8range(start_us, end_us) WITH &&)
    WHERE (blocking = 1)
);
CREATE INDEX sessions_by_start ON sessions (clinic_id, start_us, course_id, session_id);
CREATE INDEX sessions_by_therapist
  ON sessions (clinic_id, therapist_id, start_us, course_id, session_id);
CREATE INDEX sessions_blocking_patient ON sessions (clinic_id, patient_id, start_us)
  WHERE blocking = 1;
-- The work list of past sessions without attendance.
CREATE INDEX sessions_booked_by_start ON sessions (clinic_id, start_us, course_id, session_id)
  WHERE state = 1;
