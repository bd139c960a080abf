#!/bin/sh
# Runs every test of the native programs and the system, and ends with one line that counts them all.
set -eu

log=${CARGO_TARGET_DIR:-target}/tests.txt
# The exit code of cargo, through the pipe.
{ cargo test --profile native --no-fail-fast 2>&1 && echo 0 >"$log.exit" || echo $? >"$log.exit"; } | tee "$log"
awk '/^test result: / { passed += $4; failed += $6; ignored += $8 }
     END { printf "\n%d passed, %d failed, %d skipped\n", passed, failed, ignored }' "$log"
exit "$(cat "$log.exit")"
