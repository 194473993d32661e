"""The worker's section of stavbill.toml: what is begun when."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StrictInt, StrictStr

from stavbill.crontab import check_crontab
from stavbill.settings.section import Section

Crontab = Annotated[StrictStr, AfterValidator(check_crontab)]


class WorkerSettings(Section):
    """Schedules in the portal's time zone; an empty one is never due.

    The month's run is begun on working days only. `shares` is how many workers may write one run
    side by side; `keep_days` how long ended workflows are remembered.
    """

    month: Crontab = "0 7 * * *"
    sync: Crontab = "20 * * * *"
    nightly: Crontab = "30 2 * * *"
    send: Crontab = "*/5 * * * *"
    tidy: Crontab = "10 4 * * *"
    shares: Annotated[StrictInt, Field(ge=1, le=16)] = 2
    keep_days: Annotated[StrictInt, Field(ge=1)] = 90
