-- oldest_binary: 11
-- All that a report reads of a course, together, in the order of the period: no row has to be looked up in
-- the table, whose rows are five times as wide. An entry has a greatest size (2704 bytes); what comes near it
-- has an index of its own, so that no result is refused, however many measures it has.
CREATE INDEX course_results_in_reports ON course_results (clinic_id, made_by, closed_day)
  INCLUDE (start_day, result) WHERE stale = 0 AND octet_length(result) <= 2000;
CREATE INDEX course_results_large ON course_results (clinic_id, made_by)
  WHERE stale = 0 AND octet_length(result) > 2000;

-- An index is read alone where a page's rows are known to be seen by all, which vacuum notes.
ALTER TABLE course_results SET (autovacuum_vacuum_scale_factor = 0.05);
