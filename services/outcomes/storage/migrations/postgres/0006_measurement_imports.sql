-- Imports of measurements: how far each is, written with its rows.
CREATE TABLE measurement_imports (
  clinic_id         TEXT COLLATE "C" NOT NULL,
  import_id         TEXT COLLATE "C" NOT NULL,
  display_name      TEXT NOT NULL,
  history_before_us BIGINT,
  validate_only     BIGINT NOT NULL CHECK (validate_only IN (0, 1)),
  holder            TEXT NOT NULL,  -- the stream that goes on with it
  next_row          BIGINT NOT NULL CHECK (next_row >= 1),
  recorded_rows     BIGINT NOT NULL,
  known_rows        BIGINT NOT NULL,
  failed_rows       BIGINT NOT NULL,
  alerts            BIGINT NOT NULL,
  complete          BIGINT NOT NULL CHECK (complete IN (0, 1)),
  created_us        BIGINT NOT NULL,
  updated_us        BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, import_id)
);
CREATE INDEX measurement_imports_by_age ON measurement_imports (updated_us);

-- Why rows failed: told again to whoever opens the import again.
CREATE TABLE measurement_import_errors (
  clinic_id     TEXT COLLATE "C" NOT NULL,
  import_id     TEXT COLLATE "C" NOT NULL,
  row_of_import BIGINT NOT NULL,
  document      TEXT NOT NULL,
  PRIMARY KEY (clinic_id, import_id, row_of_import)
);

-- Exports go by revision.
CREATE INDEX measurements_by_revision
  ON measurements (clinic_id, revision, course_id, measurement_id);

-- What updates wrote over, for exports of a revision before.
CREATE TABLE measurement_states (
  clinic_id      TEXT COLLATE "C" NOT NULL,
  course_id      TEXT COLLATE "C" NOT NULL,
  measurement_id TEXT COLLATE "C" NOT NULL,
  instrument_id  TEXT COLLATE "C" NOT NULL,
  state          BIGINT NOT NULL,
  respondent     BIGINT NOT NULL,
  occasion       BIGINT NOT NULL,
  completed_us   BIGINT NOT NULL,
  unsettled      BIGINT NOT NULL,
  risk           BIGINT NOT NULL,
  invalid        BIGINT NOT NULL,
  document       TEXT NOT NULL,
  revision       BIGINT NOT NULL,
  created_us     BIGINT NOT NULL,
  updated_us     BIGINT NOT NULL,
  until_revision BIGINT NOT NULL,
  until_us       BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, revision, course_id, measurement_id)
);
CREATE INDEX measurement_states_by_age ON measurement_states (until_us);
