-- What scheduling was told of a course's findings last, and on which day; no row: that there are none.
-- It can be deleted at any time: all is told again.
CREATE TABLE told_findings (
  clinic_id TEXT NOT NULL,
  course_id TEXT NOT NULL,
  told      TEXT NOT NULL,
  PRIMARY KEY (clinic_id, course_id)
);
