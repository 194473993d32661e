"""Timeline entries: a comment on the company, known by the short mark at the end of its text.

Source: Bitrix24 reference 9.3; portal page, «Written».
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from typing_extensions import override

from stavbill.bitrix.batch import Command, Param
from stavbill.bitrix.write.marks import with_mark
from stavbill.bitrix.write.single import SingleCommand
from stavbill.bitrix.write.steps import Step, ask
from stavbill.bitrix.write.values import id_at, rows_at, text_at
from stavbill.plan.effects import AddTimeline, Effect, EffectKey
from stavbill.plan.keys import short_mark
from stavbill.plan.order import Order
from stavbill.plan.outcome import Found

_PAGE = 50


class TimelineExecutor(SingleCommand):
    """Makes `AddTimeline` happen, 50 comments a batch."""

    @override
    def takes(self, effect: Effect) -> bool:
        """Say whether `effect` is a timeline entry."""
        return isinstance(effect, AddTimeline)

    @override
    async def find(self, effects: Sequence[Effect]) -> Mapping[EffectKey, Found | None]:
        """Look for the marks in the companies' comments, the newest first, to the very end."""
        found: dict[EffectKey, Found | None] = {effect.key: None for effect in effects}
        open_pages = {f"c{place}": (effect, 0) for place, effect in enumerate(effects)}
        while open_pages:
            results = await ask(
                self._gateway,
                {key: _list(effect, start) for key, (effect, start) in open_pages.items()},
            )
            further: dict[str, tuple[Effect, int]] = {}
            for key, (effect, start) in open_pages.items():
                rows = rows_at(results[key].value)
                mark = short_mark(effect.key)
                ours = [row for row in rows if mark in text_at(row, "COMMENT")]
                comment = id_at(ours[-1], "ID") if ours else None
                if comment is not None:
                    found[effect.key] = Found(comment, complete=True)
                elif len(rows) == _PAGE:
                    further[key] = effect, start + _PAGE
            open_pages = further
        return found

    @override
    def step(self, order: Order) -> Step:
        """Return the command that adds the comment."""
        effect = order.effect
        if not isinstance(effect, AddTimeline):
            msg = f"not a timeline entry: {effect.kind}"
            raise TypeError(msg)
        # This method accepts its parameter in lower case only.
        fields: dict[str, Param] = {
            "ENTITY_ID": effect.company,
            "ENTITY_TYPE": "company",
            "COMMENT": with_mark(effect.text, effect.key),
        }
        command = Command("crm.timeline.comment.add", {"fields": fields})
        return Step(effect.key, lambda _: (command,), read_id=id_at)


def _list(effect: Effect, start: int) -> Command:
    return Command(
        "crm.timeline.comment.list",
        {
            "filter": {"ENTITY_ID": effect.company, "ENTITY_TYPE": "company"},
            "select": ["ID", "COMMENT"],
            "order": {"ID": "DESC"},
            "start": start,
        },
    )
