"""What failed goes on where it failed: a workflow, its child, one that found writing stopped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dbos import DBOS, DBOSClient, SetWorkflowID

from stavbill.errors import ConfigError
from stavbill.workflows.engine import launch_engine, open_client, stop_engine
from stavbill.workflows.inspect import cancel, retry
from stavbill.workflows.queues import PLAN
from tests.support.waiting import wait_until

fails: set[str] = set()
done: list[str] = []


@DBOS.step()
def part(name: str) -> str:
    """Fail, find writing stopped, or succeed, as the test says."""
    if name in fails:
        msg = "the portal is away"
        raise RuntimeError(msg)
    done.append(name)
    return "stopped" if f"stop {name}" in fails else "ok"


@DBOS.workflow(name="test_child")
def child(name: str) -> str:
    return part(name)


@DBOS.workflow(name="test_parent")
def parent(base: str) -> str:
    first = part("first")
    handles = []
    for name in ("a", "b"):
        with SetWorkflowID(f"{base}:{name}"):
            handles.append(DBOS.enqueue_workflow(PLAN, child, name))
    ends = {handle.get_result(polling_interval_sec=0.1) for handle in handles}
    return "stopped" if "stopped" in ends else first


@pytest.fixture
def client(tmp_path: Path) -> Iterator[DBOSClient]:
    url = f"sqlite:///{tmp_path}/engine.sqlite3"
    fails.clear()
    done.clear()
    launch_engine(url, executor="here:1:aaaa")
    with open_client(url) as opened:
        yield opened
    stop_engine()


def begin(name: str) -> None:
    with SetWorkflowID(name):
        DBOS.start_workflow(parent, name)


def ended(client: DBOSClient, name: str) -> tuple[str, Any]:
    def known() -> Any:  # noqa: ANN401  the engine's record
        (found,) = client.list_workflows(workflow_ids=[name])
        return found

    wait_until(lambda: known().status not in ("ENQUEUED", "PENDING"))
    found = known()
    return found.status, found.output


def test_a_parent_whose_child_failed_comes_through_by_retry(client: DBOSClient) -> None:
    fails.add("b")
    begin("p")
    assert ended(client, "p")[0] == "ERROR"
    fails.clear()
    assert retry(client, "p") == "p"
    assert ended(client, "p") == ("SUCCESS", "ok")
    # What had ended well was not done again.
    assert done == ["first", "a", "b"]


def test_a_failed_child_alone_is_retried_with_its_parent_later(client: DBOSClient) -> None:
    fails.add("a")
    begin("p")
    assert ended(client, "p")[0] == "ERROR"
    fails.clear()
    retry(client, "p:a")
    assert ended(client, "p:a") == ("SUCCESS", "ok")
    retry(client, "p")
    assert ended(client, "p") == ("SUCCESS", "ok")


def test_what_found_writing_stopped_goes_on_when_it_may(client: DBOSClient) -> None:
    fails.add("stop a")
    begin("p")
    assert ended(client, "p") == ("SUCCESS", "stopped")
    fails.clear()
    retry(client, "p")
    assert ended(client, "p") == ("SUCCESS", "ok")


def test_what_ended_well_is_not_begun_again(client: DBOSClient) -> None:
    begin("p")
    assert ended(client, "p") == ("SUCCESS", "ok")
    with pytest.raises(ConfigError, match="повторять нечего"):
        retry(client, "p")
    with pytest.raises(ConfigError, match="уже закончилась"):
        cancel(client, "p")
