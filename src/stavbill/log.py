"""Logs: English events as JSON lines on standard error, with ids only.

Never names, addresses, sums or secrets. Source: operations page, «Observability».
"""

from __future__ import annotations

import logging
import sys

import structlog


def set_up_logging(*, unattended: bool = False) -> None:
    """Write events as JSON lines: warnings, or of an `unattended` process from `info` on."""
    level = logging.INFO if unattended else logging.WARNING
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )


def get_logger() -> structlog.typing.FilteringBoundLogger:
    """Return the logger that everybody uses."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger
