-- What each course came to, in what a clinic's report counts. Made of measurements, copies and policy,
-- and made anew from them: rows can be marked stale at any time, and a release that makes results in
-- another way marks all of them.
--
-- Triggers mark: no writer can forget it. A row that was made of an older generation is never written.
CREATE TABLE course_results (
  clinic_id  TEXT NOT NULL,
  course_id  TEXT NOT NULL,
  generation BIGINT NOT NULL,  -- grows with every change of what it is made of
  stale      BIGINT NOT NULL CHECK (stale IN (0, 1)),
  closed_day BIGINT,           -- days since 1970-01-01; what a report's period picks by
  start_day  BIGINT,
  result     TEXT NOT NULL,
  PRIMARY KEY (clinic_id, course_id)
) WITHOUT ROWID;
CREATE INDEX course_results_stale ON course_results (clinic_id, course_id) WHERE stale = 1;

INSERT INTO course_results (clinic_id, course_id, generation, stale, result)
  SELECT clinic_id, course_id, 1, 1, '' FROM course_copies
  UNION SELECT clinic_id, course_id, 1, 1, '' FROM measurements;

CREATE TRIGGER measurements_make_results AFTER INSERT ON measurements
BEGIN
  INSERT INTO course_results (clinic_id, course_id, generation, stale, result)
    VALUES (NEW.clinic_id, NEW.course_id, 1, 1, '')
    ON CONFLICT (clinic_id, course_id) DO UPDATE SET generation = generation + 1, stale = 1;
END;
CREATE TRIGGER measurements_change_results AFTER UPDATE ON measurements
BEGIN
  UPDATE course_results SET generation = generation + 1, stale = 1
    WHERE clinic_id = NEW.clinic_id AND course_id = NEW.course_id;
END;
CREATE TRIGGER measurements_leave_results AFTER DELETE ON measurements
BEGIN
  UPDATE course_results SET generation = generation + 1, stale = 1
    WHERE clinic_id = OLD.clinic_id AND course_id = OLD.course_id;
END;

CREATE TRIGGER course_copies_make_results AFTER INSERT ON course_copies
BEGIN
  INSERT INTO course_results (clinic_id, course_id, generation, stale, result)
    VALUES (NEW.clinic_id, NEW.course_id, 1, 1, '')
    ON CONFLICT (clinic_id, course_id) DO UPDATE SET generation = generation + 1, stale = 1;
END;
-- Of what no result follows from, such as another forecast, none is made anew.
CREATE TRIGGER course_copies_change_results AFTER UPDATE ON course_copies
  WHEN NEW.therapist_id IS NOT OLD.therapist_id OR NEW.variant_id IS NOT OLD.variant_id
    OR NEW.indication IS NOT OLD.indication OR NEW.state IS NOT OLD.state
    OR NEW.closed_us IS NOT OLD.closed_us OR NEW.closure_reason IS NOT OLD.closure_reason
    OR NEW.drop_out IS NOT OLD.drop_out OR NEW.time_zone IS NOT OLD.time_zone
    OR NEW.planned_sessions IS NOT OLD.planned_sessions
BEGIN
  UPDATE course_results SET generation = generation + 1, stale = 1
    WHERE clinic_id = NEW.clinic_id AND course_id = NEW.course_id;
END;
CREATE TRIGGER course_copies_leave_results AFTER DELETE ON course_copies
BEGIN
  UPDATE course_results SET generation = generation + 1, stale = 1
    WHERE clinic_id = OLD.clinic_id AND course_id = OLD.course_id;
END;

-- A session may come before its course; the course's row then makes the result.
CREATE TRIGGER course_session_copies_make_results AFTER INSERT ON course_session_copies
BEGIN
  UPDATE course_results SET generation = generation + 1, stale = 1
    WHERE clinic_id = NEW.clinic_id AND course_id = NEW.course_id;
END;
CREATE TRIGGER course_session_copies_change_results AFTER UPDATE ON course_session_copies
  WHEN NEW.number IS NOT OLD.number OR NEW.start_us IS NOT OLD.start_us
    OR NEW.state IS NOT OLD.state OR NEW.uses_session IS NOT OLD.uses_session
BEGIN
  UPDATE course_results SET generation = generation + 1, stale = 1
    WHERE clinic_id = NEW.clinic_id AND course_id = NEW.course_id;
END;
CREATE TRIGGER course_session_copies_leave_results AFTER DELETE ON course_session_copies
BEGIN
  UPDATE course_results SET generation = generation + 1, stale = 1
    WHERE clinic_id = OLD.clinic_id AND course_id = OLD.course_id;
END;

CREATE TRIGGER outcome_policies_make_results AFTER INSERT ON outcome_policies
BEGIN
  UPDATE course_results SET generation = generation + 1, stale = 1 WHERE clinic_id = NEW.clinic_id;
END;
CREATE TRIGGER outcome_policies_change_results AFTER UPDATE ON outcome_policies
BEGIN
  UPDATE course_results SET generation = generation + 1, stale = 1 WHERE clinic_id = NEW.clinic_id;
END;
