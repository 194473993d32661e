#!/bin/sh
# Create a virtual environment without pip and setuptools: create-venv.sh PYTHON DIRECTORY
# What runs the service cannot install anything; scripts/pip.sh installs from outside.
set -eu
python=$1
venv=$2

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "stavbill needs Python 3.11 or later; '$python' is not. Try: make PYTHON=/path/to/python3.11 install" >&2
    exit 1
fi
"$python" -m venv --without-pip "$venv"
