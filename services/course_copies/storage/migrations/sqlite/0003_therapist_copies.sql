-- Whether therapists work and when they are away: why they are is not copied. Until a clinic's lists were
-- read with its therapists (link/scheduling_source.cc) nothing is known of them.
CREATE TABLE therapist_copies (
  clinic_id    TEXT NOT NULL,
  therapist_id TEXT NOT NULL,
  active       BIGINT NOT NULL CHECK (active IN (0, 1)),
  revision     BIGINT NOT NULL,  -- scheduling's
  listing      BIGINT NOT NULL,  -- the last one that had it
  copied_us    BIGINT NOT NULL,  -- it was so at this instant
  PRIMARY KEY (clinic_id, therapist_id)
) WITHOUT ROWID;

CREATE TABLE time_off_copies (
  clinic_id    TEXT NOT NULL,
  therapist_id TEXT NOT NULL,
  time_off_id  TEXT NOT NULL,
  start_us     BIGINT NOT NULL,
  end_us       BIGINT NOT NULL,
  revision     BIGINT NOT NULL,
  listing      BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, therapist_id, time_off_id)
) WITHOUT ROWID;
