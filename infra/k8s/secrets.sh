#!/bin/sh
# Makes the passwords of Redis, each in a Secret with the two forms in which it is needed: `password` for Redis, and
# `credentials` (":password@") for the addresses in the SpinApps and the worker. What is there already stays as it is.
#
#   secrets.sh desktop     one Redis, so one password for the three contexts
#   secrets.sh hyperscale  a Redis and a password for each context
#   secrets.sh --print desktop|hyperscale   writes the manifests instead, for a vault or a sealed secret
set -eu

namespace=social-network
print=
if [ "${1:-}" = --print ]; then
    print=yes
    shift
fi
case ${1:-} in
    desktop | hyperscale) overlay=$1 ;;
    *)
        echo "secrets.sh: ${1:-nothing}: it is desktop or hyperscale" >&2
        exit 2
        ;;
esac

# 256 bits, in letters and digits: nothing that an address or a configuration file would have to escape.
new_password() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }

exists() { [ -z "$print" ] && kubectl --namespace "$namespace" get secret "$1" >/dev/null 2>&1; }

# On a cluster the namespace has to be there first, and another call must not give the three contexts of one Redis two passwords.
password=
if [ -z "$print" ]; then
    kubectl get namespace "$namespace" >/dev/null 2>&1 || kubectl create namespace "$namespace"
    if [ "$overlay" = desktop ] && exists user-redis; then
        password=$(kubectl --namespace "$namespace" get secret user-redis --output 'jsonpath={.data.password}' | base64 -d)
    fi
fi

for context in user friend view; do
    if exists "$context-redis"; then
        echo "secret/$context-redis is there already"
        continue
    fi
    if [ "$overlay" = hyperscale ] || [ -z "$password" ]; then
        password=$(new_password)
    fi
    # By a pipe: an argument is for every process of this machine to read.
    printf 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: %s-redis\n  namespace: %s\nstringData:\n  password: "%s"\n  credentials: ":%s@"\n' \
        "$context" "$namespace" "$password" "$password" |
        if [ -n "$print" ]; then
            echo ---
            cat
        else
            kubectl create --filename -
        fi
done
