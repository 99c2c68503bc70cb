-- Alerts: what a clinician has to see to, to whom it goes, and who listens.
--
-- The truth of an alert is here, its next escalation included: nothing that wakes anybody is needed
-- for it.

-- "therapists/{id}" or "desks/{id}" stands for a recipient.
CREATE TABLE alerts (
  clinic_id            TEXT COLLATE "C" NOT NULL,
  alert_id             TEXT COLLATE "C" NOT NULL,
  course_id            TEXT COLLATE "C" NOT NULL,
  kind                 BIGINT NOT NULL CHECK (kind BETWEEN 1 AND 4),  -- 4: REVIEW, no risk
  state                BIGINT NOT NULL CHECK (state BETWEEN 1 AND 4),
  measurement_id       TEXT COLLATE "C" NOT NULL,  -- '' where it is about none
  measurement_revision BIGINT NOT NULL,
  instrument_id        TEXT COLLATE "C" NOT NULL,
  instrument_version   BIGINT NOT NULL,
  rule                 TEXT NOT NULL,
  rule_version         BIGINT NOT NULL,
  item                 TEXT NOT NULL,
  points               DOUBLE PRECISION,
  signal_level         BIGINT NOT NULL,
  completed_us         BIGINT,
  raised_us            BIGINT NOT NULL,
  therapist_id         TEXT COLLATE "C" NOT NULL,  -- '' while it is not known
  owner                TEXT COLLATE "C" NOT NULL CHECK (owner <> ''),
  assignee             TEXT COLLATE "C" NOT NULL CHECK (assignee <> ''),
  level                BIGINT NOT NULL,
  step                 BIGINT NOT NULL,
  -- When it goes on by itself. A restart finds it here.
  escalate_us          BIGINT,
  acknowledged_us      BIGINT,
  acknowledged_by      TEXT NOT NULL,
  basis                BIGINT NOT NULL CHECK (basis BETWEEN 1 AND 3),
  measurement_error    BIGINT NOT NULL,
  -- Of the first response to a listener. Moves no revision.
  first_sent_us        BIGINT,
  patient_system       TEXT,
  patient_value        TEXT,
  unverified           TEXT NOT NULL,  -- numbers, "1,5"
  details              TEXT NOT NULL,  -- resolution, changes
  revision             BIGINT NOT NULL,
  updated_us           BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, alert_id),
  CHECK (state <> 4 OR escalate_us IS NULL),
  -- Risk that nobody has taken on goes on some time, whatever happens.
  CHECK (kind = 4 OR state > 2 OR escalate_us IS NOT NULL)
);
-- One answer raises one alert, however often the write is tried.
CREATE UNIQUE INDEX alerts_one_each ON alerts
  (clinic_id, course_id, measurement_id, measurement_revision, kind, rule, item)
  WHERE measurement_id <> '';
CREATE INDEX alerts_by_raise ON alerts (clinic_id, raised_us, alert_id);
CREATE INDEX alerts_unresolved ON alerts (clinic_id, raised_us, alert_id) WHERE state < 4;
CREATE INDEX alerts_of_course ON alerts (clinic_id, course_id, raised_us, alert_id);
CREATE INDEX alerts_due ON alerts (escalate_us, clinic_id, alert_id) WHERE escalate_us IS NOT NULL;
CREATE INDEX alerts_waiting ON alerts (clinic_id, assignee, raised_us, alert_id)
  WHERE state < 3 AND kind < 4;
-- Enough to count what waits and to say with whom it is, however many were resolved.
CREATE INDEX alerts_risk ON alerts (clinic_id, state, assignee, raised_us, first_sent_us)
  WHERE state < 4 AND kind < 4;

-- Whatever is deleted by age or by mistake: not this.
CREATE FUNCTION alerts_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'alerts_stay';
END $$;
CREATE TRIGGER alerts_stay BEFORE DELETE ON alerts FOR EACH ROW WHEN (OLD.state < 4)
  EXECUTE FUNCTION alerts_stay();

-- The clinic's own has therapist_id ''. A clinic without a row has the suite's default.
CREATE TABLE alert_routings (
  clinic_id       TEXT COLLATE "C" NOT NULL,
  therapist_id    TEXT COLLATE "C" NOT NULL,
  owner           TEXT COLLATE "C" NOT NULL,  -- '': the course's therapist
  cover           TEXT NOT NULL,
  steps           TEXT NOT NULL,
  resolve_minutes BIGINT,
  away_until_us   BIGINT,
  revision        BIGINT NOT NULL,
  updated_us      BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, therapist_id)
);

-- Streams that listen, of all replicas. A row runs out by itself.
CREATE TABLE alert_listeners (
  clinic_id   TEXT COLLATE "C" NOT NULL,
  listener_id TEXT COLLATE "C" NOT NULL,
  label       TEXT NOT NULL,
  caller      TEXT NOT NULL,
  recipients  TEXT NOT NULL,  -- []: all
  since_us    BIGINT NOT NULL,
  last_us     BIGINT NOT NULL,
  expires_us  BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, listener_id)
);
CREATE INDEX alert_listeners_by_end ON alert_listeners (expires_us);

-- What a clinic's coverage was last found to be, and when nobody listened (to_us unset: since then).
CREATE TABLE alert_coverage (
  clinic_id TEXT COLLATE "C" NOT NULL,
  state     BIGINT NOT NULL CHECK (state BETWEEN 1 AND 3),
  since_us  BIGINT NOT NULL,
  PRIMARY KEY (clinic_id)
);
CREATE TABLE alert_uncovered (
  clinic_id TEXT COLLATE "C" NOT NULL,
  from_us   BIGINT NOT NULL,
  to_us     BIGINT,
  PRIMARY KEY (clinic_id, from_us)
);
CREATE INDEX alert_uncovered_by_end ON alert_uncovered (to_us) WHERE to_us IS NOT NULL;
