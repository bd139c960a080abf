#!/bin/sh
# Starts the Sentinel beside a node. What it has learnt (who is primary, who else watches) is in its own file on the node's
# volume; the settings in it are written anew, so that a changed one takes effect.
set -eu
. "$(dirname "$0")/environment.sh"

config="${DATA_DIR:-/data}/sentinel.conf"
umask 077

learnt=$(grep -E '^sentinel (myid|monitor|config-epoch|leader-epoch|current-epoch|known-replica|known-sentinel) ' \
    "$config" 2>/dev/null || true)
if [ -z "$learnt" ]; then
    primary=$(ask_sentinels sentinel get-master-addr-by-name redis | head -n 1)
    # Two of three must agree that the primary is gone.
    learnt="sentinel monitor redis ${primary:-$(node 0)} 6379 2"
fi

{
    echo "bind $POD_IP"
    echo "port 26379"
    echo "dir /tmp"
    echo "requirepass $REDIS_PASSWORD"
    echo "sentinel resolve-hostnames yes"
    echo "sentinel announce-hostnames yes"
    echo "sentinel announce-ip $self"
    echo "sentinel announce-port 26379"
    echo "sentinel sentinel-pass $REDIS_PASSWORD"
    echo "$learnt"
    echo "sentinel auth-pass redis $REDIS_PASSWORD"
    # A primary whose container restarts is back within this, with everything that it acknowledged. A replica that is
    # promoted instead may lack the last moments.
    echo "sentinel down-after-milliseconds redis ${SENTINEL_DOWN_AFTER_MS:-10000}"
    # One that comes to nothing is tried again after twice this.
    echo "sentinel failover-timeout redis 10000"
    echo "sentinel parallel-syncs redis 1"
} >"$config.new"
mv "$config.new" "$config"
echo "start-sentinel: beside $self"
exec redis-server "$config" --sentinel
