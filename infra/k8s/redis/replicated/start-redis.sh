#!/bin/sh
# Starts one node with the role that it had last. Sentinel changes roles, and has Redis write them into its configuration;
# that is on the node's own volume. Everything else in it is written anew, so that a changed setting takes effect.
set -eu
. "$(dirname "$0")/environment.sh"

data=${DATA_DIR:-/data}
config="$data/redis.conf"
umask 077

if [ -f "$config" ]; then
    role=$(grep '^replicaof ' "$config" | tail -n 1 || true)
else
    # A volume that has never been used: a new system, or a node that has lost everything.
    primary=$(ask_sentinels sentinel get-master-addr-by-name redis | head -n 1)
    replicas=$(ask_sentinels sentinel replicas redis | grep -c '^runid$' || true)
    if [ "$primary" = "$self" ] && [ "$replicas" -gt 0 ]; then
        # Its replicas have the data, and would throw it away to be like their primary.
        echo "start-redis: $self is the primary, and its volume is empty: waiting until Sentinel has promoted a replica" >&2
        exit 1
    fi
    primary=${primary:-$(node 0)}
    role="replicaof $primary 6379"
    [ "$primary" != "$self" ] || role=
fi

{
    echo "include ${REDIS_CONFIG:-/etc/redis/redis.conf}"
    # The pod's address alone: what a probe finds is what the others find.
    echo "bind $POD_IP"
    echo "dir $data"
    echo "maxmemory $REDIS_MAXMEMORY"
    echo "requirepass $REDIS_PASSWORD"
    echo "masterauth $REDIS_PASSWORD"
    echo "replica-announce-ip $self"
    # A primary that no replica follows any more is one that was cut off, and replaced: it must not acknowledge writes.
    echo "min-replicas-to-write 1"
    echo "min-replicas-max-lag ${REDIS_MAX_LAG:-5}"
    # A replica that was away for a moment gets what it missed, not everything.
    echo "repl-backlog-size 64mb"
    # Asked to stop, a primary waits until its replicas have everything.
    echo "shutdown-timeout 20"
    if [ -n "$role" ]; then echo "$role"; fi
} >"$config.new"
mv "$config.new" "$config"
echo "start-redis: $self, ${role:-primary}"
exec redis-server "$config"
