"""Invented names and numbers: no real company, person or account, but digits that add up."""

from __future__ import annotations

from random import Random

ROOTS = (
    "Агро", "Вектор", "Восход", "Горизонт", "Заря", "Исток", "Квант", "Колос", "Луч", "Магистраль",
    "Меридиан", "Нива", "Орион", "Перевал", "Простор", "Ритм", "Родник", "Рубеж", "Сириус",
    "Спектр", "Степь", "Транзит", "Урожай", "Фрегат", "Холм", "Юпитер", "Янтарь", "Дельта",
)  # fmt: skip
ENDINGS = (
    "Транс", "Логистик", "Строй", "Сервис", "Хлеб", "Авто", "Снаб", "Торг", "Поле", "Карго",
    "Монтаж", "Плюс", "Юг", "Дон", "Трак", "Продукт",
)  # fmt: skip
LAST = (
    "Берёзкин", "Вершинин", "Гордин", "Дубравин", "Ельников", "Журавин", "Залесский", "Ивлев",
    "Калинкин", "Лугин", "Мельников", "Нечаев", "Огарков", "Полянин", "Родников", "Сухарев",
    "Тихонин", "Устинкин", "Хлебников", "Шумилин",
)  # fmt: skip
FIRST = ("Алексей", "Борис", "Виктор", "Глеб", "Денис", "Игорь", "Кирилл", "Лев", "Максим", "Олег")
SECOND = ("Андреевич", "Ильич", "Львович", "Олегович", "Петрович", "Романович", "Юрьевич")
STREETS = ("Полевая", "Степная", "Заводская", "Садовая", "Луговая", "Транспортная", "Озёрная")
TOWNS = ("Берёзовск", "Заречный", "Каменка", "Новосёлово", "Раздольное", "Светлоград-2")
MAKES = ("КАМАЗ", "МАЗ", "ДЖОНДИР", "ГАЗель", "УРАЛ", "КЛААС", "НИВА", "ЭКСКАВАТОР", "РОСТСЕЛЬМАШ")
LETTERS = "АВЕКМНОРСТУХ"

_INN10 = (2, 4, 10, 3, 5, 9, 4, 6, 8)
_INN11 = (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
_INN12 = (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
_ACCOUNT = (7, 1, 3) * 8


def _digits(rng: Random, count: int) -> str:
    return f"{rng.randrange(10**count):0{count}d}"


def _check(digits: str, weights: tuple[int, ...], modulus: int = 11) -> int:
    total = sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))
    return total % modulus


def inn_of_company(rng: Random) -> str:
    """Return an INN of ten digits in the region 00, which does not exist."""
    digits = "00" + _digits(rng, 7)
    return digits + str(_check(digits, _INN10) % 10)


def inn_of_person(rng: Random) -> str:
    """Return an INN of twelve digits in the region 00."""
    digits = "00" + _digits(rng, 8)
    digits += str(_check(digits, _INN11) % 10)
    return digits + str(_check(digits, _INN12) % 10)


def ogrn(rng: Random) -> str:
    """Return an OGRN of thirteen digits."""
    digits = "12100" + _digits(rng, 7)
    return digits + str(int(digits) % 11 % 10)


def ogrnip(rng: Random) -> str:
    """Return an OGRNIP of fifteen digits."""
    digits = "32100" + _digits(rng, 9)
    return digits + str(int(digits) % 13 % 10)


def bin_of(rng: Random, *, person: bool = False) -> str:
    """Return a Kazakh BIN (or, for a person, IIN) of twelve digits with its check digit."""
    while True:
        head = f"{rng.randrange(50, 99)}{rng.randrange(1, 13):02d}"
        head += f"{rng.randrange(1, 29):02d}" if person else "40"
        digits = head + _digits(rng, 5)
        check = _check(digits, tuple(range(1, 12)))
        if check == 10:
            check = _check(digits, (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2))
        if check != 10:
            return digits + str(check)


def account_number(rng: Random, bic: str, *, head: str = "40702810") -> str:
    """Return a settlement account of twenty digits whose key agrees with the bank's code."""
    tail = _digits(rng, 11)
    for key in range(10):
        digits = f"{head}{key}{tail}"
        if _check(bic[-3:] + digits, _ACCOUNT[:23], 10) == 0:
            return digits
    raise AssertionError(bic)


def correspondent_account(bic: str) -> str:
    """Return a bank's account with the central bank, its key after the division's digits."""
    for key in range(10):
        digits = f"30101810{key}{0:08d}{bic[-3:]}"
        if _check(f"0{bic[4:6]}{digits}", _ACCOUNT[:23], 10) == 0:
            return digits
    raise AssertionError(bic)


def iban_of_kazakhstan(rng: Random) -> str:
    """Return a Kazakh IBAN of twenty characters with its two check digits."""
    tail = "000" + _digits(rng, 13)
    check = 98 - int(tail + "203500") % 97
    return f"KZ{check:02d}{tail}"


def person(rng: Random) -> tuple[str, str, str]:
    """Return last, first and second name."""
    return rng.choice(LAST), rng.choice(FIRST), rng.choice(SECOND)


def company_name(rng: Random, number: int) -> str:
    """Return a trade name; the number keeps it the only one of its kind."""
    return f"{rng.choice(ROOTS)}{rng.choice(ENDINGS)}-{number}"


def address(rng: Random) -> str:
    """Return an address in a town that is on no map."""
    house, office = rng.randrange(1, 99), rng.randrange(1, 40)
    return (
        f"{_digits(rng, 6)}, г. {rng.choice(TOWNS)}, ул. {rng.choice(STREETS)}, д. {house}, "
        f"оф. {office}"
    )


def unit_name(rng: Random, number: int) -> str:
    """Return a plate of the region 00, or a machine's name, as dispatchers type them."""
    if rng.random() < 0.7:
        letters = "".join(rng.choice(LETTERS) for _ in range(3))
        return f"{letters[0]} {rng.randrange(1000):03d} {letters[1:]} 00"
    return f"{rng.choice(MAKES)} {number}"
