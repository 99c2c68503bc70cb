-- Results also follow from rules: of the clinic's policy, the suite's instruments and the code that makes
-- them. Each row says by which it was made (made_by); one made by others than today's counts as stale. So a
-- change of rules marks no row, and a writer that did not see the change yet keeps nothing that counts.
DROP TRIGGER outcome_policies_change_results ON outcome_policies;
DROP FUNCTION mark_course_results();
ALTER TABLE course_results ADD COLUMN made_by TEXT COLLATE "C" NOT NULL DEFAULT '';

-- What a report of courses closed in a period reads.
CREATE INDEX course_results_kept ON course_results (clinic_id, made_by, closed_day) WHERE stale = 0;

-- A session that comes before its course makes the result, too: whoever makes it from the course alone has
-- to meet it.
DROP TRIGGER course_session_copies_make_results ON course_session_copies;
CREATE TRIGGER course_session_copies_make_results AFTER INSERT ON course_session_copies
  FOR EACH ROW EXECUTE FUNCTION make_course_result();
CREATE TRIGGER course_session_copies_leave_results AFTER DELETE ON course_session_copies
  FOR EACH ROW EXECUTE FUNCTION mark_course_result();
