#!/bin/sh
# Before a node stops: a primary makes a replica primary, and loses nothing by it. Its writers wait meanwhile; then it ends
# their connections, and they find the new primary behind the same name.
set -eu
. "$(dirname "$0")/environment.sh"

is_primary() { [ "$(redis role | head -n 1)" = master ]; }

is_primary || exit 0
# From here on nothing is acknowledged here, while the replicas get the rest.
redis client pause 15000 write >/dev/null
for attempt in 1 2 3 4 5 6 7 8 9 10; do
    if [ "$(ask_sentinels sentinel failover redis)" = OK ]; then
        break
    fi
    sleep 1
done
for attempt in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    is_primary || exit 0
    sleep 1
done
echo "hand-over: no replica took over; Sentinel will see to it" >&2
