"""The mailbox page and the control address `/_sandbox/mail…` on HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from aiohttp import web

from stavbill.sandbox.mail.faults import read_faults
from stavbill.sandbox.mail.letters import Letter
from stavbill.sandbox.mail.page import html_body, letter_page, list_page
from stavbill.sandbox.mail.server import MailServer

PREFIX = "/_sandbox/mail"
# A letter is a stranger's text: no scripts, no forms, and no way to read this page.
CLOSED = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
STYLES = "style-src 'unsafe-inline'; img-src data: "
SHOWN_INSIDE = frozenset({"application/pdf", "image/png", "image/jpeg", "text/plain"})


def mail_app(mail: MailServer, *, chats: str = "") -> web.Application:
    """Return an application that shows what `mail` took; `chats` is WhatsApp's page, if any.

    Pages: `/`, `/letters/N`. Control: GET `/_sandbox/mail` lists (`?to=` an address, `?since=` a
    number), DELETE forgets; GET `/_sandbox/mail/N` has the bodies too; `/_sandbox/mail/faults`
    GET, PUT `{"seed": 0, "faults": [{"kind": …}]}`, DELETE; GET `/_sandbox/mail/counts`; POST
    `/_sandbox/mail/settle` delivers the reports that wait.
    """
    app = web.Application()
    _add_pages(app, mail, chats)
    _add_control(app, mail)
    return app


def _asked(mail: MailServer, request: web.Request) -> Letter:
    letter = mail.letters.find(int(request.match_info["number"]))
    if letter is None:
        raise web.HTTPNotFound(text="Такого письма нет.")
    return letter


def _add_pages(app: web.Application, mail: MailServer, chats: str) -> None:
    async def show_list(request: web.Request) -> web.Response:
        wanted = request.query.get("to", "").strip()
        page = request.query.get("page", "1")
        found = [letter for letter in mail.letters if _speaks_of(letter, wanted)]
        text = list_page(
            found,
            wanted=wanted,
            page=int(page) if page.isdecimal() else 1,
            total=len(mail.letters),
            chats=chats,
        )
        return web.Response(text=text, content_type="text/html")

    async def show_letter(request: web.Request) -> web.Response:
        text = letter_page(_asked(mail, request), images="images" in request.query)
        return web.Response(text=text, content_type="text/html")

    async def show_html(request: web.Request) -> web.Response:
        body = html_body(_asked(mail, request))
        pictures = " http: https:" if "images" in request.query else ""
        # Its own address by name: in a sandboxed frame 'self' is nobody.
        own = f"{request.scheme}://{request.host}"
        policy = {"Content-Security-Policy": CLOSED + STYLES + own + pictures}
        return web.Response(text=body, content_type="text/html", headers=policy)

    async def show_raw(request: web.Request) -> web.Response:
        return web.Response(body=_asked(mail, request).raw, content_type="text/plain")

    async def give_file(request: web.Request) -> web.Response:
        files = _asked(mail, request).attachments
        place = int(request.match_info["place"])
        if place >= len(files):
            raise web.HTTPNotFound(text="Такого файла нет.")
        file = files[place]
        inside = file.content_type in SHOWN_INSIDE
        kind = file.content_type if inside else "application/octet-stream"
        how = "inline" if inside else "attachment"
        headers = {
            "Content-Disposition": f"{how}; filename*=UTF-8''{quote(file.name, safe='')}",
            "X-Content-Type-Options": "nosniff",
        }
        return web.Response(body=file.content, content_type=kind, headers=headers)

    app.router.add_get("/", show_list)
    app.router.add_get(r"/letters/{number:\d+}", show_letter)
    app.router.add_get(r"/letters/{number:\d+}/html", show_html)
    app.router.add_get(r"/letters/{number:\d+}/raw", show_raw)
    app.router.add_get(r"/letters/{number:\d+}/files/{place:\d+}", give_file)


def _speaks_of(letter: Letter, wanted: str) -> bool:
    words = [letter.sender, *letter.recipients, letter.header("Subject")]
    words += [file.name for file in letter.attachments]
    return not wanted or any(wanted.lower() in word.lower() for word in words)


def _add_control(app: web.Application, mail: MailServer) -> None:
    async def list_letters(request: web.Request) -> web.Response:
        since = int(request.query.get("since", "0"))
        address = request.query.get("to", "")
        found = mail.letters.to(address) if address else tuple(mail.letters)
        return web.json_response([each.shown() for each in found if each.number > since])

    async def forget(_: web.Request) -> web.Response:
        mail.letters.forget()
        return web.json_response({"letters": 0})

    async def give_letter(request: web.Request) -> web.Response:
        return web.json_response(_asked(mail, request).whole())

    async def show_faults(_: web.Request) -> web.Response:
        return web.json_response(
            [asdict(fault) | {"struck": struck} for fault, struck in mail.faults.on()]
        )

    async def switch(request: web.Request) -> web.Response:
        try:
            given: dict[str, Any] = await request.json()
            faults = read_faults(given.get("faults", []))
        except (ValueError, TypeError, AttributeError) as wrong:
            return web.json_response({"error": str(wrong)}, status=400)
        mail.faults.switch(*faults, seed=int(given.get("seed", 0)))
        return web.json_response({"on": len(faults)})

    async def switch_off(_: web.Request) -> web.Response:
        mail.faults.switch()
        return web.json_response({"on": 0})

    async def show_counts(_: web.Request) -> web.Response:
        return web.json_response(dict(mail.counts))

    async def settle(_: web.Request) -> web.Response:
        return web.json_response({"delivered": mail.settle()})

    app.router.add_get(PREFIX, list_letters)
    app.router.add_delete(PREFIX, forget)
    app.router.add_get(PREFIX + r"/{number:\d+}", give_letter)
    app.router.add_get(PREFIX + "/faults", show_faults)
    app.router.add_put(PREFIX + "/faults", switch)
    app.router.add_delete(PREFIX + "/faults", switch_off)
    app.router.add_get(PREFIX + "/counts", show_counts)
    app.router.add_post(PREFIX + "/settle", settle)
