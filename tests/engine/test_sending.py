"""Events on their way: in order, signed, and again until they are taken."""

import base64
import hashlib
import hmac
import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from starlette.responses import Response

from bridge.engine.sending import Sender, signing_key
from bridge.store import events
from bridge.store.tables import event_sends, parked
from tests.engine.outbox import MAIL, SECRET, Post, posted


def test_an_event_is_a_signed_cloud_event() -> None:
    async def story(post: Post) -> None:
        post.emit("sku/A@main")
        assert await post.sender.run_once() is None
        ((headers, body),) = post.receiver.raw
        event = msgspec.json.decode(body)
        assert headers["content-type"].partition(";")[0] == "application/cloudevents+json"
        assert (event["specversion"], event["source"], event["type"]) == ("1.0", "https://bridge.test", "bridge.drift")
        assert (event["subject"], event["datacontenttype"], event["data"]) == (
            "sku/A@main",
            "application/json",
            {"n": 0},
        )
        assert datetime.fromisoformat(event["time"]) <= post.context.now()
        assert event["id"] == headers["webhook-id"]
        assert abs(int(headers["webhook-timestamp"]) - post.context.now().timestamp()) < 2
        signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
        mac = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{mac}"

    posted(story)


def test_a_secret_of_the_standard_form_is_decoded() -> None:
    assert signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") == base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert signing_key("whsec_not base64") == b"whsec_not base64"


def test_a_failure_holds_up_its_own_subject_and_keeps_the_order() -> None:
    async def story(post: Post) -> None:
        refused = 2

        def answer(event: dict[str, Any]) -> Response:
            nonlocal refused
            if event["subject"] == "a" and refused:
                refused -= 1
                return Response(status_code=422)
            return Response(status_code=200)

        post.receiver.answer = answer
        post.emit("a", "b", "a", "b", "a")
        await post.until(post.later(hours=1))
        assert [one for one in post.receiver.numbers if one[0] == "b"] == [("b", 1), ("b", 3)]
        assert post.receiver.numbers[-5:] == [("b", 3), ("a", 0), ("a", 0), ("a", 2), ("a", 4)]
        ids = [event["id"] for _, event in post.receiver.heard if event["data"]["n"] == 0]
        assert len(ids) == 3
        assert len(set(ids)) == 1

    posted(story)


def test_it_is_tried_again_after_ten_seconds_doubling_to_an_hour_and_given_up_after_three_days() -> None:
    async def story(post: Post) -> None:
        post.receiver.answer = lambda _: Response(status_code=400, content="no such template")
        post.emit("a", "a")
        began = post.context.now()
        await post.until(post.later(days=10))
        first = [(at - began).total_seconds() for at, event in post.receiver.heard if event["data"]["n"] == 0]
        gaps = [after - before for before, after in itertools.pairwise(first)]
        for number, gap in enumerate(gaps):
            assert 0.8 * min(3600, 10 * 2**number) - 1 <= gap <= 1.2 * min(3600, 10 * 2**number) + 1
        assert len({round(gap / min(3600, 10 * 2**number), 3) for number, gap in enumerate(gaps)}) > 5
        assert timedelta(days=2.9).total_seconds() < first[-1] <= timedelta(days=3).total_seconds()
        assert {row.state for row in post.bench.rows(event_sends)} == {"failed"}
        (note,) = post.bench.rows(parked)
        assert (note.subject, note.key) == ("event", "mail")
        assert "no such template" in note.reason
        assert "bridge retry" in note.reason
        assert post.types == ["drift", "drift"]

    posted(story)


def test_an_event_that_was_given_up_is_told_to_the_other_targets() -> None:
    async def story(post: Post) -> None:
        post.receiver.answer = lambda event: Response(status_code=410 if event["type"] == "bridge.drift" else 200)
        post.emit("a")
        await post.until(post.later(hours=1))
        assert post.receiver.types == ["drift", "parked"]
        assert [(row.target, row.state) for row in post.bench.rows(event_sends)] == [
            ("mail", "failed"),
            ("sms", "sent"),
        ]
        (note,) = post.bench.rows(parked)
        assert "take [[events]] mail out of the config" in note.reason

    posted(story, MAIL, replace(MAIL, name="sms"))


def test_a_target_that_is_down_rests_and_then_hears_everything_in_order() -> None:
    async def story(post: Post) -> None:
        back = post.later(minutes=30)
        post.receiver.answer = lambda _: Response(status_code=503 if post.context.now() < back else 202)
        subjects = [f"s{number % 20}" for number in range(60)]
        post.emit(*subjects)
        await post.until(post.later(hours=3))
        taken = [event for at, event in post.receiver.heard if at >= back]
        assert len(taken) == 60
        for subject in set(subjects):
            mine = [event["data"]["n"] for event in taken if event["subject"] == subject]
            assert mine == sorted(mine)
        # It was asked now and then, not hammered: eight at a time, some seconds apart.
        assert len(post.receiver.heard) - 60 < 8 * 30 * 60 / 8

    posted(story)


def test_a_target_may_say_how_long_it_wants_to_be_left_alone() -> None:
    async def story(post: Post) -> None:
        back = post.later(minutes=20)
        post.receiver.answer = lambda _: (
            Response(status_code=429, headers={"retry-after": "1200"})
            if post.context.now() < back
            else Response(status_code=200)
        )
        post.emit("a")
        await post.until(post.later(hours=1))
        assert len(post.receiver.heard) == 2

    posted(story)


@pytest.mark.parametrize("status", [301, 307])
def test_a_redirect_is_not_followed(status: int) -> None:
    async def story(post: Post) -> None:
        post.receiver.answer = lambda _: Response(status_code=status, headers={"location": "https://mail.test/in"})
        post.emit("a")
        at = await post.sender.run_once()
        assert at is not None
        assert len(post.receiver.heard) == 1
        assert post.bench.rows(event_sends)[0].error.startswith(f"HTTP {status}")

    posted(story)


def test_an_event_whose_answer_was_lost_is_sent_again_with_the_same_id() -> None:
    """Killed between the answer and the note of it: at least once, and the receiver can tell."""

    async def story(post: Post) -> None:
        class Killed(BaseException):
            pass

        def killed(*_: Any) -> None:
            raise Killed

        post.emit("a")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(events, "sent", killed)
            with pytest.raises(Killed):
                await post.sender.run_once()
        again = Sender(post.context, (MAIL,), post.around, "https://bridge.test")
        assert await again.run_once() is None
        await again.close()
        (first, second) = post.receiver.raw
        assert first[1] == second[1]
        assert first[0]["webhook-id"] == second[0]["webhook-id"]

    posted(story)


def test_what_is_wanted_by_a_target_that_is_no_more_is_dropped() -> None:
    async def story(post: Post) -> None:
        post.emit("a")
        fresh = Sender(post.context, (replace(MAIL, name="new"),), post.around, "")
        assert await fresh.run_once() is None
        await fresh.close()
        assert post.bench.rows(event_sends) == []
        assert post.receiver.heard == []

    posted(story)


def test_a_secret_is_in_no_error() -> None:
    async def story(post: Post) -> None:
        def answer(event: dict[str, Any]) -> Response:
            return Response(status_code=500, content=f"bad {SECRET}")

        post.receiver.answer = answer
        post.emit("a")
        await post.sender.run_once()
        assert SECRET not in post.bench.rows(event_sends)[0].error
        assert SECRET not in repr(MAIL)

    posted(story)
