"""Finding a rule's issuer among the portal's own companies (§4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from stavbill.billing.facts import OwnCompanyId
from stavbill.plan.records import OwnCompany
from stavbill.settings import build_policy, issuer_problems, load_settings
from stavbill.settings.own_companies import match_own_company
from stavbill.workdays import RussianWorkdays


def ours(*names: str) -> tuple[OwnCompany, ...]:
    return tuple(OwnCompany(OwnCompanyId(n), name) for n, name in enumerate(names, start=1))


@pytest.mark.parametrize(
    ("wanted", "names", "ids"),
    [
        pytest.param("ООО «Автотрэкер»", ["ООО «Автотрэкер»"], [1], id="the same"),
        pytest.param("ООО «Автотрэкер»", ['ооо "АВТОТРЭКЕР"'], [1], id="quotes and case"),
        pytest.param("ООО «Автотрэкер»", ["Автотрэкер"], [1], id="legal form ignored"),
        pytest.param("Автотрэкер", ["Автотрэкер, ООО"], [1], id="legal form behind"),
        pytest.param(
            "ООО «Автотрэкер»",
            ["Общество с ограниченной ответственностью «Автотрэкер»"],
            [1],
            id="legal form in words",
        ),
        pytest.param(
            "Автотрэкер",
            ["ТОО «Автотрэкер КЗ»", "ООО «Автотрэкер»"],
            [2],
            id="never the longer name",
        ),
        pytest.param("Автотрэкер", ["ТОО «Автотрэкер КЗ»"], [], id="nor when it is alone"),
        pytest.param("ТОО «Автотрэкер КЗ»", ["ООО Автотрэкер", "автотрэкер  кз"], [2], id="KZ"),
        pytest.param(
            "ООО «Автотрэкер»", ["ТОО «Автотрэкер»", "ООО Автотрэкер"], [2], id="exact before loose"
        ),
        pytest.param("ООО «Автотрэкер»", ["ТОО «Автотрэкер»"], [1], id="form ignored when alone"),
        pytest.param("ИП Матвеев", ["ИП. Матвеев"], [1], id="dot behind ИП"),
        pytest.param("ИП Матвеев", ["ИП.Матвеев"], [1], id="dot and no space"),
        pytest.param("ИП Матвеев", ["ИП Матвеев Сергей Ильич"], [1], id="full name"),
        pytest.param("ИП Матвеев", ["Матвеев С. И., ИП"], [1], id="initials"),
        pytest.param(
            "ИП Матвеев", ["Индивидуальный предприниматель Матвеев С.И."], [1], id="in words"
        ),
        pytest.param("ИП Матвеев", ["ООО «Матвеев и сыновья»"], [], id="a firm of that name"),
        pytest.param("ИП Матвеев", ["ИП Матвеева А. А."], [], id="another surname"),
        pytest.param("ИП Матвеев", ["ИП Матвеев А.А.", "ИП Матвеев С.И."], [1, 2], id="in doubt"),
        pytest.param("ИП Королёв", ["ИП Королев"], [1], id="ё"),
        pytest.param("ООО", ["ООО «Автотрэкер»", "ООО"], [2], id="no name, only a form"),
        pytest.param("Автотрэкер", [], [], id="no own company"),
    ],
)
def test_an_own_company_by_its_name(wanted: str, names: list[str], ids: list[int]) -> None:
    assert [company.own_company for company in match_own_company(wanted, ours(*names))] == ids


def test_the_name_on_a_requisite_counts_too() -> None:
    company = OwnCompany(OwnCompanyId(5), "Наша фирма", ("ООО «Автотрэкер»",))

    assert match_own_company("Автотрэкер", [company]) == (company,)


def test_missing_and_doubtful_issuers_are_told_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "stavbill.toml"
    path.write_text("")
    settings = load_settings(path, {})
    companies = ours("Автотрэкер", "ИП Матвеев А.", "ИП Матвеев С.")
    policy = build_policy(settings, companies, RussianWorkdays())
    problems = issuer_problems(settings, companies)

    assert [rule.own_company for rule in policy.rules] == [1, None, None]
    assert len(problems) == 2
    assert "ps-kz" in problems[0]
    assert "«Автотрэкер»" in problems[0]
    assert "(2, 3). Впишите own_company = id" in problems[1]


def test_an_id_is_taken_at_its_word_if_the_portal_has_it(tmp_path: Path) -> None:
    path = tmp_path / "stavbill.toml"
    path.write_text(
        '[[issuers]]\ncode = "a"\nissuer = "Кто угодно"\nown_company = 2\ncurrency = "RUB"\n'
        'templates = ["Договор"]\ntitle = "Услуги"\n'
        '[issuers.wording]\nsubscription = {line = "Услуги", title = "Услуги"}\n',
        encoding="utf-8",
    )
    settings = load_settings(path, {})

    assert build_policy(settings, ours("a", "b"), RussianWorkdays()).rules[0].own_company == 2
    assert build_policy(settings, ours("a"), RussianWorkdays()).rules[0].own_company is None
    assert "нет id 2" in issuer_problems(settings, ours("a"))[0]
