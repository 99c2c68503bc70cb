-- Instruments of a clinic's own, what it decided of all instruments, its policy, and measurements.

-- Writers of a scope go one after the other by its row: a course's, or (course_id '') those of the
-- clinic's instruments and policy.
CREATE TABLE write_scopes (
  clinic_id TEXT COLLATE "C" NOT NULL,
  course_id TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (clinic_id, course_id)
);

-- A row is never changed: an edit is another version.
CREATE TABLE instruments (
  clinic_id     TEXT COLLATE "C" NOT NULL,
  instrument_id TEXT COLLATE "C" NOT NULL,
  version       BIGINT NOT NULL CHECK (version >= 1),
  origin        BIGINT NOT NULL,
  definition    TEXT NOT NULL,   -- what scores
  respondents   TEXT NOT NULL,
  risk_rules    TEXT NOT NULL,
  stated        BYTEA NOT NULL,  -- as it was registered
  caller        TEXT NOT NULL,
  revision      BIGINT NOT NULL,
  created_us    BIGINT NOT NULL,
  updated_us    BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, instrument_id, version)
);

-- Of the suite's instruments, too. No row: in use.
CREATE TABLE instrument_uses (
  clinic_id     TEXT COLLATE "C" NOT NULL,
  instrument_id TEXT COLLATE "C" NOT NULL,
  version       BIGINT NOT NULL,
  retired       BIGINT NOT NULL CHECK (retired IN (0, 1)),
  retired_us    BIGINT NOT NULL,
  reason        TEXT NOT NULL,
  revision      BIGINT NOT NULL,
  created_us    BIGINT NOT NULL,
  updated_us    BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, instrument_id, version)
);

-- A clinic without a row has the suite's defaults.
CREATE TABLE outcome_policies (
  clinic_id  TEXT COLLATE "C" NOT NULL,
  version    BIGINT NOT NULL CHECK (version >= 1),
  policy     TEXT NOT NULL,
  revision   BIGINT NOT NULL,
  created_us BIGINT NOT NULL,
  updated_us BIGINT NOT NULL,
  PRIMARY KEY (clinic_id)
);

-- The present revision of each.
CREATE TABLE measurements (
  clinic_id       TEXT COLLATE "C" NOT NULL,
  course_id       TEXT COLLATE "C" NOT NULL,
  measurement_id  TEXT COLLATE "C" NOT NULL,
  instrument_id   TEXT COLLATE "C" NOT NULL,
  state           BIGINT NOT NULL CHECK (state BETWEEN 1 AND 3),  -- 3 taken back: counts nowhere
  respondent      BIGINT NOT NULL,
  occasion        BIGINT NOT NULL,
  completed_us    BIGINT NOT NULL,
  external_id     TEXT COLLATE "C",
  unsettled       BIGINT NOT NULL CHECK (unsettled IN (0, 1)),  -- something is unverified, or wrong
  risk            BIGINT NOT NULL CHECK (risk IN (0, 1)),       -- a rule fired, or is unknown
  invalid         BIGINT NOT NULL CHECK (invalid IN (0, 1)),    -- its total
  revision_number BIGINT NOT NULL CHECK (revision_number >= 1),
  document        TEXT NOT NULL,
  revision        BIGINT NOT NULL,
  created_us      BIGINT NOT NULL,
  updated_us      BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, course_id, measurement_id)
);
CREATE INDEX measurements_by_completion
  ON measurements (clinic_id, completed_us, course_id, measurement_id);
CREATE INDEX measurements_of_course
  ON measurements (clinic_id, course_id, completed_us, measurement_id);
CREATE INDEX measurements_of_series
  ON measurements (clinic_id, course_id, instrument_id, respondent, completed_us) WHERE state <> 3;
CREATE UNIQUE INDEX measurements_by_external_id
  ON measurements (clinic_id, external_id) WHERE external_id IS NOT NULL AND state <> 3;

-- The revisions before it. Rows are never changed.
CREATE TABLE measurement_revisions (
  clinic_id       TEXT COLLATE "C" NOT NULL,
  course_id       TEXT COLLATE "C" NOT NULL,
  measurement_id  TEXT COLLATE "C" NOT NULL,
  revision_number BIGINT NOT NULL,
  document        TEXT NOT NULL,
  revision        BIGINT NOT NULL,
  created_us      BIGINT NOT NULL,
  updated_us      BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, course_id, measurement_id, revision_number)
);
