#!/bin/sh
# A month of billing against the sandbox, on this machine only.
set -eu
cd "$(dirname "$0")/.."
exec .venv/bin/stavbill sandbox --demo
