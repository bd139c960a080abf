#!/bin/sh
# Builds the worker's image, and brings it and the application to a registry.
#
#   publish.sh image              builds REGISTRY/worker:VERSION
#   publish.sh push               pushes that image, and the application as the OCI artifact REGISTRY/app:VERSION
#
# REGISTRY  where to, such as ghcr.io/you/social-network. Needed by push.
# VERSION   the tag [that of Cargo.toml]
# BUILDER   docker, podman or buildah [the first that is installed]
set -eu
cd "$(dirname "$0")/../.."

stop() {
    echo "publish: $*" >&2
    exit 2
}

version=${VERSION:-$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)}
registry=${REGISTRY:-social-network}

builder=${BUILDER:-}
for candidate in docker podman buildah; do
    if [ -z "$builder" ] && command -v "$candidate" >/dev/null 2>&1; then builder=$candidate; fi
done

need_builder() {
    [ -n "$builder" ] || stop "an image is built by docker, podman or buildah: install one of them"
    command -v "$builder" >/dev/null 2>&1 || stop "BUILDER=$builder is not installed"
}

# Spin 4.1 or later: an earlier one does not know the interfaces of the components.
need_spin() {
    command -v spin >/dev/null 2>&1 ||
        stop "the application is pushed by the Spin CLI, 4.1 or later, which is not installed: https://spinframework.dev/install"
    spin_version=$(spin --version | sed -n 's/^spin \([0-9]*\.[0-9]*\).*/\1/p')
    case $spin_version in
        '' | [0-3].* | 4.0) stop "spin ${spin_version:-of an unknown version} is installed: it has to be 4.1 or later" ;;
    esac
}

need_components() {
    # "target/wasm32-wasip2/release/create_user.wasm"
    sed -n 's/^source = "\(.*\)"/\1/p' spin.toml | while read -r component; do
        [ -f "$component" ] || stop "$component is not built: make components"
    done
}

case ${1:-} in
    image)
        need_builder
        "$builder" build --file infra/docker/Containerfile --target worker --tag "$registry/worker:$version" .
        ;;
    push)
        [ -n "${REGISTRY:-}" ] || stop "REGISTRY is not set: make push REGISTRY=ghcr.io/you/social-network (log in first: spin registry login, and $builder login)"
        need_builder
        need_spin
        need_components
        "$builder" push "$registry/worker:$version"
        spin registry push "$registry/app:$version"
        echo "Pushed $registry/worker:$version and $registry/app:$version."
        echo "Say so to the overlay: newName and newTag in infra/k8s/overlays/*/kustomization.yaml."
        ;;
    *) stop "${1:-nothing}: it is image or push" ;;
esac
