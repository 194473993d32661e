"""The provider on HTTP, its control address `/_sandbox/whatsapp…`, and a page for people."""

from __future__ import annotations

from dataclasses import asdict
from html import escape
from typing import Any

from aiohttp import web

from stavbill.sandbox.whatsapp.bodies import Given
from stavbill.sandbox.whatsapp.faults import read_faults
from stavbill.sandbox.whatsapp.instance import Instance, Manner, State
from stavbill.sandbox.whatsapp.life import Life
from stavbill.sandbox.whatsapp.methods import BIGGEST_FILE, Answer, Provider, read_json

PREFIX = "/_sandbox/whatsapp"
STATUSES = {
    "pending": "в очереди", "sent": "отправлено", "delivered": "доставлено", "read": "прочитано",
    "failed": "не отправлено", "noAccount": "нет WhatsApp",
}  # fmt: skip


def whatsapp_app(provider: Provider) -> web.Application:
    """Return an application that serves the provider; its queue runs while the application does.

    Control: GET `/_sandbox/whatsapp` lists messages, DELETE forgets them; PUT `state`
    `{"state": "notAuthorized"}`, `numbers` `{"79000000001": "no_account", "*": "reads"}`, `limits`
    `{"per_second": 50, "chats": null, "quota": {}}`, `faults` `{"seed": 0, "faults": […]}`; GET
    `calls`, `posted` (notifications that were taken), `faults`; POST `status`
    `{"id": …, "status": "read"}` gives a message one more status.
    """
    app = web.Application(client_max_size=BIGGEST_FILE + 1024 * 1024)

    async def answer(request: web.Request) -> web.StreamResponse:
        path = (request.match_info["id"], request.match_info["method"], request.match_info["token"])
        told = provider.handle(request.method, path, await _given(request), request.query)
        return await _said(provider.instance, request, told)

    async def give_file(request: web.Request) -> web.Response:
        found = provider.instance.files.get(request.match_info["key"])
        if found is None:
            raise web.HTTPNotFound
        return web.Response(body=found[1], content_type="application/octet-stream")

    async def show_page(_: web.Request) -> web.Response:
        return web.Response(text=_page(provider.instance), content_type="text/html")

    async def alive(_: web.Application) -> Any:  # noqa: ANN401 - aiohttp's shape of a context
        async with provider.life:
            yield

    app.cleanup_ctx.append(alive)
    _add_control(app, provider.instance, provider.life)
    app.router.add_get("/", show_page)
    app.router.add_get(r"/files/{id:\d+}/{key}", give_file)
    app.router.add_route("*", r"/{id:waInstance\d+}/{method}/{token}", answer)
    return app


async def _given(request: web.Request) -> Given | None:
    if request.content_type != "multipart/form-data":
        return read_json(await request.read())
    form = await request.post()
    fields: dict[str, Any] = {}
    name, content = "", None
    for key, value in form.items():
        if isinstance(value, web.FileField):
            name, content = value.filename, value.file.read()
        else:
            fields[key] = value
    return Given(fields, name, content)


async def _said(instance: Instance, request: web.Request, told: Answer) -> web.StreamResponse:
    if told.late_s:
        await instance.clock.sleep(told.late_s)
    if told.dropped:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()
    if told.text is not None:
        return web.Response(status=told.status, text=told.text, content_type="text/html")
    return web.json_response(told.body, status=told.status)


def _page(instance: Instance) -> str:
    rows = "".join(
        f"<tr><td>{message.taken_at:%d.%m.%Y %H:%M:%S} UTC</td><td>{escape(message.chat)}</td>"
        f"<td>{escape(message.text or message.caption)}<br><small>{escape(message.file_name)}"
        f"</small></td><td>{STATUSES.get(message.status, message.status)}</td></tr>"
        for message in reversed(instance.messages)
    )
    head = "<tr><th>Принято</th><th>Кому</th><th>Сообщение</th><th>Состояние</th></tr>"
    style = "body{font:15px system-ui;margin:1rem}td,th{padding:.4rem;text-align:left}"
    return (
        f'<!doctype html><html lang="ru"><meta charset="utf-8"><title>WhatsApp песочницы</title>'
        f"<style>{style}</style><h1>Сообщения WhatsApp</h1>"
        + (f"<table>{head}{rows}</table>" if rows else "<p>Сообщений нет.</p>")
        + "</html>"
    )


def _add_control(app: web.Application, instance: Instance, life: Life) -> None:
    async def show(request: web.Request) -> web.Response:
        match request.match_info["name"]:
            case "calls":
                return web.json_response(
                    [asdict(call) | {"at": call.at.isoformat()} for call in instance.calls]
                )
            case "posted":
                return web.json_response(life.posted)
            case "faults":
                on = [asdict(fault) | {"struck": struck} for fault, struck in instance.faults.on()]
                return web.json_response(on)
            case _:
                raise web.HTTPNotFound

    async def change(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        try:
            _change(instance, life, name, await request.json())
        except (ValueError, TypeError, KeyError, AttributeError) as wrong:
            return web.json_response({"error": str(wrong)}, status=400)
        return web.json_response({})

    async def list_messages(_: web.Request) -> web.Response:
        return web.json_response([message.shown() for message in instance.messages])

    async def forget(_: web.Request) -> web.Response:
        life.clear_queue()
        instance.messages.clear()
        return web.json_response({})

    app.router.add_get(PREFIX, list_messages)
    app.router.add_delete(PREFIX, forget)
    app.router.add_get(PREFIX + "/{name}", show)
    app.router.add_put(PREFIX + "/{name}", change)
    app.router.add_post(PREFIX + "/{name}", change)


def _change(instance: Instance, life: Life, name: str, given: dict[str, Any]) -> None:
    match name:
        case "state":
            instance.state = State(given["state"])
            life.wake()
        case "numbers":
            told = {number: Manner(manner) for number, manner in given.items()}
            instance.manner = told.pop("*", instance.manner)
            instance.manners |= told
        case "limits":
            instance.per_second = int(given.get("per_second", instance.per_second))
            instance.chats = given.get("chats", instance.chats)
            instance.quota = dict(given.get("quota", instance.quota))
        case "faults":
            instance.faults.switch(
                *read_faults(given.get("faults", [])), seed=int(given.get("seed", 0))
            )
        case "status":
            message = instance.find(given["id"])
            if message is None:
                missing = f"no message {given['id']}"
                raise ValueError(missing)
            life.tell(message, str(given["status"]))
        case _:
            unknown = f"{name} is not known here"
            raise ValueError(unknown)
