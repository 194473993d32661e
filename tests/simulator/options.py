"""What a simulation is made of, and what it says when something must never be."""

from __future__ import annotations

from dataclasses import dataclass

# What may go wrong; a failing seed is tried again with fewer of them.
EVERYTHING = (
    "lost_before", "lost_after", "lost_mid_batch", "late", "error_before", "error_after", "slow",
    "query_limit", "overload", "operation_time", "refused", "row_deleted", "row_added", "lag",
    "wialon", "crash", "pause", "two", "rerun", "approval", "check", "post", "people", "release",
    "kill_switch", "nightly", "second_store", "clock",
)  # fmt: skip


class Violated(AssertionError):
    """Something that must never be is; the text says what, `nights` how many it takes."""

    def __init__(self, text: str, nights: int = 0) -> None:
        super().__init__(text)
        self.nights = nights


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The same options give the same nights.

    `often` is how many times as likely every fault is. With `lively_only` the nights in which
    little happens are left out.
    """

    seed: int = 1
    nights: int = 10
    companies: int = 50
    faults: tuple[str, ...] = EVERYTHING
    often: float = 1.0
    lively_only: bool = False

    @property
    def words(self) -> str:
        """The command line that plays it again."""
        faults = "" if self.faults == EVERYTHING else f" --faults {','.join(self.faults)}"
        often = "" if self.often == 1 else f" --often {self.often:g}"
        sizes = f"--seed {self.seed} --nights {self.nights} --companies {self.companies}"
        lively = " --lively-only" if self.lively_only else ""
        return f"{sizes}{faults}{often}{lively}"
