"""The world as a whole: named cases first, then as many drawn companies as asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from random import Random

from stavbill.sandbox.world import draw, setting
from stavbill.sandbox.world.expect import Judge
from stavbill.sandbox.world.expected import Expectation
from stavbill.sandbox.world.make import Making
from stavbill.sandbox.world.model import (
    Cluster,
    Company,
    Connection,
    OwnCompany,
    User,
    UserField,
)
from stavbill.sandbox.world.scenarios import cards, counts, examples, tariffs, times
from stavbill.sandbox.world.scenarios.case import Answers, Case

CASES: tuple[Case, ...] = (
    *examples.CASES, *tariffs.CASES, *times.CASES, *counts.CASES, *cards.CASES,
)  # fmt: skip
FIRST_CASE, FIRST_DRAWN = 101, 1001


@dataclass(frozen=True, slots=True)
class World:
    """Everything that the emulated hosts are filled with; companies are made while one reads.

    The same companies, seed and day give the same world, whole or in part; a larger one begins
    with the smaller.
    """

    companies_count: int
    seed: int
    as_of: date
    users: tuple[User, ...]
    own_companies: tuple[OwnCompany, ...]
    fields: tuple[UserField, ...]
    connections: tuple[Connection, ...]

    def clusters(self) -> Iterator[Cluster]:
        """Give the clusters in ascending order of company id; each reading makes them anew."""
        left = self.companies_count
        for case, first_id in placed_cases():
            if case.companies > left:
                return
            left -= case.companies
            yield staged(case, first_id, self)[0]
        next_id = FIRST_DRAWN
        small = self.companies_count > draw.SMALL_FLEETS_FROM
        while left > 0:
            making = Making(Random(f"{self.seed}:{next_id}"), self.as_of)
            cluster = draw.cluster(making, next_id, left, small=small)
            left -= len(cluster.companies)
            next_id += len(cluster.companies)
            yield cluster

    def companies(self) -> Iterator[Company]:
        """Give the companies alone."""
        for cluster in self.clusters():
            yield from cluster.companies

    def expectations(self, cluster: Cluster) -> dict[int, Expectation]:
        """Return what a run on the world's day must do with each company of a cluster."""
        own = frozenset(each.id for each in self.own_companies)
        return Judge(cluster, self.as_of, own).expectations()

    def all_expectations(self) -> dict[int, Expectation]:
        """Return what a run must do with every company, by id."""
        found: dict[int, Expectation] = {}
        for cluster in self.clusters():
            found |= self.expectations(cluster)
        return found


def build_world(
    companies: int, seed: int, as_of: date, *, without_issuers: frozenset[str] = frozenset()
) -> World:
    """Return the world of that size, seed and day.

    `without_issuers` names own companies that this portal lacks, by title. The named cases need
    about 150 companies and a day between the 12th and the 25th, or the 10th where it is worked.
    """
    rng = Random(f"{seed}:setting")
    own = setting.own_companies(rng)
    return World(
        companies_count=companies,
        seed=seed,
        as_of=as_of,
        users=setting.users(rng),
        own_companies=tuple(each for each in own if each.title not in without_issuers),
        fields=setting.user_fields(rng),
        connections=setting.connections(seed),
    )


def placed_cases() -> Iterator[tuple[Case, int]]:
    """Give every case with the id of its first company."""
    first_id = FIRST_CASE
    for case in CASES:
        yield case, first_id
        first_id += case.companies


def staged(case: Case, first_id: int, world: World) -> tuple[Cluster, Answers]:
    """Stage a case; return its cluster and the answers written by hand."""
    making = Making(Random(f"{world.seed}:{case.name}"), world.as_of)
    answers = case.stage(making, first_id)
    return making.done(case.name), answers
