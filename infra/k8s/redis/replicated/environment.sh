# Read by the other scripts: the names of the three nodes, and how to ask them.
#
# From the pod: CONTEXT (user, friend, view), DOMAIN (of the nodes' headless service), POD_NAME, POD_IP, REDIS_PASSWORD.
# Names instead of addresses everywhere: a pod that moves keeps its name and gets a new address.

node() { echo "$CONTEXT-redis-$1.$DOMAIN"; }
self="$POD_NAME.$DOMAIN"
nodes="$(node 0) $(node 1) $(node 2)"

# redis-cli takes the password from here.
export REDISCLI_AUTH="$REDIS_PASSWORD"
redis() { redis-cli -h "$POD_IP" "$@"; }

# ask_sentinels COMMAND...: the first answer of a Sentinel on another node; nothing where none answers.
ask_sentinels() {
    for other in $nodes; do
        [ "$other" != "$self" ] || continue
        # -t is there from Redis 7.4 on: timeout limits the wait for older ones too.
        if answer=$(timeout 2 redis-cli -h "$other" -p 26379 "$@" 2>/dev/null) && [ -n "$answer" ]; then
            echo "$answer"
            return
        fi
    done
}
