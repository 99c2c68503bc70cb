-- Which focus each course has, as formulation says: a copy, filled from its events and lists. It can be
-- deleted at any time, with formulation's row in followed_feeds, and is listed anew.
CREATE TABLE course_focuses (
  clinic_id          TEXT NOT NULL,
  course_id          TEXT NOT NULL,
  primary_kind       BIGINT NOT NULL,  -- kinds have the contract's numbers
  secondary_kind     BIGINT NOT NULL,  -- 0: there is none
  agreed_day         BIGINT NOT NULL,  -- days since 1970-01-01
  revision_number    BIGINT NOT NULL,  -- of the formulation that says so
  first_primary_kind BIGINT NOT NULL,  -- that was agreed first
  revision           BIGINT NOT NULL,  -- formulation's
  listing            BIGINT NOT NULL,  -- the last one that had it
  PRIMARY KEY (clinic_id, course_id)
) WITHOUT ROWID;

-- A focus that comes before its course makes the result, too: whoever makes it from the course alone has
-- to meet it.
CREATE TRIGGER course_focuses_make_results AFTER INSERT ON course_focuses
BEGIN
  INSERT INTO course_results (clinic_id, course_id, generation, stale, result)
    VALUES (NEW.clinic_id, NEW.course_id, 1, 1, '')
    ON CONFLICT (clinic_id, course_id) DO UPDATE SET generation = generation + 1, stale = 1;
END;
CREATE TRIGGER course_focuses_change_results AFTER UPDATE ON course_focuses
  WHEN NEW.primary_kind IS NOT OLD.primary_kind OR NEW.secondary_kind IS NOT OLD.secondary_kind
    OR NEW.agreed_day IS NOT OLD.agreed_day OR NEW.revision_number IS NOT OLD.revision_number
    OR NEW.first_primary_kind IS NOT OLD.first_primary_kind
BEGIN
  UPDATE course_results SET generation = generation + 1, stale = 1
    WHERE clinic_id = NEW.clinic_id AND course_id = NEW.course_id;
END;
CREATE TRIGGER course_focuses_leave_results AFTER DELETE ON course_focuses
BEGIN
  UPDATE course_results SET generation = generation + 1, stale = 1
    WHERE clinic_id = OLD.clinic_id AND course_id = OLD.course_id;
END;
