"""Turn the sandbox's addresses and tokens into shell variables for the demonstration."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path


def main(ready_file: str) -> None:
    """Print `export` lines: the webhook, the Wialon tokens, and the words of `init` for them."""
    ready = json.loads(Path(ready_file).read_text(encoding="utf-8"))
    lines = {"STAVBILL_PORTAL_URL": ready["portal_url"]}
    words = []
    for name, host in ready["wialon"].items():
        variable = re.sub(r"\W", "_", name.upper())
        lines[f"STAVBILL_WIALON_TOKEN_{variable}"] = host["token"]
        words.append(f"--wialon {name}={host['url']}")
    lines["WIALON"] = " ".join(words)
    for name, value in lines.items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")


if __name__ == "__main__":
    main(sys.argv[1])
