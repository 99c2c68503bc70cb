-- A course's interpersonal inventory, its problem areas, goals and formulation, what was done in its
-- sessions, how it ends; and a clinic's policy.
--
-- Instants are microseconds since 1970-01-01 UTC (*_us), days are whole days since 1970-01-01 (*_day).
-- Enums have the contract's numbers. What is only read whole is JSON, of a size that the contract
-- bounds. That ids name what there is, use cases see to, under the course's row of write_scopes.

-- Writers of a scope go one after the other by its row: a course's, or (course_id '') those of the
-- clinic's policy.
CREATE TABLE write_scopes (
  clinic_id TEXT COLLATE "C" NOT NULL,
  course_id TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (clinic_id, course_id)
);

-- A clinic without a row has the suite's defaults.
CREATE TABLE formulation_policies (
  clinic_id  TEXT COLLATE "C" NOT NULL,
  version    BIGINT NOT NULL CHECK (version >= 1),
  policy     TEXT NOT NULL,
  revision   BIGINT NOT NULL,
  created_us BIGINT NOT NULL,
  updated_us BIGINT NOT NULL,
  PRIMARY KEY (clinic_id)
);

-- Lists come as they were entered: by `position`, which grows within a course.
CREATE TABLE relationships (
  clinic_id       TEXT COLLATE "C" NOT NULL,
  course_id       TEXT COLLATE "C" NOT NULL,
  relationship_id TEXT COLLATE "C" NOT NULL,
  position        BIGINT NOT NULL,
  document        TEXT NOT NULL,
  revision        BIGINT NOT NULL,
  created_us      BIGINT NOT NULL,
  updated_us      BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, course_id, relationship_id)
);
CREATE UNIQUE INDEX relationships_as_entered ON relationships (clinic_id, course_id, position);

CREATE TABLE life_events (
  clinic_id     TEXT COLLATE "C" NOT NULL,
  course_id     TEXT COLLATE "C" NOT NULL,
  life_event_id TEXT COLLATE "C" NOT NULL,
  position      BIGINT NOT NULL,
  document      TEXT NOT NULL,
  revision      BIGINT NOT NULL,
  created_us    BIGINT NOT NULL,
  updated_us    BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, course_id, life_event_id)
);
CREATE UNIQUE INDEX life_events_as_entered ON life_events (clinic_id, course_id, position);

CREATE TABLE problem_areas (
  clinic_id       TEXT COLLATE "C" NOT NULL,
  course_id       TEXT COLLATE "C" NOT NULL,
  problem_area_id TEXT COLLATE "C" NOT NULL,
  position        BIGINT NOT NULL,
  document        TEXT NOT NULL,
  revision        BIGINT NOT NULL,
  created_us      BIGINT NOT NULL,
  updated_us      BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, course_id, problem_area_id)
);
CREATE UNIQUE INDEX problem_areas_as_entered ON problem_areas (clinic_id, course_id, position);

CREATE TABLE goals (
  clinic_id       TEXT COLLATE "C" NOT NULL,
  course_id       TEXT COLLATE "C" NOT NULL,
  goal_id         TEXT COLLATE "C" NOT NULL,
  position        BIGINT NOT NULL,
  problem_area_id TEXT COLLATE "C" NOT NULL,  -- '' where it serves none
  state           BIGINT NOT NULL CHECK (state BETWEEN 1 AND 6),
  state_us        BIGINT NOT NULL,  -- since when it is in it
  document        TEXT NOT NULL,    -- the rest, what its ratings are in short included
  revision        BIGINT NOT NULL,
  created_us      BIGINT NOT NULL,
  updated_us      BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, course_id, goal_id)
);
CREATE UNIQUE INDEX goals_as_entered ON goals (clinic_id, course_id, position);

CREATE TABLE goal_ratings (
  clinic_id  TEXT COLLATE "C" NOT NULL,
  course_id  TEXT COLLATE "C" NOT NULL,
  goal_id    TEXT COLLATE "C" NOT NULL,
  rating_id  TEXT COLLATE "C" NOT NULL,
  value      BIGINT NOT NULL CHECK (value BETWEEN 0 AND 10),
  rater      BIGINT NOT NULL,
  rated_day  BIGINT NOT NULL,
  session_id TEXT COLLATE "C" NOT NULL,  -- '' where it was given in none
  note       TEXT NOT NULL,
  caller     TEXT NOT NULL,
  revision   BIGINT NOT NULL,
  created_us BIGINT NOT NULL,
  updated_us BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, course_id, goal_id, rating_id)
);
CREATE INDEX goal_ratings_by_day
  ON goal_ratings (clinic_id, course_id, rated_day, revision, goal_id, rating_id);
CREATE INDEX goal_ratings_of_goal_by_day
  ON goal_ratings (clinic_id, course_id, goal_id, rated_day, revision, rating_id);

-- A course's formulation as it stands: which of its revisions are the pending one and the current
-- one, and which focus that has, so that a clinic's courses are listed by focus without their texts.
CREATE TABLE formulations (
  clinic_id          TEXT COLLATE "C" NOT NULL,
  course_id          TEXT COLLATE "C" NOT NULL,
  pending_number     BIGINT,           -- unset: none; 0 before it was first proposed
  current_number     BIGINT,           -- unset: none is agreed
  current_revision   BIGINT,           -- of the row of the current one
  agreed_day         BIGINT,
  primary_kind       BIGINT NOT NULL,  -- 0 while none is agreed
  secondary_kind     BIGINT NOT NULL,  -- 0: there is none
  last_number        BIGINT NOT NULL,
  agreed_revisions   BIGINT NOT NULL,
  first_agreed_day   BIGINT,
  first_primary_kind BIGINT NOT NULL,
  revision           BIGINT NOT NULL,
  created_us         BIGINT NOT NULL,
  updated_us         BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, course_id),
  CHECK ((current_number IS NULL) = (agreed_day IS NULL)),
  CHECK ((current_number IS NULL) = (current_revision IS NULL))
);

CREATE TABLE formulation_revisions (
  clinic_id   TEXT COLLATE "C" NOT NULL,
  course_id   TEXT COLLATE "C" NOT NULL,
  number      BIGINT NOT NULL CHECK (number >= 0),
  state       BIGINT NOT NULL CHECK (state BETWEEN 1 AND 4),  -- draft, proposed, agreed, superseded
  proposed_us BIGINT,         -- of a proposal: when it was put to the patient last
  agreed_day  BIGINT,
  outline     TEXT,           -- what was agreed without a word of text: what findings are made of
  changes     TEXT NOT NULL,
  details     TEXT NOT NULL,  -- who wrote it, why, and on what it is based
  agreement   TEXT,
  snapshot    TEXT NOT NULL,
  content     TEXT NOT NULL,
  revision    BIGINT NOT NULL,
  created_us  BIGINT NOT NULL,
  updated_us  BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, course_id, number),
  CHECK (number > 0 OR state = 1),
  CHECK ((state >= 3) = (agreed_day IS NOT NULL)),
  CHECK ((state >= 3) = (outline IS NOT NULL)),
  CHECK ((state >= 3) = (agreement IS NOT NULL))
);
-- At most one is being worked on, and at most one holds.
CREATE UNIQUE INDEX formulation_revisions_one_pending
  ON formulation_revisions (clinic_id, course_id) WHERE state < 3;
CREATE UNIQUE INDEX formulation_revisions_one_current
  ON formulation_revisions (clinic_id, course_id) WHERE state = 3;

-- What was agreed stays as it was agreed, whoever writes: all that comes after is that another one
-- takes its place.
CREATE FUNCTION formulation_revisions_agreed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'formulation_revisions_agreed';
END $$;
CREATE TRIGGER formulation_revisions_agreed BEFORE UPDATE ON formulation_revisions FOR EACH ROW
  WHEN (OLD.state >= 3 AND (
      NEW.state < OLD.state OR NEW.clinic_id IS DISTINCT FROM OLD.clinic_id
      OR NEW.course_id IS DISTINCT FROM OLD.course_id
      OR NEW.number IS DISTINCT FROM OLD.number
      OR NEW.agreed_day IS DISTINCT FROM OLD.agreed_day
      OR NEW.outline IS DISTINCT FROM OLD.outline
      OR NEW.details IS DISTINCT FROM OLD.details
      OR NEW.agreement IS DISTINCT FROM OLD.agreement
      OR NEW.snapshot IS DISTINCT FROM OLD.snapshot
      OR NEW.content IS DISTINCT FROM OLD.content
      OR NEW.created_us IS DISTINCT FROM OLD.created_us))
  EXECUTE FUNCTION formulation_revisions_agreed();
CREATE FUNCTION formulation_revisions_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'formulation_revisions_stay';
END $$;
CREATE TRIGGER formulation_revisions_stay BEFORE DELETE ON formulation_revisions FOR EACH ROW
  WHEN (OLD.state >= 3) EXECUTE FUNCTION formulation_revisions_stay();

-- Without a row, nothing is recorded.
CREATE TABLE session_work (
  clinic_id  TEXT COLLATE "C" NOT NULL,
  course_id  TEXT COLLATE "C" NOT NULL,
  session_id TEXT COLLATE "C" NOT NULL,
  position   BIGINT NOT NULL,
  done       TEXT NOT NULL,  -- codes and states
  notes      TEXT NOT NULL,  -- what is said of them, and the rest
  revision   BIGINT NOT NULL,
  created_us BIGINT NOT NULL,
  updated_us BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, course_id, session_id)
);
CREATE UNIQUE INDEX session_work_as_recorded ON session_work (clinic_id, course_id, position);

-- Without a row, nothing was written.
CREATE TABLE terminations (
  clinic_id      TEXT COLLATE "C" NOT NULL,
  course_id      TEXT COLLATE "C" NOT NULL,
  plan_given_day BIGINT,
  document       TEXT NOT NULL,  -- the rest
  revision       BIGINT NOT NULL,
  created_us     BIGINT NOT NULL,
  updated_us     BIGINT NOT NULL,
  PRIMARY KEY (clinic_id, course_id)
);
