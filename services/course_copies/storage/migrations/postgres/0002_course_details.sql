-- 0: not known, until scheduling tells of the course again.
ALTER TABLE course_copies ADD COLUMN cadence_days BIGINT NOT NULL DEFAULT 0;
ALTER TABLE course_copies ADD COLUMN created_us BIGINT NOT NULL DEFAULT 0;

-- A clinic's open courses, those closed of late, and whose patients have died.
CREATE INDEX course_copies_open ON course_copies (clinic_id, state) WHERE state NOT IN (4, 5);
CREATE INDEX course_copies_closed ON course_copies (clinic_id, closed_us) WHERE state IN (4, 5);
CREATE INDEX course_copies_deceased ON course_copies (clinic_id, closure_reason, patient_hash)
  WHERE closure_reason = 7;
