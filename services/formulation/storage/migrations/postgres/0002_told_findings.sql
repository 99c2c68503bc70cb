-- What scheduling was told of an open course's findings last, and in which week; or who is telling it.
-- Rows can be deleted at any time: all is told again.
CREATE TABLE told_findings (
  clinic_id TEXT COLLATE "C" NOT NULL,
  course_id TEXT COLLATE "C" NOT NULL,
  told      TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (clinic_id, course_id)
);
