"""The few facts by which platforms differ, as far as a test must know them.

What a connector itself says (its ports, its Limits) is not repeated here: only what a test must know to play the shopper,
the clerk or the saboteur on that platform. The defaults are those of a shop; what a platform sets otherwise has its reason
beside it (tests/contract/test_honesty.py looks for it).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.contract.webhooks import Delivery

__all__ = ["Facts", "Rule", "Values"]

Values = Mapping[str, Any]
Rule = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the tests must know of one platform.

    Access

    host          where it answers; hosts: further hosts that its connector calls (a token service, an upload address)
    tokens        pattern of the path where a connector fetches its access token: such calls are not counted
    offers        the ports that the name map promises for this connector
    incomplete    settings without which nothing can work, each a case of its own
    wrong         settings with credentials that the platform does not know
    secrets       the settings that must never be seen in a text
    lacking       (options of the stand-in, settings, the word in Identity.missing) of a token without write access
    writes        whether a call changes something at the platform
    calls         fault rules that strike one kind of call: stock, mirror, refund, create, edit, subscribe, points,
                  coupon
    names_wait    a throttled answer carries Retry-After
    tight         options of the stand-in under which its own rate limit bites
    nobody        an id, well formed, that no listing, number or order has
    settings      settings beside the credentials: what a merchant has to allow for all that the suite does

    Catalogue

    page          products per page of the catalogue
    calls_a_page, calls_a_product   calls that reading takes beside the pages themselves
    feed_is_whole the platform does not say what changed: the feed of changes reads everything
    one_variant   a product has one variant: sizes are listings of their own, which the platform groups
    plain_text    descriptions are plain text
    archives      a listing can be out of sale and still be read
    sku_unique    the SKU is the listing's own name: two with one cannot be
    tracks_always every listing has a number: there is no switching on
    untracked     `stock` of a seed whose variant has a place for a number, and no number yet
    titles, skus, prices   such as the platform takes, the strangest of them
    trash         a deleted product lies in a trash, where its number can still be written (and sells nothing)
    counts_outlive    the number of a deleted variant can still be read
    spoil_price   (pattern, replacement) that makes the price 66.61 unreadable in an answer

    Stock

    write_calls   calls that one stock batch takes, look-ups and read-backs included
    one_record    a stock call carries the rows of one listing, however few they are
    many_places   goods can lie in several places that people fill
    fixed         options of the stand-in under which a place of Limits.fixed_locations has goods

    Writing products

    inexpressible fields of a product that the platform does not have, or that cannot be changed there
    create_with   settings with which products can be created (a listing map); None: they cannot
    needs_map     without those settings a creation is refused, and says what is missing
    preview_calls a preview asks the platform (it writes nothing)
    deletes       products.delete takes a listing out

    Orders: what people there can do

    ways          options of a sale: the different ways in which people buy there
    ship          options of a sale that leaves something to ship
    unpaid        people can order without paying at once
    discounts     a sale can carry a discount
    line_discounts  a single line can carry one, as with a loyalty card's price
    line_prices   a line can be sold at a price of its own
    refunds       the seller can take back part of an order, and the order says how many units
    refund_puts_back  such a refund can put units back on the platform's own number
    refund_is_order   a refund is booked as an order of its own
    cancels           the seller can cancel an order
    cancel_puts_back  a cancelled order's units go back on the platform's own number
    cancel_keeps      the seller can cancel without putting units back
    edits         orders can be edited there; edits_paid: one that is paid can, too
    moves_time    each change of an order moves the time of its last change

    The order writer

    refund_restocks   order_writer.refund can put units back
    cancels_paid      order_writer.cancel can cancel an order that is paid
    cancel_as_told    order_writer.cancel can say whether units go back

    Customers and points

    customer_page customers per page
    people_change the platform says which customers changed
    phone_search  people can be looked up by their phone number
    knows_consent the platform says who does not want to be written to
    points_stale  a write of points that names another number than is shown comes back stale (where it is not a difference anyway)
    earning       options of the stand-in under which the platform itself gives points for a sale

    Codes

    code_wait     seconds within which a code can be looked up that was taken in ("later"), or whose answer was lost
    use_lag       seconds after which a use counts at the checkout
    coupon_page   codes per page of coupons.all
    coupon_calls  calls that one batch of codes takes, for codes whose group is there
    people_first  a code for certain addresses needs a customer's account of each

    Webhooks

    subscribes    subscriptions are made through the API; otherwise by hand, by the stand-in's verb `subscribe(url) -> secret`
    tells         what the platform tells of: "sale", "refund", "count", "edit"
    switches_off  a subscription that is refused for weeks is switched off
    shared_secret deliveries are signed with a secret that both sides know
    resign        signs a delivery anew with another secret; None: base64 of HMAC-SHA256 over the body
    signs_url     the signature of a webhook covers the address that it was sent to
    greets        a new subscription is greeted with a delivery that is not signed
    """

    host: str
    hosts: tuple[str, ...] = ()
    tokens: str = ""
    offers: tuple[str, ...] = ("account", "catalog", "stock", "orders", "products", "order_writer")
    incomplete: tuple[Values, ...]
    wrong: Values
    secrets: tuple[str, ...]
    lacking: tuple[Values, Values, str]
    writes: Callable[[str, str, bytes], bool]
    calls: Mapping[str, Rule]
    names_wait: bool = True
    tight: Values = field(default_factory=dict)
    nobody: str = "999999999"
    settings: Values = field(default_factory=dict)

    page: int
    calls_a_page: float = 0.0
    calls_a_product: float = 0.0
    feed_is_whole: bool = False
    one_variant: bool = False
    plain_text: bool = False
    archives: bool = True
    sku_unique: bool = False
    tracks_always: bool = False
    untracked: Any = None
    titles: tuple[str, ...] = (
        "Crème brûlée – 3 × ½", "日本茶 🍵", 'quote " and \\ and <b>&amp;', "edges", "Ünïcode\u0301",
    )  # fmt: skip
    skus: tuple[str, ...] = ("ÄÖÜ-ß", "茶-1", "A B/C.D_E", "x" * 60, "0001", "a'b")
    prices: tuple[str, ...] = ("0.00", "0.01", "19.99", "123456.78")
    trash: bool = False
    counts_outlive: bool = False
    spoil_price: tuple[str, str]

    write_calls: int = 1
    one_record: bool = False
    many_places: bool = True
    fixed: Values = field(default_factory=dict)

    inexpressible: frozenset[str] = frozenset()
    create_with: Values | None = field(default_factory=dict)
    needs_map: bool = False
    preview_calls: bool = False
    deletes: bool = True

    ways: tuple[Values, ...] = ({},)
    ship: Values = field(default_factory=dict)
    unpaid: bool = True
    discounts: bool = True
    line_discounts: bool = False
    line_prices: bool = True
    refunds: bool = True
    refund_puts_back: bool = True
    refund_is_order: bool = False
    cancels: bool = True
    cancel_puts_back: bool = True
    cancel_keeps: bool = True
    edits: bool = True
    edits_paid: bool = True
    moves_time: bool = True

    refund_restocks: bool = True
    cancels_paid: bool = True
    cancel_as_told: bool = True

    customer_page: int = 100
    people_change: bool = True
    phone_search: bool = True
    knows_consent: bool = True
    points_stale: bool = True
    earning: Values = field(default_factory=dict)

    code_wait: float = 0.0
    use_lag: float = 0.0
    coupon_page: int = 100
    coupon_calls: int = 1
    people_first: bool = False

    subscribes: bool = True
    tells: frozenset[str] = frozenset({"sale", "refund", "count", "edit"})
    switches_off: bool = True
    shared_secret: bool = True
    resign: Callable[[Delivery, str], Delivery] | None = None
    signs_url: bool = False
    greets: bool = False
