#!/bin/sh
# Create a virtual environment with pip in it: create-venv.sh PYTHON DIRECTORY
set -eu
python=$1
venv=$2

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "stavbill needs Python 3.11 or later; '$python' is not. Try: make PYTHON=/path/to/python3.11 install" >&2
    exit 1
fi

# Debian ships ensurepip in a package of its own (python3-venv); its pip can stand in for it.
if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    "$python" -m venv "$venv"
else
    "$python" -m venv --without-pip "$venv"
    "$python" -m pip --disable-pip-version-check --no-input --quiet --python "$venv/bin/python" install pip
fi
