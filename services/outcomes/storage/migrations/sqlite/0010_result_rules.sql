-- Results also follow from rules: of the clinic's policy, the suite's instruments and the code that makes
-- them. Each row says by which it was made (made_by); one made by others than today's counts as stale. So a
-- change of rules marks no row, and a writer that did not see the change yet keeps nothing that counts.
DROP TRIGGER outcome_policies_make_results;
DROP TRIGGER outcome_policies_change_results;
ALTER TABLE course_results ADD COLUMN made_by TEXT NOT NULL DEFAULT '';

-- All that a report of courses closed in a period reads, together: with `stale`, which is asked for, no row
-- has to be looked up.
CREATE INDEX course_results_kept
  ON course_results (clinic_id, made_by, closed_day, start_day, stale, result) WHERE stale = 0;

-- A session that comes before its course makes the result, too: whoever makes it from the course alone has
-- to meet it.
DROP TRIGGER course_session_copies_make_results;
CREATE TRIGGER course_session_copies_make_results AFTER INSERT ON course_session_copies
BEGIN
  INSERT INTO course_results (clinic_id, course_id, generation, stale, result)
    VALUES (NEW.clinic_id, NEW.course_id, 1, 1, '')
    ON CONFLICT (clinic_id, course_id) DO UPDATE SET generation = generation + 1, stale = 1;
END;
