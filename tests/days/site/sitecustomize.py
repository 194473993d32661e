"""Gives every process of a run another day: Python imports this before anything else.

Variables that `python -m tests.days` sets say by how many seconds the clock is moved. Only the time
of day is: waiting goes by the machine's monotonic clock.
"""

from __future__ import annotations

import os

SHIFT = "STAVBILL_TEST_SHIFT_S"

if os.environ.get(SHIFT):
    import time

    import time_machine

    shift_s = float(os.environ[SHIFT])
    traveller = time_machine.travel(time.time() + shift_s, tick=True).start()
    # Starting takes a while, which would leave each process behind by another one.
    traveller.move_to(time_machine.escape_hatch.time.time() + shift_s)
