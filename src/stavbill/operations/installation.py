"""Whose the portal is: the guard before every write, and taking a portal over.

The mark is read with every reading. Before this process writes for the first time, and again when
its last mark is an hour old, it puts the next one, and looks at what stands then: a second database
that began at the same moment sees that it came too late.

Source: beyond 15; docs/decisions/012-one-portal-one-store.md.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime

from stavbill.bitrix.read.shape import PortalShape
from stavbill.bitrix.write.portal_mark import MarkExecutor
from stavbill.clock import Clock
from stavbill.drawn import drawn_name
from stavbill.errors import ConfigError, NotOurPortalError, PortalError
from stavbill.journal.journal import Journal
from stavbill.journal.settings import LISTS_LAG_S
from stavbill.log import get_logger
from stavbill.plan.effects import EffectKey, PutMark
from stavbill.plan.keys import MARK_PREFIX
from stavbill.plan.portal_marks import PortalMark, StandingMark, Whose, head_of, whose
from stavbill.store.control import Flag, lower_flag, raise_flag, raised_flags
from stavbill.store.database import Store
from stavbill.store.effects import Status, intents_after
from stavbill.store.installation import (
    Installation,
    know_installation,
    knows_token,
    note_mark,
    raise_epoch,
)
from stavbill.store.recording import record_effects
from stavbill.store.runs import RunId, RunKind, RunState, set_state, start_run

MARK_LASTS_S = 3600.0
_LOOK_AGAIN_S = 5.0
_TAKE_OVER = (
    "Если писать должна эта база, остановите ту программу и выполните: "
    "stavbill portal takeover --yes"
)
_SAYS = {
    Whose.OTHER: "Портал {portal} ведёт другая база stavbill: {who}. Ничего не записано. {way}",
    Whose.TAKEN_OVER: ("Портал {portal} ведёт копия этой базы: {who}. Ничего не записано. {way}"),
    Whose.AHEAD: (
        "База отстала от портала {portal}: на нём запись, которой в ней нет: {who}. Ничего не "
        "записано. База восстановлена из копии или рядом работает её копия: остановите ту, затем "
        "сравните (stavbill restored) и примите то, что стоит: stavbill restored --adopt --yes"
    ),
}
log = get_logger()


@dataclass(slots=True)
class Marking:
    """What this process did about the mark: when it put the last one, by its monotonic clock."""

    at: float | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What taking over came to: whose the portal was («» for nobody's), and whose it is."""

    was: str
    installation: Installation
    changed: bool


class PortalGuard:
    """Guard of one portal for one process; `shape` is the portal as it was read last.

    `executor` is the one that `journal` puts marks with; that journal has no guard.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        shape: PortalShape,
        journal: Journal,
        executor: MarkExecutor,
        portal: str,
        owner: str,
        today: Callable[[], date],
        marking: Marking,
    ) -> None:
        """Look at nothing yet."""
        self._store = store
        self._clock = clock
        self._shape = shape
        self._journal = journal
        self._executor = executor
        self._portal = portal
        self._owner = owner
        self._today = today
        self._marking = marking

    async def require(self, *, mark: bool) -> None:
        """Raise `NotOurPortalError` unless the portal is ours; with `mark` it shows that it is."""
        # A portal without an own company gets no invoice from anybody.
        if self._shape.mark_owner is None:
            return
        async with self._marking.lock:
            known = know_installation(self._store, at=self._clock.now())
            standing = await self._standing()
            self._require_ours(known, standing)
            if mark and self._has_to_mark():
                await self._put_next(known, standing)

    async def take_over(self, *, who: str, restored: bool = False) -> Taken:
        """Make the portal ours, whosever it was: a new epoch, and its mark behind the last one.

        A database that is older than the portal first has to know what stands there: it is taken
        over by whoever `restored` it. Raises `NotOurPortalError` otherwise.
        """
        async with self._marking.lock:
            known = know_installation(self._store, at=self._clock.now())
            standing = await self._standing()
            head = head_of(standing)
            judged = self._judge(known, head)
            if not restored:
                self._require_no_quarantine()
                if judged is Whose.AHEAD:
                    self._require_ours(known, standing)
            was = "" if head is None else self._shown(head)
            with self._store.write() as db:
                lower_flag(db, self._portal, Flag.OTHER_STORE, who=who, at=self._clock.now())
            is_marked = head is not None and head.mark.epoch == known.epoch
            if judged is Whose.OURS and is_marked and not restored:
                return Taken(was=was, installation=known, changed=False)
            above = 0 if head is None else head.mark.epoch
            with self._store.write() as db:
                raised = raise_epoch(
                    db,
                    self._portal,
                    above=above,
                    who=who,
                    why=f"takeover: {was}",
                    at=self._clock.now(),
                )
            await self._put_next(raised, standing)
            return Taken(was=was, installation=raised, changed=True)

    def _has_to_mark(self) -> bool:
        at = self._marking.at
        if at is not None and self._clock.monotonic() - at < MARK_LASTS_S:
            return False
        # While a flag is up, nothing is written: the journal says so.
        with self._store.read() as db:
            return not raised_flags(db, self._portal)

    async def _standing(self) -> tuple[StandingMark, ...]:
        """Return the marks as they were read; listed again where that is long ago."""
        if self._shape.marks is not None and self._marking.at is None:
            return self._shape.marks
        if self._shape.marks is not None and not self._has_to_mark():
            return self._shape.marks
        return await self._executor.list_marks(self._owner_id())

    def _owner_id(self) -> int:
        owner = self._shape.mark_owner
        if owner is None:
            msg = f"На портале {self._portal} нет своей компании: отметить его негде."
            raise ConfigError(msg)
        return owner

    async def _put_next(self, known: Installation, standing: tuple[StandingMark, ...]) -> None:
        head = head_of(standing)
        last = known.token if head is None else head.mark.name
        mark = PortalMark(
            id=known.id,
            epoch=known.epoch,
            lineage=max(known.lineage, 0 if head is None else head.mark.lineage) + 1,
            name=drawn_name(),
            after=last,
            host=socket.gethostname(),
        )
        effect = PutMark(
            key=EffectKey(f"{MARK_PREFIX}{mark.name}"),
            own_company=self._owner_id(),
            mark=mark,
            replaces=tuple(one.comment for one in standing if one is not head),
        )
        await self._write(effect)
        seen = await self._seen_with(mark)
        self._require_ours(known, seen)
        stands = head_of(seen)
        if stands is not None:
            with self._store.write() as db:
                note_mark(db, lineage=stands.mark.lineage, token=stands.mark.name)
        self._marking.at = self._clock.monotonic()

    async def _write(self, effect: PutMark) -> None:
        """Put a mark by the journal, in a run of its own; raises when the portal declined it."""
        run, now = RunId(f"mark-{effect.mark.name}"), self._clock.now()
        with self._store.write() as db:
            start_run(
                db,
                run,
                portal=self._portal,
                kind=RunKind.MARK,
                on=self._today(),
                dry_run=False,
                at=now,
            )
            record_effects(db, run, [effect], portal=self._portal, by=self._owner, at=now)
            set_state(db, run, RunState.APPLYING, at=now)
        await self._journal.apply(run)
        with self._store.write() as db:
            (intent,) = intents_after(db, run)
            set_state(db, run, RunState.DONE, at=self._clock.now(), detail=intent.detail)
        if intent.status is not Status.DONE:
            msg = (
                f"Портал {self._portal} не принял служебную отметку: {intent.detail}. Без неё "
                "ничего не записывается. Дайте вебхуку право писать в карточку своей компании"
            )
            raise PortalError(msg)

    async def _seen_with(self, mark: PortalMark) -> tuple[StandingMark, ...]:
        """Return the marks as a list shows them that shows ours: it shows all before it too.

        Ours may be gone already, deleted along with the next one of who came before us: then
        another's stands. Raises `PortalError` when none at all is ever shown.
        """
        until = self._clock.monotonic() + 2 * LISTS_LAG_S
        standing = self._executor.standing
        while True:
            if standing is not None and any(one.mark.name == mark.name for one in standing):
                return standing
            if self._clock.monotonic() >= until:
                break
            if standing is not None:
                await self._clock.sleep(_LOOK_AGAIN_S)
            standing = await self._executor.list_marks(self._owner_id())
        if not standing:
            msg = (
                f"Портал {self._portal} принял служебную отметку, но не показывает её. Без неё "
                "ничего не записывается. Проверьте, что вебхук читает свою компанию "
                f"{self._owner_id()}, и повторите"
            )
            raise PortalError(msg)
        return standing

    def _judge(self, known: Installation, head: StandingMark | None) -> Whose:
        is_known = False
        if head is not None:
            with self._store.read() as db:
                is_known = knows_token(db, self._portal, head.mark.name)
        return whose(head, id_=known.id, epoch=known.epoch, is_known=is_known)

    def _require_ours(self, known: Installation, standing: tuple[StandingMark, ...]) -> None:
        head = head_of(standing)
        judged = self._judge(known, head)
        if judged is Whose.OURS or head is None:
            return
        self._require_no_quarantine()
        text = _SAYS[judged].format(portal=self._portal, who=self._shown(head), way=_TAKE_OVER)
        log.error("portal_is_not_ours", whose=judged.name.lower(), installation=head.mark.id)
        with self._store.write() as db:
            raise_flag(
                db,
                self._portal,
                Flag.QUARANTINE if judged is Whose.AHEAD else Flag.OTHER_STORE,
                reason=text,
                who=f"stavbill@{socket.gethostname()}",
                at=self._clock.now(),
            )
        raise NotOurPortalError(text, is_behind=judged is Whose.AHEAD)

    def _require_no_quarantine(self) -> None:
        """Raise `NotOurPortalError` while the database waits for somebody to adopt the world."""
        with self._store.read() as db:
            up = raised_flags(db, self._portal)
        for one in up:
            if one.flag is Flag.QUARANTINE:
                raise NotOurPortalError(one.reason, is_behind=True)

    def _shown(self, head: StandingMark) -> str:
        mark = head.mark
        return (
            f"сервер {mark.host}, установка {mark.id}, эпоха {mark.epoch}, отметка "
            f"{mark.lineage} от {_day_of(head.created)}"
        )


def _day_of(created: str) -> str:
    """Return the portal's own time of a comment as people write it."""
    try:
        return f"{datetime.fromisoformat(created):%d.%m.%Y %H:%M}"
    except ValueError:
        return created or "неизвестного времени"
