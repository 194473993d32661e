"""A real browser without a window: Debian's chromium, asking for nothing outside this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

MISSING = "chromedriver was not found. `make test` installs it (Debian: chromium, chromium-driver)."
PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/150.0.0.0 Safari/537.36"
PHONE = (360, 640)
SWITCHES = (
    "--headless=new",
    "--no-sandbox",  # tests may run as root, and see only pages of their own
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@contextmanager
def browser(agent: str = PERSON) -> Iterator[Chrome]:
    """Open a browser that says it is `agent`; "" leaves what it says by itself."""
    driver = shutil.which("chromedriver")
    if driver is None:
        pytest.fail(MISSING, pytrace=False)
    options = ChromeOptions()
    for switch in SWITCHES:
        options.add_argument(switch)
    if agent:
        options.add_argument(f"--user-agent={agent}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = Chrome(options=options, service=Service(driver))
    try:
        yield opened
    finally:
        opened.quit()


def complaints(driver: Chrome) -> list[str]:
    """Return what the browser complained of: scripts, styles and addresses that it refused."""
    entries = driver.get_log("browser")  # type: ignore[no-untyped-call]
    return [entry["message"] for entry in entries if "favicon.ico" not in entry["message"]]
