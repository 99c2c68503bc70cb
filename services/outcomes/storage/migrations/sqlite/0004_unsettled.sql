-- Courses with measurements that could not be checked yet: few, and looked for all the time.
CREATE INDEX measurements_unsettled ON measurements (clinic_id, course_id) WHERE unsettled = 1;
