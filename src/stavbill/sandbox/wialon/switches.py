"""How strict the host is, and how it behaves where the documentation is silent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Switches:
    """Behaviour that differs between hosts or is confirmed by no source, each with its default.

    Source: wialon.md §1.1, §1.6, §1.7, §2.3, §2.4, §3.1, §9.3.
    """

    get_allowed: bool = False
    """Answer GET too; the documentation knows POST only."""
    bpact_given: bool = True
    """Accounts carry `bpact`; old products may lack it."""
    act_needs_connectivity: bool = False
    """`act` and `dactt` are left out for a token without the right to view connectivity."""
    account_data_needs_everything: bool = False
    """`account/get_account_data` is refused to a token below -1."""
    usage_by_account: bool = True
    """The plan shows `activated_units` and `seasonal_units`."""
    inaccessible_account_is_missing: bool = True
    """Of several accounts asked for, one without access is left out; else it is an error 7."""
    idle_session_s: float = 300.0
    """Seconds without a request after which a session is gone."""
    concurrent_requests: int = 10
    """Simultaneous requests of one session."""
    concurrent_error: int = 1003
    """Code for one request too many: 1003 or 10, both fit the documentation."""
    logins_per_minute: int = 120
    """Successful logins from one address in a minute."""
    failed_logins_per_minute: int = 10
    """Failed logins from one address in a minute."""
    block_s: float = 60.0
    """Seconds for which an address that exceeded either is shut out."""
    events_per_10_s: int = 10
    """Calls of `avl_evts` by one session in ten seconds."""
    local_version: str = ""
    """What Wialon Local adds to the login's answer; empty on Hosting."""
