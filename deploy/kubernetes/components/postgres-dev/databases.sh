#!/bin/sh
# One database for each service, with a role that owns it (migrate) and one that only reads and writes rows
# (serve). The image runs this once, when its volume is empty.
set -eu
for service in scheduling formulation outcomes; do
  psql -v ON_ERROR_STOP=1 -q -U "${POSTGRES_USER:-postgres}" -d postgres \
    -v service="ipt_$service" -v owner="ipt_${service}_owner" \
    -v serve_password="$(cat "${IPT_PASSWORDS:-/etc/ipt/passwords}/$service-database")" \
    -v owner_password="$(cat "${IPT_PASSWORDS:-/etc/ipt/passwords}/$service-owner")" <<'SQL'
CREATE ROLE :"owner" LOGIN PASSWORD :'owner_password';
CREATE ROLE :"service" LOGIN PASSWORD :'serve_password';
CREATE DATABASE :"service" OWNER :"owner";
REVOKE ALL ON DATABASE :"service" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"service" TO :"service";
\connect :"service"
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"service";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" GRANT USAGE, SELECT ON SEQUENCES TO :"service";
SQL
done
