"""The text of a new stavbill.toml: what the portal told, with remarks for whoever reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import tomlkit
from tomlkit.items import InlineTable

from stavbill.bitrix.discover import CALLS_GROUP, Discovery, FurtherService
from stavbill.bitrix.labels import WANTED, WantedLabel
from stavbill.bitrix.mapping import UserField
from stavbill.plan.effects import InvoiceStage
from stavbill.settings.defaults import default_issuers
from stavbill.settings.template import optional_toml, quoted, rules_toml, sections_toml

NOT_FOUND = "# НЕ НАЙДЕНО: "
STAGE_WORDS = {
    InvoiceStage.NEW: "новый",
    InvoiceStage.SENT: "отправлен клиенту",
    InvoiceStage.PAID: "оплачен",
    InvoiceStage.CANCELLED: "отменён",
}
HEAD = """\
# Настройки stavbill. Секретов здесь нет: вебхук и токены Wialon берутся из окружения
# (STAVBILL_PORTAL_URL, STAVBILL_WIALON_TOKEN_<ИМЯ>) или из файла stavbill.env рядом.
# Строки «НЕ НАЙДЕНО» допишите и уберите перед ними #. Проверка: stavbill --config ФАЙЛ doctor
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What the portal does not know: where it is, the Wialon hosts by name, the store."""

    portal_url: str
    wialon: Mapping[str, str]
    database_url: str = ""


def whole_toml(
    found: Discovery, installation: Installation, issuer_problems: Sequence[str] = ()
) -> str:
    """Return the whole file for a newly discovered portal."""
    sections = (
        HEAD,
        _portal(found, installation),
        stages_toml(found),
        fields_toml(found),
        *(_service(service) for service in found.services),
        _statuses(found),
        _issuers(found, issuer_problems),
        sections_toml(),
        _tasks(found),
        *_wialon(installation.wialon),
        _database(installation.database_url),
        optional_toml(),
    )
    return "\n".join(section for section in sections if section)


def stages_toml(found: Discovery) -> str:
    """Return [portal.stages]; a meaning that the stage list does not tell stands as a remark."""
    names = {stage.code: stage.name for stage in found.survey.shape.stages}
    lines = ["[portal.stages]"]
    for meaning in InvoiceStage:
        code = found.stages[meaning]
        if code:
            lines.append(f"{meaning.value} = {quoted(code)}{_remark(names.get(code, ''))}")
        else:
            lines += [
                f"{NOT_FOUND}стадия счёта «{STAGE_WORDS[meaning]}»: впишите её код",
                f'# {meaning.value} = "DT31_0:CODE"',
            ]
    return "\n".join(lines) + "\n"


def fields_toml(found: Discovery) -> str:
    """Return [fields]; what no label leads to stands as a remark to fill in."""
    lines = ["# Поля карточки компании: настройка = поле этого портала.", "[fields]"]
    for wanted in WANTED:
        field = found.fields.get(wanted.name)
        if field is not None:
            lines.append(field_line(wanted.name, field))
        else:
            lines += remarks_for(wanted, found)
    return "\n".join(lines) + "\n"


def remarks_for(wanted: WantedLabel, found: Discovery) -> list[str]:
    """Return the remarks about a setting that no label leads to, or more than one."""
    if wanted.name in found.matches.ambiguous:
        return _several(wanted, found)
    if wanted.required:
        return [f"{NOT_FOUND}поле «{wanted.labels[0]}»", f"# {fill_in(wanted)}"]
    return [f"# {fill_in(wanted)}  # необязательно: «{wanted.labels[0]}»"]


def field_line(name: str, field: UserField) -> str:
    """Return the line of [fields] that maps setting `name` to `field`."""
    return f"{name} = {_field(field)}"


def fill_in(wanted: WantedLabel) -> str:
    """Return the line of [fields] as it must be filled in by hand."""
    return f'{wanted.name} = "UF_CRM_…"'


def _several(wanted: WantedLabel, found: Discovery) -> list[str]:
    """Return the remark for a label that more than one field bears: one of them is chosen."""
    fields = found.survey.shape.fields
    return [
        f"{NOT_FOUND}«{wanted.labels[0]}» подходит к нескольким полям, оставьте одну строку",
        *(
            f"# {field_line(wanted.name, fields[code])}"
            for code in found.matches.ambiguous[wanted.name]
        ),
    ]


def _field(field: UserField) -> str:
    return field_table(field).as_string()


def field_table(field: UserField) -> InlineTable:
    """Return the value that maps a setting to `field`: its code, and how it was found."""
    table = tomlkit.inline_table()
    table["code"] = field.code
    table["label"] = one_line(field.label)
    if field.kind:
        table["type"] = field.kind
    if field.multiple:
        table["multiple"] = True
    return table


def _portal(found: Discovery, installation: Installation) -> str:
    lines = ["[portal]", f"url = {quoted(installation.portal_url)}"]
    if found.time_zone:
        lines.append(f"time_zone = {quoted(found.time_zone)}  # по часам портала")
    else:
        lines += [f"{NOT_FOUND}часовой пояс портала", '# time_zone = "Europe/Moscow"']
    lines.append('calendar = "RU"  # производственный календарь: RU или KZ')
    return "\n".join(lines) + "\n"


def _service(service: FurtherService) -> str:
    name = quoted(service.name)
    return (
        f"[[services]]  # дополнительная услуга: поле с тарифом, названным в подсказке\n"
        f"code = {quoted(service.code)}  # стоит в ключах счетов: не меняйте после запуска\n"
        f"field = {_field(service.field)}\n"
        f"line = {name}  # в строке счёта, перед месяцем\n"
        f"title = {name}  # в заголовке отдельного счёта\n"
    )


def _statuses(found: Discovery) -> str:
    head = "# Значения поля «Статус», при которых компании выставляется счёт.\n[statuses]\n"
    if not found.active:
        return (
            f"{NOT_FOUND}значения «Статуса», начинающиеся с «Актив»\n{head}"
            '# active = ["Активная компания"]\n'
        )
    return f"{head}active = {_list(found.active)}\n"


def _issuers(found: Discovery, problems: Sequence[str]) -> str:
    """Return the rule table, with the ids of the templates that the portal has."""
    text = rules_toml()
    for rule in default_issuers():
        ids = template_ids(found.survey.shape.templates, rule["templates"])
        line = f"templates = {_list(rule['templates'])}\n"
        if ids:
            text = text.replace(line, f"{line}template_ids = {_list(ids)}\n", 1)
    return "".join(f"{NOT_FOUND}{problem}\n" for problem in problems) + text


def template_ids(templates: Mapping[str, str], names: Iterable[str]) -> list[str]:
    """Return the ids of the portal's templates with one of these names, case and spaces aside."""
    wanted = {" ".join(name.casefold().split()) for name in names}
    return [
        template
        for template, name in templates.items()
        if " ".join(name.casefold().split()) in wanted
    ]


def _tasks(found: Discovery) -> str:
    lines = ["[tasks]", "# workgroup = 0  # рабочая группа для задач о задержанных компаниях"]
    me = found.survey.shape.me
    if me is not None:
        lines.append(f"default_responsible = {me}  # владелец вебхука: кому задачи без менеджера")
    else:
        lines += [f"{NOT_FOUND}пользователь вебхука", "# default_responsible = 0"]
    if found.calls_group is not None:
        lines.append(f"calls_workgroup = {found.calls_group}  # «{CALLS_GROUP}»")
    else:
        lines += [f"{NOT_FOUND}рабочая группа «{CALLS_GROUP}»", "# calls_workgroup = 0"]
    return "\n".join(lines) + "\n"


def _wialon(connections: Mapping[str, str]) -> list[str]:
    if not connections:
        head = f"{NOT_FOUND}подключения к Wialon: по одному на каждое значение «Где найти»\n"
        return [f'{head}# [wialon.stavros1]\n# url = "https://hst-api.wialon.com"\n']
    return [
        f"[wialon.{_key(name)}]  # значение «Где найти»\nurl = {quoted(url)}\n"
        for name, url in connections.items()
    ]


def _database(url: str) -> str:
    remark = "# Без url: файл stavbill.sqlite3 рядом с этим. Пароль базы: STAVBILL_DATABASE_URL\n"
    return f"[database]\nurl = {quoted(url)}\n" if url else f"{remark}[database]\n"


def _key(name: str) -> str:
    return tomlkit.key(name).as_string()


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(quoted(text) for text in texts)}]"


def _remark(text: str) -> str:
    return f"  # «{one_line(text)}»" if text else ""


def one_line(text: str) -> str:
    """Return a label in one line without control signs: a line break would end a remark."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
