"""The three ways Shopify says no: top-level GraphQL errors, `userErrors` inside a payload, and plain HTTP bodies."""

from typing import Any

from graphql import GraphQLError

UserErrors = list[dict[str, Any]]
SCOPES_PAGE = "https://shopify.dev/api/usage/access-scopes"
LIMITS_PAGE = "https://shopify.dev/api/usage/rate-limits"
BAD_TOKEN = b'{"errors":"[API] Invalid API key or access token (unrecognized login or wrong password)"}'
MAX_COST_TEXT = """Query cost is {cost}, which exceeds the single query max cost limit ({limit}).

See https://shopify.dev/concepts/about-apis/rate-limits for more information on how the
cost of a query is calculated.

To query larger amounts of data with fewer limits, bulk operations should be used instead.
See https://shopify.dev/tutorials/perform-bulk-operations-with-admin-api for usage details.
"""


class InvalidError(Exception):
    """A rule of the shop refuses; carries the `userErrors` of the payload."""

    def __init__(self, errors: UserErrors) -> None:
        super().__init__("; ".join(str(error["message"]) for error in errors))
        self.errors = errors


def user_error(field: list[str] | None, message: str, code: str | None = None) -> dict[str, Any]:
    """Build one entry of `userErrors`; `code` is ignored where the payload's error type has none."""
    return {"field": field, "message": message, "code": code}


def refuse(field: list[str] | None, message: str, code: str | None = None) -> InvalidError:
    """Build the refusal with a single entry."""
    return InvalidError([user_error(field, message, code)])


def bad_request(message: str) -> GraphQLError:
    """Build the error of a field that cannot run as asked (recorded: bulk-operations-read-arg-validation)."""
    return GraphQLError(message, extensions={"code": "BAD_REQUEST"})


def wrong_id(message: str) -> GraphQLError:
    """Build the error of an id of another kind, or number 0 (recorded: fulfillment-create-invalid-id)."""
    return GraphQLError(message, extensions={"code": "RESOURCE_NOT_FOUND"})


def access_denied(field: str, scope: str) -> GraphQLError:
    """Build the error of a missing scope (form recorded in product-helper-roots-read)."""
    needed = f"`{scope}` access scope."
    extensions = {"code": "ACCESS_DENIED", "documentation": SCOPES_PAGE, "requiredAccess": needed}
    return GraphQLError(f"Access denied for {field} field. Required access: {needed}", extensions=extensions)


def throttled() -> dict[str, Any]:
    """Build the entry of an empty bucket (community.shopify.com/t/254776)."""
    return {"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": LIMITS_PAGE}}


def too_expensive(cost: int, limit: int) -> dict[str, Any]:
    """Build the entry of a query above the limit of a single one."""
    extensions = {"code": "MAX_COST_EXCEEDED", "cost": cost, "maxCost": limit, "documentation": LIMITS_PAGE}
    return {"message": MAX_COST_TEXT.format(cost=cost, limit=limit), "extensions": extensions}
