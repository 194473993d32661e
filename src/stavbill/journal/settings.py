"""The journal's times and sizes.

Source: engine page, rule 2; performance page, «What follows»; Bitrix24 reference 1.8.
"""

from __future__ import annotations

from dataclasses import dataclass

# What was executed is missing from lists for so long at most, before its absence is believed.
LISTS_LAG_S = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalSettings:
    """Times in seconds.

    The portal may execute a request up to `late_s` after it was sent, and its lists may then be
    behind by `LISTS_LAG_S`: `quiet_s` covers both, and nothing in doubt is asked for earlier. A
    request is given up after `request_timeout_s`; it is sent only while at least that much is left
    of its claim, which lasts `claim_s`. A read-back that differs is asked again, every
    `lag_step_s`, until `lag_s` after the write.

    `in_flight` batches of `batch_commands` are sent at a time, beside `asking` questions. Doubts
    are collected for at most `collect_s`, or until there are `find_chunk`, so that one request
    asks for many. When nothing but failures came back for `patience_s`, the run stops; what failed
    is tried again after `retry_s`, twice as long each time, at most a minute.
    """

    in_flight: int = 16
    asking: int = 8
    batch_commands: int = 50
    request_timeout_s: float = 75.0
    claim_s: float = 150.0
    late_s: float = 60.0
    quiet_s: float = 60.0 + LISTS_LAG_S
    lag_s: float = 60.0
    lag_step_s: float = 5.0
    collect_s: float = 20.0
    find_chunk: int = 500
    retry_s: float = 2.0
    patience_s: float = 900.0
    poll_s: float = 15.0

    def __post_init__(self) -> None:
        """Refuse times under which a write could happen twice."""
        if self.quiet_s < self.late_s + LISTS_LAG_S:
            msg = "quiet_s must cover late_s and lagging lists: a late request would be sent again"
            raise ValueError(msg)
        if self.claim_s <= self.request_timeout_s:
            msg = "claim_s must be longer than request_timeout_s: nothing could ever be sent"
            raise ValueError(msg)
