"""The mailbox page and its control address."""

from __future__ import annotations

import asyncio
from urllib.parse import unquote

from tests.sandbox.mail.posting import CUSTOMER, SENDER, letter, posting


async def test_the_list_shows_letters_newest_first_and_finds_them() -> None:
    async with posting() as post:
        empty, _ = await post.page("/")
        assert "Писем нет." in empty
        await post.send()
        await post.send(letter("dir@vasilek.example", number=2))
        shown, _ = await post.page("/")
        assert shown.index("№ 2") < shown.index("№ 1")
        assert "10.12.2026 09:00:00" in shown
        assert "Счёт 1.pdf" in shown
        found, _ = await post.page("/?to=VASILEK")
        assert "№ 2" in found
        assert "№ 1<" not in found
        assert "Писем: 1 из 2" in found


async def test_the_list_has_pages() -> None:
    async with posting() as post:
        for number in range(101):
            await post.send(letter(number=number))
        first, _ = await post.page("/")
        second, _ = await post.page("/?page=2")
        assert "№ 100<" in first
        assert "№ 0<" not in first
        assert "№ 0<" in second
        beyond, _ = await post.page("/?page=99")
        assert "№ 0<" in beyond


async def test_one_letter_shows_its_words_and_keeps_its_script_in_a_cage() -> None:
    async with posting() as post:
        message = letter()
        message.replace_header("Subject", "<b>Счёт</b>")
        await post.send(message)
        shown, _ = await post.page("/letters/1")
        assert "&lt;b&gt;Счёт&lt;/b&gt;" in shown
        assert "<b>Счёт</b>" not in shown
        assert "alert(1)" not in shown
        assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in shown
        assert "Счёт во вложении" in shown
        body, headers = await post.page("/letters/1/html")
        assert 'src="/letters/1/files/0"' in body
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("sandbox ")
        assert "allow-scripts" not in policy
        assert "default-src 'none'" in policy
        assert policy.endswith(f"img-src data: {post.url}")
        _, headers = await post.page("/letters/1/html?images=1")
        assert headers["Content-Security-Policy"].endswith(" http: https:")


async def test_files_are_given_back_as_they_came() -> None:
    async with posting() as post:
        await post.send()
        async with post.http.get(f"{post.url}/letters/1/files/1") as answer:
            assert (await answer.read(), answer.content_type) == (b"%PDF-1.7", "application/pdf")
            assert "Счёт 1.pdf" in unquote(answer.headers["Content-Disposition"])
        raw, headers = await post.page("/letters/1/raw")
        assert raw.encode() == next(iter(post.mail.letters)).raw
        assert headers["Content-Type"].startswith("text/plain")
        for path in ("/letters/2", "/letters/1/files/7"):
            async with post.http.get(post.url + path) as answer:
                assert answer.status == 404


async def test_a_file_that_could_run_is_only_downloaded() -> None:
    async with posting() as post:
        message = letter()
        message.add_attachment("<script>alert(1)</script>", subtype="html", filename="x.html")
        await post.send(message)
        async with post.http.get(f"{post.url}/letters/1/files/2") as answer:
            assert answer.content_type == "application/octet-stream"
            assert answer.headers["Content-Disposition"].startswith("attachment;")


async def test_a_report_says_what_programs_read() -> None:
    async with posting() as post:
        await post.put("/_sandbox/mail/faults", {"faults": [{"kind": "report", "seconds": 5}]})
        await post.send()
        async with post.http.post(f"{post.url}/_sandbox/mail/settle") as answer:
            assert await answer.json() == {"delivered": 1}
        shown, _ = await post.page("/letters/2")
        assert "Action: failed" in shown
        listed, _ = await post.page("/")
        assert "уведомление о доставке" in listed


async def test_json_lists_letters_and_gives_one() -> None:
    async with posting() as post:
        await asyncio.gather(*(post.send(letter(number=number)) for number in (1, 2, 3)))
        listed = await post.get("/_sandbox/mail")
        assert sorted(each["message_id"] for each in listed) == [
            f"<inv-{number}@avtotrek.example>" for number in (1, 2, 3)
        ]
        assert listed[0]["recipients"] == [CUSTOMER]
        assert listed[0]["sender"] == SENDER
        assert [each["number"] for each in await post.get("/_sandbox/mail?since=2")] == [3]
        assert await post.get("/_sandbox/mail?to=nobody@x.example") == []
        one = await post.get("/_sandbox/mail/1")
        assert "Счёт во вложении" in one["text"]
        assert [file["size"] for file in one["attachments"]] == [4, 8]
        assert (await post.get("/_sandbox/mail/counts"))["taken"] == 3
        async with post.http.delete(f"{post.url}/_sandbox/mail") as answer:
            assert await answer.json() == {"letters": 0}
        assert await post.get("/_sandbox/mail") == []


async def test_faults_are_switched_shown_and_refused_when_misspelt() -> None:
    async with posting() as post:
        status, body = await post.put(
            "/_sandbox/mail/faults",
            {"seed": 7, "faults": [{"kind": "refuse", "to": "@romashka.example", "nth": [1]}]},
        )
        assert (status, body) == (200, {"on": 1})
        [fault] = await post.get("/_sandbox/mail/faults")
        assert (fault["kind"], fault["nth"], fault["struck"]) == ("refuse", [1], 0)
        for wrong in (
            {"kind": "explode"},
            {"kind": "refuse", "when": 1},
            {"kind": "refuse", "nth": 1},
        ):
            status, body = await post.put("/_sandbox/mail/faults", {"faults": [wrong]})
            assert status == 400
            assert body["error"]
        async with post.http.delete(f"{post.url}/_sandbox/mail/faults") as answer:
            assert await answer.json() == {"on": 0}
