-- What each course came to, in what a clinic's report counts. Made of measurements, copies and policy,
-- and made anew from them: rows can be marked stale at any time, and a release that makes results in
-- another way marks all of them.
--
-- Triggers mark: no writer can forget it. A row that was made of an older generation is never written.
CREATE TABLE course_results (
  clinic_id  TEXT COLLATE "C" NOT NULL,
  course_id  TEXT COLLATE "C" NOT NULL,
  generation BIGINT NOT NULL,  -- grows with every change of what it is made of
  stale      BIGINT NOT NULL CHECK (stale IN (0, 1)),
  closed_day BIGINT,           -- days since 1970-01-01; what a report's period picks by
  start_day  BIGINT,
  result     TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (clinic_id, course_id)
);
CREATE INDEX course_results_stale ON course_results (clinic_id, course_id) WHERE stale = 1;

INSERT INTO course_results (clinic_id, course_id, generation, stale, result)
  SELECT clinic_id, course_id, 1, 1, '' FROM course_copies
  UNION SELECT clinic_id, course_id, 1, 1, '' FROM measurements;

CREATE FUNCTION make_course_result() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO course_results (clinic_id, course_id, generation, stale, result)
    VALUES (NEW.clinic_id, NEW.course_id, 1, 1, '')
    ON CONFLICT (clinic_id, course_id)
    DO UPDATE SET generation = course_results.generation + 1, stale = 1;
  RETURN NULL;
END $$;
CREATE FUNCTION mark_course_result() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    UPDATE course_results SET generation = generation + 1, stale = 1
      WHERE clinic_id = OLD.clinic_id AND course_id = OLD.course_id;
  ELSE
    UPDATE course_results SET generation = generation + 1, stale = 1
      WHERE clinic_id = NEW.clinic_id AND course_id = NEW.course_id;
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION mark_course_results() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE course_results SET generation = generation + 1, stale = 1 WHERE clinic_id = NEW.clinic_id;
  RETURN NULL;
END $$;

CREATE TRIGGER measurements_make_results AFTER INSERT ON measurements
  FOR EACH ROW EXECUTE FUNCTION make_course_result();
CREATE TRIGGER measurements_change_results AFTER UPDATE OR DELETE ON measurements
  FOR EACH ROW EXECUTE FUNCTION mark_course_result();

CREATE TRIGGER course_copies_make_results AFTER INSERT ON course_copies
  FOR EACH ROW EXECUTE FUNCTION make_course_result();
-- Of what no result follows from, such as another forecast, none is made anew.
CREATE TRIGGER course_copies_change_results AFTER UPDATE ON course_copies
  FOR EACH ROW WHEN (
    (NEW.therapist_id, NEW.variant_id, NEW.indication, NEW.state, NEW.closed_us, NEW.closure_reason,
     NEW.drop_out, NEW.time_zone, NEW.planned_sessions)
    IS DISTINCT FROM
    (OLD.therapist_id, OLD.variant_id, OLD.indication, OLD.state, OLD.closed_us, OLD.closure_reason,
     OLD.drop_out, OLD.time_zone, OLD.planned_sessions))
  EXECUTE FUNCTION mark_course_result();
CREATE TRIGGER course_copies_leave_results AFTER DELETE ON course_copies
  FOR EACH ROW EXECUTE FUNCTION mark_course_result();

-- A session may come before its course; the course's row then makes the result.
CREATE TRIGGER course_session_copies_make_results AFTER INSERT OR DELETE ON course_session_copies
  FOR EACH ROW EXECUTE FUNCTION mark_course_result();
CREATE TRIGGER course_session_copies_change_results AFTER UPDATE ON course_session_copies
  FOR EACH ROW WHEN (
    (NEW.number, NEW.start_us, NEW.state, NEW.uses_session)
    IS DISTINCT FROM (OLD.number, OLD.start_us, OLD.state, OLD.uses_session))
  EXECUTE FUNCTION mark_course_result();

CREATE TRIGGER outcome_policies_change_results AFTER INSERT OR UPDATE ON outcome_policies
  FOR EACH ROW EXECUTE FUNCTION mark_course_results();
