-- What followers of events were told last of each course's result and signals; '': nothing. NULL: not
-- known, then what is found next is the start, and is not told. So it is with all that a store holds at
-- this migration: all results are made anew at once, so that what changes afterwards is told. A release
-- that tells in another way does the same.
ALTER TABLE course_results ADD COLUMN told TEXT COLLATE "C" DEFAULT '';
UPDATE course_results SET told = NULL, generation = generation + 1, stale = 1;
