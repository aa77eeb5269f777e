"""People inside, over HTTP: back to an earlier release, an order to go over, how far it is, what the audit keeps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from postventa.engine.moving import carry_out
from postventa.engine.operate import Operators
from postventa.engine.orders import standing_orders
from postventa.project import Project
from postventa.web.private import private_app

FILE = "journeys/after-purchase.yaml"
PAUSE, LONGER = "  - wait: 5 days\n", "  - wait: 9 days\n"


_CHANGED: list[Project] = []


def changed(project: Project) -> Project:
    """The project with the longer wait; read once."""
    if not _CHANGED:
        written = project.files[FILE].decode()
        assert PAUSE in written
        _CHANGED.append(Project.from_files({**project.files, FILE: written.replace(PAUSE, LONGER).encode()}))
    return _CHANGED[0]


@pytest.fixture
async def shop(web: Any) -> AsyncIterator[Any]:
    """The reference project with Ana inside, and then a second release in which her survey comes after nine days."""
    await web.order(1, "Ana", "en")
    web.first, project = await web.store.views.live_release(), web.services.project()
    web.second = await web.engine.releases.publish(changed(project), web.now, "tests", "longer")

    async def activate(release: str, message: str, by: str) -> dict[str, Any]:
        return {"release": (await web.engine.releases.activate(release, web.now, by, message)).hash}

    operators = Operators(web.engine, lambda: web.now, dict, lambda: None)
    web.services = web.make(operators=operators, activate=activate)
    return web


@pytest.fixture
async def api(shop: Any, connect: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with connect(private_app(shop.services)) as one:
        yield one


async def audited(shop: Any, what: str) -> list[dict[str, Any]]:
    return [one for one in await shop.store.views.audited() if one["what"] == what]


async def versions(shop: Any) -> list[str]:
    """The versions of the journey in which somebody stands."""
    return sorted(version for name, version in await shop.store.views.versions_in_use() if name == "after-purchase")


# --- migrate ---------------------------------------------------------------------------------------------------------
async def test_an_order_is_left_told_and_carried_out(shop: Any, api: httpx.AsyncClient) -> None:
    (before,) = await versions(shop)
    asked = {"journey": "after-purchase", "how": "retime", "by": "Marta"}
    told = (await api.post("/v1/migrate", json=asked)).json()
    live = shop.engine.releases._live.catalog.live["after-purchase"].version
    assert told["order"] == {
        "journey": "after-purchase", "version": live, "from": [before], "how": "retime", "renamed": {}, "by": "Marta",
        "named": True,
    }  # fmt: skip
    assert told["moves"] == [{**told["order"], "left": 1}]
    assert (await api.get("/v1/moves")).json() == {"moves": told["moves"]}, "it stands until somebody does it"
    (order,) = await standing_orders(shop.store.views)
    assert (await carry_out(shop.engine, order, lambda: shop.now)).moved == 1
    assert (await api.get("/v1/moves")).json()["moves"][0]["left"] == 0
    assert await versions(shop) == [live]
    (kept,) = await audited(shop, "migrate")
    assert (kept["who"], kept["detail"]) == ("Marta", told["order"])
    (moved,) = await audited(shop, "move people")
    assert (moved["who"], moved["detail"]["moved"], moved["detail"]["from"]) == ("Marta", 1, [before])


async def test_the_same_order_twice_is_one_order(shop: Any, api: httpx.AsyncClient) -> None:
    for _ in range(2):
        assert (await api.post("/v1/migrate", json={"journey": "after-purchase"})).status_code == 200
    assert len((await api.get("/v1/moves")).json()["moves"]) == 1


async def test_there_is_nobody_to_bring(shop: Any, api: httpx.AsyncClient) -> None:
    told = (await api.post("/v1/migrate", json={"journey": "delay-notice"})).json()
    assert (told["order"]["from"], told["moves"]) == ([], [])
    assert await audited(shop, "migrate") == []


WRONG_ORDERS: tuple[tuple[dict[str, Any], str], ...] = (
    ({}, "journey"),
    ({"journey": 7}, "journey"),
    ({"journey": "after-purchase", "hw": "follow"}, "hw"),
    ({"journey": "after-purchase", "how": "finish"}, "follow"),
    ({"journey": "after-purchase", "renamed": ["a"]}, "renamed"),
    ({"journey": "j" * 201}, "200"),
    ({"journey": "after-purchas"}, "after-purchas"),
    ({"journey": "after-purchase", "version": "nothing"}, "begin with 'nothing'"),
    ({"journey": "after-purchase", "from": "nothing"}, "begin with 'nothing'"),
    ({"journey": "after-purchase", "renamed": {"nostep": "ask:satisfaction"}}, "no step is called 'nostep'"),
    ({"journey": "after-purchase", "renamed": {"ask:satisfaction": "nostep"}}, "no step is called 'nostep'"),
)


async def test_a_wrong_order_says_what_is_wrong_and_moves_nobody(shop: Any, api: httpx.AsyncClient) -> None:
    for body, said in WRONG_ORDERS:
        answer = await api.post("/v1/migrate", json=body)
        assert (answer.status_code, said in answer.text) == (422, True), answer.text
    assert (await api.get("/v1/moves")).json() == {"moves": []}
    assert await audited(shop, "migrate") == []


# --- back to an earlier release --------------------------------------------------------------------------------------
async def test_back_to_an_earlier_release_by_the_beginning_of_its_hash(shop: Any, api: httpx.AsyncClient) -> None:
    shop.now += timedelta(hours=1)
    body = {"release": shop.first.hash[:10], "message": "the longer wait was wrong", "by": "Marta"}
    answer = await api.post("/v1/activate", json=body)
    assert (answer.status_code, answer.json()) == (200, {"release": shop.first.hash})
    assert (await shop.store.views.live_release()).hash == shop.first.hash
    kept = (await audited(shop, "publish"))[0]
    told = {"release": shop.first.hash, "back": True, "message": "the longer wait was wrong"}
    assert (kept["who"], kept["detail"]) == ("Marta", told)


WRONG_RELEASES: tuple[tuple[dict[str, Any], str], ...] = (
    ({}, "release"),
    ({"release": ""}, "release"),
    ({"release": "nothing"}, "nothing"),
    ({"release": "0" * 65}, "64"),
    ({"release": "a", "hash": "b"}, "hash"),
)


async def test_a_release_that_is_none_changes_nothing(shop: Any, api: httpx.AsyncClient) -> None:
    before = await audited(shop, "publish")
    for body, said in WRONG_RELEASES:
        answer = await api.post("/v1/activate", json=body)
        assert (answer.status_code, said in answer.text) == (422, True), answer.text
    assert (await shop.store.views.live_release()).hash == shop.second.hash
    assert await audited(shop, "publish") == before


# --- who may ---------------------------------------------------------------------------------------------------------
async def test_only_whoever_may_act_acts(shop: Any, api: httpx.AsyncClient, connect: Any) -> None:
    acts = {"/v1/migrate": {"journey": "after-purchase"}, "/v1/activate": {"release": shop.first.hash}}
    for path, body in acts.items():
        assert (await api.post(path, json=body, headers={"Origin": "https://evil.example"})).status_code == 403
        assert (await api.get(path)).status_code == 405
        async with connect(private_app(replace(shop.services, private_token="a token of the shop"))) as nobody:
            assert (await nobody.post(path, json=body)).status_code == 401
            assert (await nobody.get("/v1/moves", headers={"Accept": "application/json"})).status_code == 401
    assert (await shop.store.views.live_release()).hash == shop.second.hash
    assert (await api.get("/v1/moves")).json() == {"moves": []}
