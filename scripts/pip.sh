#!/bin/sh
# Run the pip of PYTHON on a virtual environment without one: pip.sh PYTHON DIRECTORY ARGUMENTS…
# An interpreter without pip lends the one that comes with it (ensurepip), for this command alone.
set -eu
python=$1
venv=$2
shift 2

# --python came with pip 22.3.
lent=
if ! "$python" -m pip --python "$python" --version >/dev/null 2>&1; then
    lent=$(mktemp -d)
    trap 'rm -rf "$lent"' EXIT INT TERM
    if ! "$python" -m venv "$lent" >/dev/null 2>&1; then
        echo "'$python' has no pip of 22.3 or later. On Debian: apt-get install python3-pip" >&2
        exit 1
    fi
    python=$lent/bin/python
fi
"$python" -m pip --disable-pip-version-check --no-input --quiet --python "$venv/bin/python" "$@"
