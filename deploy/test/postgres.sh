#!/bin/sh
# Makes a cluster for POSTGRES_USER at the first start, and runs it.
set -eu
if [ ! -e "$PGDATA/PG_VERSION" ]; then
    printf '%s' "$POSTGRES_PASSWORD" > /tmp/password
    initdb --username="$POSTGRES_USER" --pwfile=/tmp/password --auth-host=scram-sha-256 --auth-local=trust --encoding=UTF8 > /dev/null
    rm /tmp/password
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
    pg_ctl --wait --options="-c listen_addresses=" start > /dev/null
    createdb --username="$POSTGRES_USER" --host=/var/run/postgresql "$POSTGRES_DB"
    pg_ctl --wait stop > /dev/null
fi
exec postgres -c listen_addresses='*'
