-- oldest_binary: 11
-- PostgreSQL gets an index of all that a report reads. Here course_results_kept is that, since 0010.
SELECT 1;
