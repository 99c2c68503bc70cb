-- What is asked for, and when: a clinic's plans, and those of single courses.

CREATE TABLE measurement_plans (
  clinic_id  TEXT NOT NULL,
  plan_id    TEXT NOT NULL,
  document   TEXT NOT NULL,
  revision   BIGINT NOT NULL,
  created_us BIGINT NOT NULL,
  updated_us BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, plan_id)
) WITHOUT ROWID;

-- A course without a row follows the clinic's; so does one whose own was taken away, which is kept
-- so that what asked before it and goes on asking is known.
CREATE TABLE course_plans (
  clinic_id  TEXT NOT NULL,
  course_id  TEXT NOT NULL,
  document   TEXT NOT NULL,
  revision   BIGINT NOT NULL,
  created_us BIGINT NOT NULL,
  updated_us BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, course_id)
) WITHOUT ROWID;

-- Beside the document, so that what is due is found without reading all of them. '': none.
ALTER TABLE measurements ADD COLUMN session_id TEXT NOT NULL DEFAULT '';
UPDATE measurements SET session_id = COALESCE(json_extract(document, '$.session'), '');

-- 0: not known, until scheduling tells of the course again.
ALTER TABLE course_copies ADD COLUMN cadence_days BIGINT NOT NULL DEFAULT 0;
ALTER TABLE course_copies ADD COLUMN created_us BIGINT NOT NULL DEFAULT 0;

-- What is due in a clinic: its open courses, those closed of late, and whose patients have died.
CREATE INDEX course_copies_open ON course_copies (clinic_id, state) WHERE state NOT IN (4, 5);
CREATE INDEX course_copies_closed ON course_copies (clinic_id, closed_us) WHERE state IN (4, 5);
CREATE INDEX course_copies_deceased ON course_copies (clinic_id, closure_reason, patient_hash)
  WHERE closure_reason = 7;
