-- How far this store has followed another service's events, a row a clinic; written in the transaction
-- that applies them.
CREATE TABLE followed_feeds (
  clinic_id   TEXT COLLATE "C" NOT NULL,
  peer        TEXT COLLATE "C" NOT NULL,  -- the service that is followed
  cursor      TEXT COLLATE "C" NOT NULL,  -- empty: everything is to be listed anew
  as_of_us    BIGINT NOT NULL,            -- what was applied is all that happened until then
  event_us    BIGINT NOT NULL,            -- of the last event applied
  events      BIGINT NOT NULL,            -- applied, all told
  listings    BIGINT NOT NULL,            -- begun, all told; the number of the present one
  owner       TEXT COLLATE "C" NOT NULL,  -- the process that follows
  lease_us    BIGINT NOT NULL,            -- until then, nobody else begins
  fence       BIGINT NOT NULL,            -- grows with each owner; a write with an older one is refused
  PRIMARY KEY (clinic_id, peer)
);
