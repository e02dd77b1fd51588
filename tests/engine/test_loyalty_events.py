"""What a merchant's mailer is told of points and codes: once each, and anew when it comes about anew."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec

from bridge.app import loyal_acting as acting
from bridge.engine import merging
from bridge.engine.loyalty import settle_loyalty
from bridge.store.tables import events as event_table
from tests.engine.outbox import Post, posted
from tests.webserver.loyal_house import ADA, LOYALTY, RULES, TERMS, code, member

DAY = 86_400.0
FADING = replace(LOYALTY, points=replace(RULES, expires_days=30.0))


def told(post: Post, kind: str) -> list[dict[str, Any]]:
    """What was told of this kind, in order."""
    return [msgspec.json.decode(row.data) for row in post.bench.rows(event_table) if row.type == kind]


def settle(post: Post) -> None:
    post.context.database.write(lambda connection: settle_loyalty(connection, post.context))


async def later(post: Post, days: float) -> None:
    await post.bench.wait(days * DAY)
    settle(post)


def test_points_that_will_expire_are_told_once_with_what_is_left_of_them() -> None:
    async def story(post: Post) -> None:
        member(post.context, 500)
        await later(post, 15)
        assert told(post, "points.expiring") == []
        post.context.database.write(
            lambda connection: acting.adjust(connection, post.context, ADA, -200, "a mistake", "the owner")
        )
        await later(post, 2)
        settle(post)
        (one,) = told(post, "points.expiring")
        assert (one["person"], one["points"]) == (ADA, 300)
        assert one["first_at"][:10] == post.later(days=13).strftime("%Y-%m-%d")
        await later(post, 20)
        assert len(told(post, "points.expiring")) == 1

    posted(story, loyalty=FADING)


def test_points_that_are_spent_will_not_expire() -> None:
    async def story(post: Post) -> None:
        member(post.context, 500)
        post.context.database.write(
            lambda connection: acting.adjust(connection, post.context, ADA, -500, "a mistake", "the owner")
        )
        await later(post, 17)
        assert told(post, "points.expiring") == []

    posted(story, loyalty=FADING)


def test_a_code_of_somebodys_points_that_nobody_used_is_told_once_before_it_ends() -> None:
    async def story(post: Post) -> None:
        member(post.context, 500)
        made = post.context.database.write(lambda connection: acting.redeem(connection, post.context, ADA, 100, []))
        code(post.context, "CAMPAIGN", replace(TERMS, ends_at=post.later(hours=100)))
        settle(post)
        assert told(post, "coupon.unused") == []
        await later(post, 2)
        settle(post)
        (one,) = told(post, "coupon.unused")
        assert (one["code"], one["person"], one["uses_left"]) == (made.code, ADA, 1)
        await later(post, 3)
        assert len(told(post, "coupon.unused")) == 1

    posted(story, loyalty=replace(LOYALTY, lasts=timedelta(days=4)))


def test_a_code_that_lasts_for_less_than_the_notice_is_told_after_half_its_time() -> None:
    async def story(post: Post) -> None:
        member(post.context, 500)
        post.context.database.write(lambda connection: acting.redeem(connection, post.context, ADA, 100, []))
        await later(post, 0.4)
        assert told(post, "coupon.unused") == []
        await later(post, 0.2)
        assert len(told(post, "coupon.unused")) == 1

    posted(story, loyalty=replace(LOYALTY, lasts=timedelta(days=1)))


def test_a_debt_is_told_once_and_once_more_when_it_comes_back() -> None:
    async def story(post: Post) -> None:
        member(post.context, 0)

        def give(units: int) -> None:
            post.context.database.write(
                lambda connection: merging.adjust(connection, post.context, ADA, units, "a test", "the owner")
            )

        for units in (-50, 50, -50):
            give(units)
            settle(post)
        assert [one["points"] for one in told(post, "points.debt")] == [50, 50]
        give(-10)
        assert [one["points"] for one in told(post, "points.debt")] == [50, 50, 60]

    posted(story, loyalty=LOYALTY)
