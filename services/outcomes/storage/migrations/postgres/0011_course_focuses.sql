-- Which focus each course has, as formulation says: a copy, filled from its events and lists. It can be
-- deleted at any time, with formulation's row in followed_feeds, and is listed anew.
CREATE TABLE course_focuses (
  clinic_id          TEXT COLLATE "C" NOT NULL,
  course_id          TEXT COLLATE "C" NOT NULL,
  primary_kind       BIGINT NOT NULL,  -- kinds have the contract's numbers
  secondary_kind     BIGINT NOT NULL,  -- 0: there is none
  agreed_day         BIGINT NOT NULL,  -- days since 1970-01-01
  revision_number    BIGINT NOT NULL,  -- of the formulation that says so
  first_primary_kind BIGINT NOT NULL,  -- that was agreed first
  revision           BIGINT NOT NULL,  -- formulation's
  listing            BIGINT NOT NULL,  -- the last one that had it
  PRIMARY KEY (clinic_id, course_id)
);

-- A focus that comes before its course makes the result, too: whoever makes it from the course alone has
-- to meet it.
CREATE TRIGGER course_focuses_make_results AFTER INSERT ON course_focuses
  FOR EACH ROW EXECUTE FUNCTION make_course_result();
CREATE TRIGGER course_focuses_change_results AFTER UPDATE ON course_focuses
  FOR EACH ROW WHEN (
    (NEW.primary_kind, NEW.secondary_kind, NEW.agreed_day, NEW.revision_number, NEW.first_primary_kind)
    IS DISTINCT FROM
    (OLD.primary_kind, OLD.secondary_kind, OLD.agreed_day, OLD.revision_number, OLD.first_primary_kind))
  EXECUTE FUNCTION mark_course_result();
CREATE TRIGGER course_focuses_leave_results AFTER DELETE ON course_focuses
  FOR EACH ROW EXECUTE FUNCTION mark_course_result();
