#!/bin/sh
# Runs every test of the native programs, the system and the manifests, and ends with one line that counts them all.
set -eu

sh infra/dev/setup.sh deploy

log=${CARGO_TARGET_DIR:-target}/tests.txt
# The exit codes of both, through the pipe. Pytest says why a test was skipped (-rs).
{
    cargo test --profile native --no-fail-fast 2>&1 && echo 0 >"$log.exit" || echo $? >"$log.exit"
    .local/deploy/bin/python -m pytest -q -rs -p no:cacheprovider tests/deploy 2>&1 || echo $? >"$log.exit"
} | tee "$log"
# "test result: ok. 12 passed; 0 failed; 1 ignored; …" of cargo, "3 failed, 245 passed, 1 skipped in 160.16s" of pytest.
awk '/^test result: / { passed += $4; failed += $6; ignored += $8 }
     / in [0-9.]+s/ { for (i = 2; i <= NF; i++) { word = $i; sub(",", "", word)
                          if (word == "passed") passed += $(i - 1)
                          if (word == "failed" || word == "error" || word == "errors") failed += $(i - 1)
                          if (word == "skipped") ignored += $(i - 1) } }
     END { printf "\n%d passed, %d failed, %d skipped\n", passed, failed, ignored }' "$log"
exit "$(cat "$log.exit")"
