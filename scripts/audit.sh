#!/bin/sh
# Ask which vulnerabilities are known in what a lock installs, and keep the answer beside it:
# audit.sh [OPTIONS OF pip-audit…]. LOCK and KEEP name the lock and the folder of the answer.
# Without a network: say what was known when it was last asked, and when that was.
# Ends with 0 when none is known, 1 when some are, 2 when there is no answer for all of the lock.
set -eu
cd "$(dirname "$0")/.."
lock=${LOCK:-requirements.lock}
folder=${KEEP:-build}
kept=$folder/audit.json
fresh=$folder/audit.json.new

mkdir -p "$folder"
rm -f "$fresh"
# Hashed requirements are complete: nothing is resolved, downloaded or installed. A package that the
# service does not know was not looked at: half an answer is none (--strict). pip-audit ends with 1
# for vulnerabilities and for trouble alike; only an answer is written to the file.
.venv/bin/pip-audit "$@" --requirement "$lock" --disable-pip --require-hashes --strict \
    --progress-spinner off --format json --desc off --output "$fresh" \
    2>"$folder/audit.log" || true
if [ -s "$fresh" ]; then
    mv "$fresh" "$kept"
else
    grep -v '^ *$' "$folder/audit.log" | tail -n 1 | cut -c -300 >&2
    if [ ! -s "$kept" ]; then
        echo "Nobody could be asked about vulnerabilities, and no earlier answer is kept." >&2
        exit 2
    fi
    echo "Nobody could be asked about vulnerabilities. Known on $(date -r "$kept" +%F):" >&2
fi
exec .venv/bin/python - "$kept" "$lock" <<'END'
import json
import re
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    asked = json.load(file)["dependencies"]
with open(sys.argv[2], encoding="utf-8") as file:
    locked = set(re.findall(r"^([a-z0-9-]+)==([^ \\\n]+)", file.read(), re.MULTILINE))
found = [(package, known) for package in asked for known in package["vulns"]]
for package, known in found:
    mended = ", ".join(known["fix_versions"]) or "no version yet"
    print(f"{package['name']} {package['version']}: {known['id']}, mended in {mended}")
print(f"{len(asked)} packages, known vulnerabilities: {len(found)}")
unasked = sorted(locked - {(package["name"], package["version"]) for package in asked})
for name, version in unasked:
    print(f"{name} {version}: was not asked about")
sys.exit(1 if found else 2 if unasked else 0)
END
