#!/usr/bin/env bash
# Compiles requirements/*.txt from pyproject.toml and what the benchmarks' peers need, with the hashes of every file of a
# release, so that they install on Linux x86_64 and aarch64. Run it with Python 3.11, the oldest that we support.
# Arguments go to pip-compile, such as --upgrade or --upgrade-package msgspec.
set -euo pipefail
cd "$(dirname "$0")/.."

# One machine's package sources must not end up in files that everybody uses.
unset PIP_FIND_LINKS PIP_EXTRA_INDEX_URL PIP_CONSTRAINT
export PIP_CONFIG_FILE=/dev/null CUSTOM_COMPILE_COMMAND="scripts/lock.sh"

compile() {
    .venv/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
        --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options "$@"
}

compile --output-file requirements/run.txt "$@" pyproject.toml
compile --extra dev --constraint requirements/run.txt --output-file requirements/dev.txt "$@" \
    pyproject.toml requirements/dev.in
compile --constraint requirements/dev.txt --output-file benchmarks/peers/requirements.txt "$@" benchmarks/peers/requirements.in
