"""Marks of installations: comments in the timeline of our own company, added, listed, deleted.

Why there: docs/decisions/012-one-portal-one-store.md. Source: b24restdocs:
api-reference/crm/timeline/comments (`add`, `list`, `delete`); Bitrix24 reference 9.3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

from stavbill.bitrix.batch import Command, CommandFailure, Json, Markup, Param
from stavbill.bitrix.failures import (
    CallRefusedError,
    CallUnclearError,
    Verdict,
    judge,
    say,
)
from stavbill.bitrix.gateway import Gateway
from stavbill.bitrix.write.steps import NotReadBack, ask, raise_failure
from stavbill.bitrix.write.values import id_at, rows_at, text_at
from stavbill.plan.effects import Effect, EffectKey, PutMark
from stavbill.plan.order import Order
from stavbill.plan.outcome import Done, Found, Outcome, Refused, Rejected, Unclear
from stavbill.plan.portal_marks import StandingMark, mark_in

_ADD = "crm.timeline.comment.add"
PAGE = 50
# Marks that no longer count are few; whatever a crash left goes with the next ones.
_MOST_DELETED = 40


class MarkExecutor(NotReadBack):
    """Makes `PutMark` happen; the same request lists the marks that stand then.

    `standing` are the marks as they were last listed, None when nothing has listed them.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.standing: tuple[StandingMark, ...] | None = None

    def takes(self, effect: Effect) -> bool:
        """Say whether `effect` is a mark."""
        return isinstance(effect, PutMark)

    def weigh(self, order: Order) -> int:
        """Return the commands that add, list and delete."""
        return 2 + len(_mark(order.effect).replaces[:_MOST_DELETED])

    async def find(self, effects: Sequence[Effect]) -> Mapping[EffectKey, Found | None]:
        """Look for the names among all marks that stand."""
        wanted = [_mark(effect) for effect in effects]
        found: dict[EffectKey, Found | None] = {}
        for owner in {one.own_company for one in wanted}:
            names = {one.mark.name: one.comment for one in await self.list_marks(owner)}
            for one in wanted:
                if one.own_company == owner:
                    comment = names.get(one.mark.name)
                    found[one.key] = None if comment is None else Found(comment, complete=True)
        return found

    async def list_marks(self, own_company: int) -> tuple[StandingMark, ...]:
        """Return every mark in the timeline of an own company, and keep them as `standing`."""
        standing: list[StandingMark] = []
        start = 0
        while True:
            results = await ask(self._gateway, {"marks": list_marks(own_company, start)})
            rows = rows_at(results["marks"].value)
            standing.extend(standing_marks(rows))
            if len(rows) < PAGE:
                break
            start += PAGE
        self.standing = tuple(standing)
        return self.standing

    async def send(self, orders: Sequence[Order]) -> Mapping[EffectKey, Outcome]:
        """Add each mark, list what stands then, and delete what no longer counts."""
        return {order.effect.key: await self._send(_mark(order.effect)) for order in orders}

    async def _send(self, effect: PutMark) -> Outcome:
        self.standing = None
        # This method accepts its parameter in lower case only.
        fields: dict[str, Param] = {
            "ENTITY_ID": effect.own_company,
            "ENTITY_TYPE": "company",
            # Every sign of it is ours.
            "COMMENT": Markup(effect.mark.text),
        }
        commands = {
            "add": Command(_ADD, {"fields": fields}),
            "marks": list_marks(effect.own_company),
        }
        for comment in effect.replaces[:_MOST_DELETED]:
            commands[f"d{comment}"] = Command("crm.timeline.comment.delete", {"id": comment})
        try:
            answer = await self._gateway.batch(commands, halt=False)
        except CallRefusedError as error:
            return Refused(str(error), ceil(error.retry_after_s))
        except CallUnclearError as error:
            return Unclear(str(error))
        if (failure := answer.failed.get("add")) is not None:
            return self._failed(failure)
        listed = answer.ran.get("marks")
        if listed is not None and not listed.has_next:
            self.standing = standing_marks(rows_at(listed.value))
        comment_id = id_at(answer.ran["add"].value)
        return (
            Unclear(f"{_ADD}: портал не назвал номер") if comment_id is None else Done(comment_id)
        )

    def _failed(self, failure: CommandFailure) -> Outcome:
        reason = say(_ADD, failure.code, failure.description)
        verdict = judge(failure.code)
        if verdict is Verdict.ACCESS:
            raise_failure(self._gateway, _ADD, failure)
        if verdict is Verdict.REJECTED:
            return Rejected(reason)
        return Unclear(reason) if verdict is Verdict.UNCLEAR else Refused(reason)


def list_marks(own_company: int, start: int = 0) -> Command:
    """Return the command that reads a page of an own company's comments, the newest first."""
    return Command(
        "crm.timeline.comment.list",
        {
            "filter": {"ENTITY_ID": own_company, "ENTITY_TYPE": "company"},
            "select": ["ID", "COMMENT", "CREATED"],
            "order": {"ID": "DESC"},
            "start": start,
        },
    )


def standing_marks(rows: Sequence[dict[str, Json]]) -> tuple[StandingMark, ...]:
    """Return the marks among comments."""
    return tuple(
        StandingMark(comment=comment, mark=mark, created=text_at(row, "CREATED"))
        for row in rows
        if (mark := mark_in(text_at(row, "COMMENT"))) is not None
        and (comment := id_at(row, "ID")) is not None
    )


def _mark(effect: Effect) -> PutMark:
    if not isinstance(effect, PutMark):
        msg = f"not a mark: {effect.kind}"
        raise TypeError(msg)
    return effect
