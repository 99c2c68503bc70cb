-- The answer kept for a request, once no other transaction that has asked for it is open. A function,
-- since each statement of a volatile one sees what was committed before it began: read in the
-- statement that waits for the lock, the answer of the transaction waited for would not be seen.
-- The lock ends with the transaction.
CREATE FUNCTION idempotency_answer(clinic TEXT, by_caller TEXT, of_method TEXT, request TEXT)
RETURNS TABLE (request_hash BYTEA, response BYTEA) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(
      clinic || '/' || by_caller || '/' || of_method || '/' || request, 0));
  RETURN QUERY SELECT i.request_hash, i.response FROM idempotency i
      WHERE i.clinic_id = clinic AND i.caller = by_caller AND i.method = of_method
        AND i.request_id = request;
END $$;
