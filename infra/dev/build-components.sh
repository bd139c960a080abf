#!/bin/sh
# Builds the components for wasm32-wasip2.
#
#   build-components.sh check              whether a toolchain that can is there
#   build-components.sh build  PACKAGE...
#   build-components.sh clippy PACKAGE...
#
# With rustup's target where it is installed, else with Debian's packages rustc-web cargo-web rust-web-src wasi-libc lld:
# their compiler builds the standard library from source and links it with wasi-libc. The component linker is that of
# rustup's toolchain, or one that cargo has installed. WASM_TOOLCHAIN=rustup or WASM_TOOLCHAIN=debian insists on one way.
set -eu

target=wasm32-wasip2
# spin.toml looks for the components here, whatever CARGO_TARGET_DIR says.
target_dir=$(dirname "$0")/../../target
wasi_libc=/usr/lib/wasm32-wasi

sysroot=$(rustc --print sysroot)

has_target() { [ -d "$sysroot/lib/rustlib/$target/lib" ]; }

component_linker() {
    for linker in "$sysroot"/lib/rustlib/*/bin/wasm-component-ld; do
        if [ -x "$linker" ]; then
            echo "$linker"
            return
        fi
    done
    # One that is installed alone calls the system's wasm-ld.
    command -v wasm-ld >/dev/null && command -v wasm-component-ld
}

has_debian() {
    [ -x /usr/bin/cargo ] && [ -d "$wasi_libc" ] && [ -d "$(debian_sysroot)/lib/rustlib/src/rust/library" ] &&
        component_linker >/dev/null
}

debian_sysroot() { /usr/bin/rustc --print sysroot 2>/dev/null; }

use_debian() {
    linker=$(component_linker)
    folder=$(dirname "$linker")
    export RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc
    # Building the standard library is not a stable feature; nothing else that is unstable is used.
    export RUSTC_BOOTSTRAP=1
    export CARGO_TARGET_WASM32_WASIP2_LINKER="$linker"
    export CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS="-L native=$wasi_libc"
    # In rustup's toolchain, wasm-ld is in gcc-ld.
    export PATH="/usr/bin:$folder:$folder/gcc-ld:$PATH"
}

toolchain() {
    case ${WASM_TOOLCHAIN:-} in
        rustup | debian) echo "$WASM_TOOLCHAIN" ;;
        '') if has_target; then echo rustup; elif has_debian; then echo debian; else echo none; fi ;;
        *)
            echo "WASM_TOOLCHAIN=$WASM_TOOLCHAIN: it is rustup or debian" >&2
            exit 2
            ;;
    esac
}

verb=$1
shift
toolchain=$(toolchain)

case $verb in
    check)
        case $toolchain in
            rustup) has_target ;;
            debian) has_debian ;;
            none) false ;;
        esac
        ;;
    build | clippy)
        packages=
        for package in "$@"; do
            packages="$packages -p $package"
        done
        last=
        if [ "$verb" = clippy ]; then last='-- -D warnings'; fi
        # Word splitting makes the arguments.
        # shellcheck disable=SC2086
        case $toolchain in
            rustup) exec cargo "$verb" --release --target $target --target-dir "$target_dir" $packages $last ;;
            debian)
                use_debian
                if [ "$verb" = clippy ] && [ ! -x /usr/bin/cargo-clippy ]; then
                    echo "no clippy for the components: it is in the package rust-web-clippy" >&2
                    exit 2
                fi
                exec /usr/bin/cargo "$verb" -Zbuild-std=std,panic_abort \
                    --release --target $target --target-dir "$target_dir" $packages $last
                ;;
            none)
                echo "no toolchain for $target: make setup" >&2
                exit 2
                ;;
        esac
        ;;
    *)
        echo "build-components.sh: check, build or clippy, not $verb" >&2
        exit 2
        ;;
esac
