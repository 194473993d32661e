"""What a portal tells about itself before anything is configured: answers, and what they mean.

Two requests. A command that the portal declines is an answer too: `doctor` and `init` name it.
Source: portal page, «Connecting»; Bitrix24 reference 5.4, 6.6, 9.6 to 9.9.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from stavbill.bitrix.batch import BatchAnswer, Command, CommandFailure, Json, Param
from stavbill.bitrix.failures import CallRefusedError, CallUnclearError
from stavbill.bitrix.gateway import Gateway
from stavbill.bitrix.labels import LabelMatches, match_labels
from stavbill.bitrix.mapping import UserField
from stavbill.bitrix.read.pages import with_all_pages
from stavbill.bitrix.read.shape import PortalShape, first_questions, known_shape, second_questions
from stavbill.bitrix.server_time import ServerTime
from stavbill.bitrix.write.values import id_at, rows_at, text_at
from stavbill.clock import Clock
from stavbill.plan.effects import InvoiceStage

CALLS_GROUP = "Повторные прозвоны МПП"
ACTIVE_BEGINS = "актив"
OWN_CODES = ("subscription", "fuel", "dispatching")
TRIES = 3
WAIT_S = 1.0

_FEE = re.compile(r"\s*абонплата\s+за\s+(?P<name>[^(]+?)\s*\([^)]*\d\s*\*\s*\d.*", re.IGNORECASE)
_NOT_A_WORD = re.compile(r"[^a-z0-9]+")
_LATIN = dict(zip("абвгдезийклмнопрстуфыэё", "abvgdeziyklmnoprstufyee", strict=True)) | {
    "ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sch", "ъ": "", "ь": "",
    "ю": "yu", "я": "ya",
}  # fmt: skip
# Zones by their whole hours east of Greenwich; Moscow's neighbours keep no summer time.
_ZONES = {
    0: "UTC", 2: "Europe/Kaliningrad", 3: "Europe/Moscow",
    4: "Europe/Samara", 5: "Asia/Yekaterinburg", 6: "Asia/Omsk", 7: "Asia/Krasnoyarsk",
    8: "Asia/Irkutsk", 9: "Asia/Yakutsk", 10: "Asia/Vladivostok", 11: "Asia/Magadan",
    12: "Asia/Kamchatka",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """A portal's own description, with gaps where a command was declined.

    `groups` are names of the workgroups asked for, by id, `users` says of each user asked for
    whether the portal has them active. `scopes` is None where the portal does not tell;
    `declined` names the commands without an answer; `offset_h` is the portal's clock in hours.
    """

    shape: PortalShape
    groups: Mapping[int, str]
    users: Mapping[int, bool]
    scopes: frozenset[str] | None
    offset_h: float | None
    declined: Mapping[str, CommandFailure]
    time: ServerTime | None = None

    def group_named(self, name: str) -> int | None:
        """Return the workgroup of this name, case and spaces aside; None when not just one."""
        wanted = _plain(name)
        found = [group for group, known in self.groups.items() if _plain(known) == wanted]
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class FurtherService:
    """A field that looks like a further fee: a code for it, its name, and the field."""

    code: str
    name: str
    field: UserField


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What the portal's answers mean for the configuration; nothing in it is guessed.

    `fields` are by the setting's name. `active` are the values of «Статус» that begin with
    «Актив», `connections` those of «Где найти» where it is a list. `stages` has "" where the stage
    list does not tell; `time_zone` is "" where the portal does not.
    """

    survey: Survey
    matches: LabelMatches
    fields: Mapping[str, UserField]
    services: tuple[FurtherService, ...]
    active: tuple[str, ...]
    connections: tuple[str, ...]
    stages: Mapping[InvoiceStage, str]
    calls_group: int | None
    time_zone: str


async def survey_portal(
    gateway: Gateway, clock: Clock, *, groups: Sequence[int] = (), users: Sequence[int] = ()
) -> Survey:
    """Ask the portal about itself; `groups` and `users` are ids that must be there.

    Raises `PortalError` when the portal cannot be asked at all: unreachable, or a wrong webhook.
    """
    first = await _ask(gateway, clock, first_questions() | _further_questions(groups, users))
    then = second_questions(first.ran)
    second = await _ask(gateway, clock, then) if then else BatchAnswer({}, {}, frozenset())
    ran = {key: result.value for key, result in first.ran.items()}
    scopes = ran.get("scope")
    return Survey(
        shape=known_shape(first.ran, second.ran),
        groups=_named(ran.get("calls_group")) | _named(ran.get("groups")),
        users={
            user: row.get("ACTIVE") not in (False, "N", "0")
            for row in rows_at(ran.get("users"))
            if (user := id_at(row, "ID")) is not None
        },
        scopes=frozenset(map(str, scopes)) if isinstance(scopes, list) else None,
        offset_h=_offset(ran.get("time")),
        declined={**first.failed, **second.failed},
    )


def discover(survey: Survey) -> Discovery:
    """Match what a portal has with what the settings want.

    Source: portal page, «Connecting»; billing rules §9 (active statuses).
    """
    shape = survey.shape
    matches = match_labels({code: known.labels for code, known in shape.fields.items()})
    fields = {name: shape.fields[code] for name, code in matches.codes.items()}
    status, connection = fields.get("status"), fields.get("connection")
    return Discovery(
        survey=survey,
        matches=matches,
        fields=fields,
        services=_services(shape.fields, matches),
        active=tuple(
            text
            for text in (status.options.values() if status is not None else ())
            if text.strip().casefold().startswith(ACTIVE_BEGINS)
        ),
        connections=tuple(connection.options.values()) if connection is not None else (),
        stages=shape.found_stages(),
        calls_group=survey.group_named(CALLS_GROUP),
        time_zone=zone_of(survey.offset_h),
    )


def zone_of(offset_h: float | None) -> str:
    """Return a time zone with this offset, "" for an unknown or a broken one."""
    return _ZONES.get(int(offset_h), "") if offset_h is not None and offset_h % 1 == 0 else ""


def _further_questions(groups: Sequence[int], users: Sequence[int]) -> dict[str, Command]:
    asked: dict[str, Command] = {
        "time": Command("server.time"),
        "scope": Command("scope"),
        "calls_group": Command("sonet_group.get", {"FILTER": {"NAME": CALLS_GROUP}}),
    }
    wanted: dict[str, Param]
    if groups:
        wanted = {"FILTER": {"ID": list(groups)}}
        asked["groups"] = Command("sonet_group.get", wanted)
    if users:
        wanted = {"FILTER": {"ID": list(users)}}
        asked["users"] = Command("user.get", wanted)
    return asked


async def _ask(gateway: Gateway, clock: Clock, commands: Mapping[str, Command]) -> BatchAnswer:
    """Send one batch of reads, and what belongs to its lists; all of them are whole."""
    ask = partial(_ask_once, gateway, clock)
    return await with_all_pages(ask, commands, await ask(commands))


async def _ask_once(gateway: Gateway, clock: Clock, commands: Mapping[str, Command]) -> BatchAnswer:
    """Send one batch; what may pass by itself is tried again, reading harms nobody."""
    for left in reversed(range(TRIES)):
        try:
            return await gateway.batch(commands, halt=False)
        except CallUnclearError:
            if not left:
                raise
            await clock.sleep(WAIT_S)
        except CallRefusedError as refused:
            # Without a code nobody listens there: the operator should not wait to hear that.
            if not left or not refused.code:
                raise
            await clock.sleep(max(refused.retry_after_s, WAIT_S))
    msg = "the last try either answers or raises"
    raise AssertionError(msg)


def _services(fields: Mapping[str, UserField], matches: LabelMatches) -> tuple[FurtherService, ...]:
    """Return fields «Абонплата за …» with the fee grammar in their hint that no setting has."""
    taken = set(matches.codes.values()).union(*matches.ambiguous.values())
    found: dict[str, FurtherService] = {}
    for code, known in fields.items():
        label = next((text for text in known.labels if _FEE.fullmatch(text)), "")
        fee = _FEE.fullmatch(label)
        if fee is None or code in taken or known.multiple or known.kind != "string":
            continue
        name = " ".join(fee["name"].split())
        service = FurtherService(_slug(name), name, replace(known, labels=(label,)))
        while service.code in {*found, *OWN_CODES}:
            service = replace(service, code=service.code + "_2")
        found[service.code] = service
    return tuple(found.values())


def _slug(name: str) -> str:
    latin = "".join(_LATIN.get(sign, sign) for sign in name.casefold())
    words = _NOT_A_WORD.sub("_", latin).strip("_")
    return words if words[:1].isalpha() else f"service_{words}".rstrip("_")


def _named(groups: Json) -> dict[int, str]:
    return {
        group: text_at(row, "NAME")
        for row in rows_at(groups)
        if (group := id_at(row, "ID")) is not None
    }


def _offset(time: Json) -> float | None:
    try:
        moment = datetime.fromisoformat(str(time))
    except ValueError:
        return None
    offset = moment.utcoffset()
    return None if offset is None else offset.total_seconds() / 3600


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
