"""The fixed part of the world: users, groups, own companies, templates, fields, connections."""

from __future__ import annotations

import hashlib
from random import Random

from stavbill.sandbox.world import invented
from stavbill.sandbox.world.expected import SIM_NAME
from stavbill.sandbox.world.model import (
    CONNECTIONS,
    STATUSES,
    Bank,
    Connection,
    FieldKind,
    OwnCompany,
    Preset,
    Requisite,
    Template,
    User,
    UserField,
    Workgroup,
)

STRANGER, AUTOTRACKER, AUTOTRACKER_KZ, MATVEEV = 1, 2, 3, 4
SUBSCRIPTION_RF, SUBSCRIPTION_KZ, SERVICE_RF_GONE = 1, 2, 90
"""Ids of templates; the last one is in no menu any more."""
SUPPLY, INTEGRATION, RESTRUCTURING, WORKS, CARDS, VIDEO, PASSES = 3, 4, 5, 6, 7, 8, 9
COMPANY_PRESET, ENTREPRENEUR_PRESET, PERSON_PRESET, KAZAKH_PRESET = 1, 2, 3, 4

TEMPLATES = (
    Template(SUBSCRIPTION_RF, "Подписка на сервис удаленного управления автопарком РФ"),
    Template(SUBSCRIPTION_KZ, "Подписка на сервис удаленного управления автопарком КЗ"),
    Template(SUPPLY, "Поставка оборудования"),
    Template(INTEGRATION, "Комплексное внедрение продукта РФ"),
    Template(RESTRUCTURING, "Соглашение о реструктуризации"),
    Template(WORKS, "Выполнение работ (монтаж, ремонт, калибровка и др.)"),
    Template(CARDS, "Поставка карт (СКЗИ, ЕСТР)"),
    Template(VIDEO, "Доступ к серверу видео"),
    Template(PASSES, "Оформление пропусков"),
)
SERVICE_RF_NAME = "Абонентское обслуживание РФ"
PRESETS = (
    Preset(COMPANY_PRESET, "Организация", 1),
    Preset(ENTREPRENEUR_PRESET, "Индивидуальный предприниматель", 1),
    Preset(PERSON_PRESET, "Физическое лицо", 1),
    Preset(KAZAKH_PRESET, "Организация (Казахстан)", 6),
)
WORKGROUPS = (
    Workgroup(11, "Повторные прозвоны МПП"),
    Workgroup(12, "Заявки на возврат"),
    Workgroup(13, "Монтажи"),
)
CALLS_GROUP = 11
SEPARATE_FUEL, SEPARATE_DISPATCHING = "Абонплата за ДУТы", "Абонплата за диспетчеризацию"
SEPARATE_OPTIONS = ("Да", "Нет", SEPARATE_FUEL, SEPARATE_DISPATCHING, SIM_NAME)
VAT_OPTIONS = ("Да", "Нет", "5%", "7%", "20%", "22%")
SIM_LABEL = "Абонплата за SIM, роуминг (Пример заполнения: 1*100, пропустить минус -)"
TOP_ACCOUNTS = {"stavros": 10_000_000, "stavros1": 10_000_001}

_S, _I, _E, _B = FieldKind.STRING, FieldKind.INTEGER, FieldKind.ENUMERATION, FieldKind.BOOLEAN
_TARIFF = "Стоимость абонплаты за 1 объект (Пропустить -, {}350|2*450|1*990) НЕ ДОБАВЛЯТЬ ДУТ"
_FLAGS = {"skip", "ignore_count", "partner", "previous_month"}
_NUMBERS = {"fleet_size", "card_count", "months"}
# Labels exactly as they stand on the card, the Latin «a» in «Эмaйл» included.
_FIELDS: tuple[tuple[str, FieldKind, str, tuple[str, ...]], ...] = (
    ("Статус", _E, "status", STATUSES),
    ("Ответственный (Тахограф)", FieldKind.EMPLOYEE, "", ()),
    ("Ответственный (Мониторинг)", FieldKind.EMPLOYEE, "responsible", ()),
    ("Вид деятельности", _E, "activity", ("Сельское хозяйство", "Производство")),
    ("Количество ТС в автопарке", _I, "fleet_size", ()),
    ("Логин в ZavGar.Online", _S, "zavgar", ()),
    ("Где найти", _E, "where", (*CONNECTIONS, "stavros2")),
    ("Логин в Online Stavtrack(без кавычек)", _S, "account", ()),
    ("Количество объектов в Online.Stavtrack", _I, "card_count", ()),
    (_TARIFF, _S, "tariff", ()),
    ("Абонплата за ДУТы (Пример заполнения: 1*100, пропустить минус -)", _S, "fuel", ()),
    ("Тарифный план", _E, "plan", ("Базовый",)),
    (
        "Абонплата за Диспетчеризацию(Пример заполнения: 1*100, пропустить минус -)",
        _S, "dispatching", (),
    ),
    (SIM_LABEL, _S, "sim", ()),
    ("почта", _S, "", ()),
    ("Пропускать компанию (Отключает автоматическую отправку счёта)", _B, "skip", ()),
    (
        "Игнорировать проверку на количество (Выставлять по данным их Битрикса)",
        _B, "ignore_count", (),
    ),
    ("Эмaйл для абонки", _S, "emails", ()),
    ("Номер для отправки по WhatsApp", _S, "whatsapp", ()),
    ("Дата отправки счёта", _S, "sending", ()),
    ("НДС", _E, "vat", VAT_OPTIONS),
    ("Партнер", _B, "partner", ()),
    ("Счёт за предыдущий месяц", _B, "previous_month", ()),
    ("Выставлять за несколько", _I, "months", ()),
    ("Номер договора для абонки", _S, "contract_number", ()),
    ("Отдельный счёт", _E, "separate", SEPARATE_OPTIONS),
    ("Юридический адрес", FieldKind.ADDRESS, "legal_address", ()),
    ("Файл визитки", FieldKind.FILE, "", ()),
)  # fmt: skip


def user_fields(rng: Random) -> tuple[UserField, ...]:
    """Return the card's fields with this portal's codes, and types where portals differ."""
    star = rng.choice(("1*", "*"))
    flags_as_list, numbers = rng.random() < 0.5, rng.choice((_I, _S, FieldKind.DOUBLE))
    where_kind = rng.choice((_E, _S))
    number = rng.randrange(1_560_000_000, 1_640_000_000)
    fields = []
    for label, usual_kind, attribute, usual_options in _FIELDS:
        number += rng.randrange(1, 9_000)
        kind, options = usual_kind, usual_options
        if attribute in _FLAGS and flags_as_list:
            kind, options = _E, ("да", "нет")
        elif attribute in _NUMBERS:
            kind = numbers
        elif attribute == "where" and where_kind is _S:
            kind, options = _S, ()
        fields.append(
            UserField(
                code=f"UF_CRM_{number}",
                label=label.format(star),
                kind=kind,
                attribute=attribute,
                options=options,
                multiple=attribute == "separate",
            )
        )
    return tuple(fields)


def users(rng: Random) -> tuple[User, ...]:
    """Return the portal's people; the last one has left."""
    positions = ("Администратор", "Бухгалтер", "МПП", "МПП", "МПП", "МПП", "Инженер", "МПП")
    made = []
    for number, position in enumerate(positions, start=1):
        last, first, _ = invented.person(rng)
        email = f"user{number}@example.ru"
        made.append(User(number, first, last, email, position, active=number < len(positions)))
    return tuple(made)


MANAGERS = (3, 4, 5, 6)


def _bank(rng: Random, head: str) -> Bank:
    bic = f"04000{rng.randrange(10)}{rng.randrange(100, 999)}"
    account = invented.account_number(rng, bic, head=head)
    return Bank("АО «Банк Примерный»", bic, account, invented.correspondent_account(bic))


def own_companies(rng: Random) -> tuple[OwnCompany, ...]:
    """Return the own companies; a stranger to billing stands first, where a default would go."""
    kazakh = Bank(
        "АО «Банк Образцовый»", "EXKZKZKA", invented.iban_of_kazakhstan(rng), currency="KZT"
    )
    return (
        OwnCompany(STRANGER, "ООО «Учебный центр»", Requisite(
            COMPANY_PRESET, "ООО «Учебный центр»", "Общество «Учебный центр»",
            invented.inn_of_company(rng), "000101001", invented.ogrn(rng),
            address=invented.address(rng), bank=_bank(rng, "40702810"),
        )),
        OwnCompany(AUTOTRACKER, "ООО «Автотрэкер»", Requisite(
            COMPANY_PRESET, "ООО «Автотрэкер»",
            "Общество с ограниченной ответственностью «Автотрэкер»",
            invented.inn_of_company(rng), "000201001", invented.ogrn(rng),
            address=invented.address(rng), bank=_bank(rng, "40702810"),
        )),
        OwnCompany(AUTOTRACKER_KZ, "ТОО «Автотрэкер КЗ»", Requisite(
            KAZAKH_PRESET, "ТОО «Автотрэкер КЗ»",
            "Товарищество с ограниченной ответственностью «Автотрэкер КЗ»",
            bin=invented.bin_of(rng), kbe="17", address=invented.address(rng), bank=kazakh,
        )),
        OwnCompany(MATVEEV, "ИП Матвеев", Requisite(
            ENTREPRENEUR_PRESET, "ИП Матвеев", "Индивидуальный предприниматель Матвеев",
            invented.inn_of_person(rng), ogrn=invented.ogrnip(rng),
            address=invented.address(rng), bank=_bank(rng, "40802810"),
        )),
    )  # fmt: skip


def connections(seed: int) -> tuple[Connection, ...]:
    """Return the Wialon services with their tokens."""
    return tuple(
        Connection(
            name, TOP_ACCOUNTS[name], number, _token(seed, name), _token(seed, f"{name}:master")
        )
        for number, name in enumerate(CONNECTIONS, start=1)
    )


def _token(seed: int, name: str) -> str:
    """Return 72 characters that look like a token and open nothing anywhere."""
    return hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=36).hexdigest()
