"""The doctor's look at a portal: permissions, fields, stages, issuers, templates, groups, people.

Pure: a portal's description and the settings in, checks out. Source: portal page, «Connecting».
"""

from __future__ import annotations

from collections.abc import Iterator

from stavbill.app.checks import Check, doubtful, failed, good
from stavbill.app.setup import without_connection
from stavbill.app.toml_text import STAGE_WORDS, field_line, fill_in, template_ids
from stavbill.bitrix.discover import CALLS_GROUP, Discovery
from stavbill.bitrix.labels import WANTED, WantedLabel
from stavbill.bitrix.mapping import UserField
from stavbill.bitrix.read.shape import INSTEAD, indispensable
from stavbill.plan.effects import InvoiceStage
from stavbill.settings import Settings, issuer_problems
from stavbill.settings.model import FieldSettings, IssuerSettings

# Permission: what needs it, and whether a run can do without.
SCOPES = {
    "crm": ("компании, счета, документы, лента", True),
    "task": ("задачи и чек-листы", True),
    "user": ("сотрудники", False),
    "sonet_group": ("рабочие группы", False),
}
SAVE = "Отметьте его в настройках вебхука на портале и сохраните вебхук"


def check_portal(settings: Settings, found: Discovery) -> Iterator[Check]:
    """Yield every check of a portal that answered."""
    declined = found.survey.declined
    yield from _scopes(found)
    # What the portal declined is told once: it is not the same as «not there».
    if found.survey.shape.fields:
        yield from _fields(settings, found)
        yield from _statuses(settings, found)
        yield from _connections(settings, found)
    if not {"stages", "categories", "entities"} & set(indispensable(declined)):
        yield from _stages(settings, found)
    if "own" not in declined:
        yield from _issuers(settings, found)
    if "templates" not in declined:
        yield from _templates(settings, found)
    yield from _workgroups(settings, found)
    yield _responsible(settings, found)


def _scopes(found: Discovery) -> Iterator[Check]:
    scopes, declined = found.survey.scopes, found.survey.declined
    if scopes is None:
        yield doubtful(
            "scope", "права вебхука портал не сообщает", "Проверьте право crm и task в вебхуке"
        )
    for scope, (what, needed) in SCOPES.items():
        name = f"scope.{scope}"
        if scopes is not None and scope not in scopes:
            text = f"право «{scope}» ({what}): у вебхука его нет"
            yield failed(name, text, SAVE) if needed else doubtful(name, text, SAVE)
        elif scopes is not None:
            yield good(name, f"право «{scope}»: {what}")
    lacking = indispensable(declined)
    for key, failure in declined.items():
        # What another answer tells as well is not missed.
        if key not in _ASIDE and (key in lacking or key not in INSTEAD):
            said = " ".join(f"{failure.code} {failure.description}".split())
            fix = f"{SAVE}; вебхук должен создать администратор портала"
            text = f"портал не показывает: {_ANSWERS.get(key, key)} ({said})"
            tell = failed if key in lacking else doubtful
            yield tell(f"answer.{key}", text, fix)


# Commands whose refusal is told by a check of its own.
_ASIDE = frozenset({"scope", "time", "calls_group", "groups", "users", "me"})
_ANSWERS = {
    "fields": "поля компаний",
    "described": "описание полей компаний",
    "categories": "воронки счетов",
    "entities": "виды справочников",
    "presets": "шаблоны реквизитов",
    "templates": "шаблоны документов",
    "own": "свои компании",
    "own_requisites": "реквизиты своих компаний",
    "stages": "стадии счетов",
}


def _fields(settings: Settings, found: Discovery) -> Iterator[Check]:
    mapped = settings.toml.fields
    for wanted in WANTED:
        field = mapped.get(wanted.name)
        if field is not None:
            yield _field(wanted.name, field, wanted.labels[0], found)
        elif wanted.required:
            yield _unmapped(wanted, found)
    for service in settings.toml.services:
        yield _field(f"services.{service.code}", service.field, service.title, found)


def _field(name: str, mapped: FieldSettings, usual: str, found: Discovery) -> Check:
    label = mapped.label or usual
    seen = found.survey.shape.fields.get(mapped.code)
    place = f"fields.{name}"
    if seen is None:
        text = f"поле «{label}»: на портале нет {mapped.code}"
        return failed(place, text, _put(name, found.fields.get(name)))
    if mapped.type and mapped.type != seen.kind:
        text = f"поле «{label}»: было типа {mapped.type}, на портале {seen.kind}"
        return failed(place, text, _put(name, seen))
    return good(place, f"поле «{seen.label}»: {seen.kind}")


def _unmapped(wanted: WantedLabel, found: Discovery) -> Check:
    text = f"поле «{wanted.labels[0]}» не задано в настройках"
    several = found.matches.ambiguous.get(wanted.name)
    if several:
        codes = " или ".join(f'"{code}"' for code in several)
        fix = f"Впишите в [fields]: {wanted.name} = {codes} (название носят несколько полей)"
        return failed(f"fields.{wanted.name}", text, fix)
    return failed(f"fields.{wanted.name}", text, _put(wanted.name, found.fields.get(wanted.name)))


def _put(name: str, field: UserField | None) -> str:
    """Return the line to fill in: whole when the portal shows the field, else with its place."""
    if name.startswith("services."):
        return "Исправьте field этой услуги в [[services]] или уберите услугу"
    wanted = next(known for known in WANTED if known.name == name)
    line = fill_in(wanted) if field is None else field_line(name, field)
    return f"Впишите в [fields]: {line}"


def _statuses(settings: Settings, found: Discovery) -> Iterator[Check]:
    """Check that the active statuses are values that the card's list has."""
    mapped = settings.toml.fields.get("status")
    seen = found.survey.shape.fields.get(mapped.code) if mapped is not None else None
    if seen is None or not seen.options:
        return
    for value in settings.toml.statuses.active:
        if value in seen.options.values():
            yield good("statuses", f"активный статус «{value}»")
        else:
            known = ", ".join(seen.options.values())
            text = f"активный статус «{value}»: у поля «{seen.label}» такого значения нет"
            yield failed("statuses", text, f"Исправьте [statuses] active, на портале есть: {known}")


def _connections(settings: Settings, found: Discovery) -> Iterator[Check]:
    """Look for values of «Где найти» whose companies would all be held."""
    mapped = settings.toml.fields.get("connection")
    seen = found.survey.shape.fields.get(mapped.code) if mapped is not None else None
    options = tuple(seen.options.values()) if seen is not None else ()
    for name in without_connection(options, settings.toml.wialon):
        text = f"значение «{name}» поля «Где найти»: подключения нет, счета задерживаются"
        yield doubtful("connections", text, f"Если оно нужно, впишите [wialon.{name}] и url")


def _stages(settings: Settings, found: Discovery) -> Iterator[Check]:
    configured = settings.toml.portal.stages.model_dump()
    names = {stage.code: stage.name for stage in found.survey.shape.stages}
    for meaning in InvoiceStage:
        code = configured[meaning.value] or found.stages[meaning]
        name, what = f"stages.{meaning.value}", f"стадия счёта «{STAGE_WORDS[meaning]}»"
        if code in names:
            yield good(name, f"{what}: {names[code]} ({code})")
            continue
        known = ", ".join(f"{code} «{name}»" for code, name in names.items()) or "нет ни одной"
        line = f"{meaning.value} = " + (f'"{found.stages[meaning]}"' if code else '"…"')
        text = f"{what}: на портале нет {code}" if code else f"{what}: не найдена"
        yield failed(name, text, f"Впишите в [portal.stages]: {line}. На портале: {known}")


def _issuers(settings: Settings, found: Discovery) -> Iterator[Check]:
    problems = issuer_problems(settings, found.survey.shape.own_companies)
    for rule in settings.toml.issuers:
        name = f"issuers.{rule.code}"
        own = [
            problem for problem in problems if problem.startswith(f"issuers, правило {rule.code}:")
        ]
        if own:
            yield failed(name, f"юрлицо {rule.issuer} не найдено", own[0])
        else:
            yield good(name, f"юрлицо {rule.issuer}: правило {rule.code}, {rule.currency.value}")


def _templates(settings: Settings, found: Discovery) -> Iterator[Check]:
    templates = found.survey.shape.templates
    for rule in settings.toml.issuers:
        for title in rule.templates:
            name = f"templates.{rule.code}"
            if template_ids(templates, [title]):
                yield good(name, f"шаблон «{title}»")
            elif not _known_by_id(rule, found):
                text = f"шаблона «{title}» нет в меню портала"
                fix = "Договоры узнаются по началу названия; если шаблон переименован, исправьте "
                yield doubtful(name, text, f"{fix}templates правила {rule.code}")


def _known_by_id(rule: IssuerSettings, found: Discovery) -> bool:
    return any(each in found.survey.shape.templates for each in rule.template_ids)


def _workgroups(settings: Settings, found: Discovery) -> Iterator[Check]:
    tasks, groups = settings.toml.tasks, found.survey.groups
    for key, group in (("workgroup", tasks.workgroup), ("calls_workgroup", tasks.calls_workgroup)):
        name = f"tasks.{key}"
        if group is not None and group in groups:
            yield good(name, f"рабочая группа «{groups[group]}» ({key})")
        elif group is not None:
            fix = "Исправьте id или дайте владельцу вебхука доступ к группе"
            yield doubtful(name, f"рабочей группы {group} ({key}) портал не показывает", fix)
    if tasks.calls_workgroup is None:
        known = found.calls_group
        line = f"calls_workgroup = {known or '…'}"
        text = f"рабочая группа прозвонов («{CALLS_GROUP}») не задана: её задачи не пополняются"
        yield doubtful("tasks.calls_workgroup", text, f"Впишите в [tasks]: {line}")


def _responsible(settings: Settings, found: Discovery) -> Check:
    name, me = "tasks.default_responsible", found.survey.shape.me
    user = settings.toml.tasks.default_responsible or me
    fix = f"Впишите в [tasks]: default_responsible = {me or '…'}"
    if user is None:
        return failed(name, "некому ставить задачи компаний без ответственного", fix)
    what = f"задачи компаний без ответственного: пользователь {user}"
    if found.survey.users.get(user) is False:
        return failed(name, f"{what} уволен", fix)
    if user == me or user in found.survey.users:
        return good(name, what)
    if "users" in found.survey.declined:
        return doubtful(name, f"{what}, портал его не показывает", f"{SAVE}: право «user»")
    return failed(name, f"{what} на портале не найден", fix)
