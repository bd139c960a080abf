#!/bin/sh
# Installs what is missing to build and run the system, and nothing else: Redis and the WebAssembly target.
# Says nothing when nothing is missing.
#
#   setup.sh          for building and running
#   setup.sh lint     for `make lint` as well: clippy and rustfmt
#   setup.sh observe  for `make observe` and the tests as well: Prometheus
#   setup.sh deploy   what renders and tests infra/docker and infra/k8s, and nothing else
set -eu

rust_needed=1.95     # edition 2024, and what the dependencies ask for
redis_needed=7.0     # multi-part append-only log, and the commands that the scripts use

say() { printf 'setup: %s\n' "$*" >&2; }
stop() {
    say "$*"
    exit 2
}

# at_least FOUND NEEDED: compares major.minor
at_least() {
    found_major=${1%%.*} found_rest=${1#*.}
    found_minor=${found_rest%%.*}
    needed_major=${2%%.*} needed_minor=${2#*.}
    [ "$found_major" -gt "$needed_major" ] ||
        { [ "$found_major" -eq "$needed_major" ] && [ "$found_minor" -ge "$needed_minor" ]; }
}

# The command that makes us root, if that works without asking.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

can_apt() {
    command -v apt-get >/dev/null 2>&1 &&
        { [ "$(id -u)" -eq 0 ] || sudo -n true >/dev/null 2>&1; }
}

apt_install() {
    say "installing $*"
    # A fresh machine or container has no package lists.
    if [ -z "$(find /var/lib/apt/lists -name '*_Packages*' -print 2>/dev/null | head -n 1)" ]; then
        as_root apt-get update -qq >&2
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2 ||
        { as_root apt-get update -qq >&2 &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2; }
}

# The version of a package that apt would install, as major.minor; nothing if there is none.
apt_version() {
    apt-cache policy "$1" 2>/dev/null |
        sed -n 's/^ *Candidate: \([0-9]*:\)\{0,1\}\([0-9][0-9]*\.[0-9][0-9]*\).*/\2/p'
}

rust_version() {
    # "rustc 1.95.0 (59807616e 2026-04-14)"
    version=$(rustc --version 2>/dev/null) || return 0
    version=${version#rustc }
    echo "${version%% *}"
}

ensure_rust() {
    found=
    if command -v cargo >/dev/null 2>&1; then
        found=$(rust_version)
    fi
    if [ -n "$found" ] && at_least "$found" "$rust_needed"; then
        return
    fi
    if [ -n "$found" ]; then
        stop "Rust $found is installed; $rust_needed or later is needed: rustup update stable"
    fi
    # Debian's stable releases carry an old Rust, and a newer one for building browsers.
    for suffix in '' -web; do
        candidate=$(apt_version "rustc$suffix")
        if [ -n "$candidate" ] && at_least "$candidate" "$rust_needed" && can_apt; then
            apt_install "rustc$suffix" "cargo$suffix"
            return
        fi
    done
    stop "Rust is not installed: install it from https://rustup.rs, then start again"
}

# The native programs are linked by the system's C compiler.
ensure_linker() {
    if command -v cc >/dev/null 2>&1; then
        return
    elif can_apt; then
        apt_install gcc libc6-dev
    elif [ "$(uname)" = Darwin ]; then
        stop "the C compiler is not installed: xcode-select --install"
    else
        stop "the C compiler is not installed: install gcc and the C library's headers (on Debian and Ubuntu: gcc libc6-dev)"
    fi
}

ensure_wasm_target() {
    here=$(dirname "$0")
    if sh "$here/build-components.sh" check; then
        return
    fi
    if command -v rustup >/dev/null 2>&1; then
        say "adding the target wasm32-wasip2"
        if rustup target add wasm32-wasip2 >&2; then
            return
        fi
        say "rustup could not add it: trying the distribution's packages"
    fi
    candidate=$(apt_version rustc-web)
    if [ -n "$candidate" ] && at_least "$candidate" "$rust_needed" && can_apt; then
        apt_install rustc-web cargo-web rust-web-src wasi-libc lld
        sh "$here/build-components.sh" check && return
        # Part of rustup's toolchains, but not of Debian's.
        say "installing the linker for components"
        cargo install wasm-component-ld --locked >&2
        sh "$here/build-components.sh" check && return
        stop "the linker wasm-component-ld was installed, but is not in the PATH: add ${CARGO_HOME:-$HOME/.cargo}/bin to it"
    fi
    stop "the target wasm32-wasip2 is missing: rustup target add wasm32-wasip2 (or, on Debian, the packages rustc-web cargo-web rust-web-src wasi-libc)"
}

redis_version() {
    # "Redis server v=7.0.15 sha=00000000:0 ..."
    redis-server --version 2>/dev/null | sed -n 's/.* v=\([0-9.]*\).*/\1/p'
}

ensure_redis() {
    # Also with REDIS_URL: the tests start servers of their own.
    found=$(redis_version)
    if [ -z "$found" ]; then
        if can_apt; then
            apt_install redis-server
        elif command -v brew >/dev/null 2>&1; then
            say "installing redis"
            brew install --quiet redis >&2
        else
            stop "redis-server is not installed: install the package redis-server (Debian, Ubuntu) or redis (Fedora, Arch, Alpine), $redis_needed or later"
        fi
        found=$(redis_version)
    fi
    if [ -z "$found" ] || ! at_least "$found" "$redis_needed"; then
        stop "redis-server ${found:-of an unknown version} is installed; $redis_needed or later is needed: https://redis.io/docs/latest/operate/oss_and_stack/install/"
    fi
}

has_lint_tools() { cargo clippy --version >/dev/null 2>&1 && cargo fmt --version >/dev/null 2>&1; }

ensure_lint_tools() {
    # rustup's minimal profile and the distributions' packages leave them out.
    has_lint_tools && return
    if command -v rustup >/dev/null 2>&1; then
        say "adding clippy and rustfmt"
        rustup component add clippy rustfmt >&2 && has_lint_tools && return
    fi
    stop "clippy or rustfmt is missing: rustup component add clippy rustfmt (or, beside a distribution's Rust, the packages rust-clippy rustfmt, for Debian's rustc-web rust-web-clippy rustfmt-web)"
}

has_prometheus() { command -v prometheus >/dev/null 2>&1 && command -v promtool >/dev/null 2>&1; }

# Runs a command that installs a package, and lets no service start: Debian's Prometheus would listen on 9090 from then
# on, also after the next boot.
without_services() {
    policy=/usr/sbin/policy-rc.d
    if [ -e $policy ]; then
        "$@"
    else
        printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
        as_root chmod 755 $policy
        "$@" && installed=0 || installed=$?
        as_root rm -f $policy
        return "$installed"
    fi
}

ensure_prometheus() {
    has_prometheus && return
    if can_apt; then
        without_services apt_install prometheus || stop "prometheus could not be installed, see above"
        if command -v systemctl >/dev/null 2>&1; then
            as_root systemctl disable --quiet prometheus 2>/dev/null || true
        elif command -v update-rc.d >/dev/null 2>&1; then
            as_root update-rc.d prometheus disable >/dev/null 2>&1 || true
        fi
    elif command -v brew >/dev/null 2>&1; then
        say "installing prometheus"
        brew install --quiet prometheus >&2
    fi
    has_prometheus ||
        stop "prometheus or promtool is missing: install the package prometheus, or put both from https://prometheus.io/download into the PATH"
}

case ${1:-} in
    '' | lint | observe) ;;
    deploy)
        . "$(dirname "$0")/deploy-tools.sh"
        ensure_deploy_tools
        exit
        ;;
    *) stop "$1: it is lint, observe, deploy, or nothing" ;;
esac
ensure_rust
ensure_linker
ensure_wasm_target
ensure_redis
case ${1:-} in
    lint) ensure_lint_tools ;;
    observe) ensure_prometheus ;;
esac
