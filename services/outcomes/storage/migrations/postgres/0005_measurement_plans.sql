-- What is asked for, and when: a clinic's plans, and those of single courses.

CREATE TABLE measurement_plans (
  clinic_id  TEXT COLLATE "C" NOT NULL,
  plan_id    TEXT COLLATE "C" NOT NULL,
  document   TEXT NOT NULL,
  revision   BIGINT NOT NULL,
  created_us BIGINT NOT NULL,
  updated_us BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, plan_id)
);

-- A course without a row follows the clinic's.
CREATE TABLE course_plans (
  clinic_id  TEXT COLLATE "C" NOT NULL,
  course_id  TEXT COLLATE "C" NOT NULL,
  document   TEXT NOT NULL,
  revision   BIGINT NOT NULL,
  created_us BIGINT NOT NULL,
  updated_us BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, course_id)
);

-- Beside the document, so that what is due is found without reading all of them. '': none.
ALTER TABLE measurements ADD COLUMN session_id TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE measurements SET session_id = COALESCE(CAST(document AS json) ->> 'session', '');
