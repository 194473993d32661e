#!/bin/sh
# Install the Debian packages named as arguments that are missing, as root or by sudo; without
# either, print the one line to run. Elsewhere than on Debian, say so and go on.
set -eu

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "Not a Debian system: make sure that the equivalents of these are installed: $*" >&2
    exit 0
fi

missing=
for package in "$@"; do
    state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif sudo -n true 2>/dev/null; then
    as_root='sudo -n'
else
    echo "Debian packages are missing. Run this once, then repeat:" >&2
    echo "    sudo apt-get install --no-install-recommends -y$missing" >&2
    exit 1
fi

echo "Installing Debian packages:$missing"
# The package index is refreshed only when it does not know them: an update takes a while.
# shellcheck disable=SC2086  # words, on purpose
install_missing() {
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install --no-install-recommends -y -qq $missing </dev/null >/dev/null
}
if ! install_missing 2>/dev/null; then
    $as_root apt-get update -qq </dev/null
    install_missing
fi
