"""Every GraphQL operation this connector sends, by name, for Admin API 2026-10.

Page sizes are written out, so that the points each one costs are known before it is sent; the rate limiter takes them
from `cost`. Connections inside a page are short: what does not fit is followed by the operations of `INNER`.
"""

import re
from dataclasses import dataclass

from connectors.shopify.cost import estimate

__all__ = ["ALL", "INNER", "PAGE", "Operation", "edit_products", "operation", "track_stock"]


@dataclass(frozen=True, slots=True)
class Operation:
    """A named GraphQL document. `write` tells mutations apart, `keyed` those that carry an idempotency key."""

    name: str
    text: str
    cost: int
    write: bool = False
    keyed: bool = False


def operation(text: str) -> Operation:
    """Name a document by what it says, and work out its points."""
    kind, name = re.findall(r"\w+", text)[:2]
    return Operation(name, text, estimate(text), write=kind == "mutation", keyed="@idempotent" in text)


PAGE = "pageInfo { hasNextPage endCursor }"
_MONEY = "{ shopMoney { amount currencyCode } }"

_VARIANT = """id title sku barcode price compareAtPrice selectedOptions { name value }
  inventoryItem { id tracked measurement { weight { value unit } } }"""
_MEDIA = "id ... on MediaImage { image { url } }"
_PRODUCT = f"""
fragment ProductFields on Product {{
  id title descriptionHtml status updatedAt options {{ name }}
  variants(first: 50) {{ nodes {{ {_VARIANT} }} {PAGE} }}
  media(first: 10) {{ nodes {{ {_MEDIA} }} {PAGE} }}
}}"""

_LEVELS = 'location { id } updatedAt quantities(names: ["available"]) { name quantity }'

_LINE = f"""id title sku quantity currentQuantity isGiftCard variant {{ id }} originalUnitPriceSet {_MONEY}
  discountAllocations {{ allocatedAmountSet {_MONEY} }} taxLines {{ priceSet {_MONEY} }}"""
_REFUND_LINE = "quantity restockType restocked lineItem { id }"
_SHIPPED = "quantity lineItem { id }"
_ASSIGNED = "totalQuantity lineItem { id }"
_FULFILLMENT_ORDER = f"""id status assignedLocation {{ location {{ id }} }}
  lineItems(first: 20) {{ nodes {{ {_ASSIGNED} }} {PAGE} }}"""
_ORDER = f"""
fragment OrderFields on Order {{
  id name createdAt updatedAt cancelledAt confirmed edited test sourceName sourceIdentifier discountCodes currencyCode
  displayFinancialStatus displayFulfillmentStatus returnStatus taxesIncluded email phone
  totalPriceSet {_MONEY} totalShippingPriceSet {_MONEY} totalRefundedSet {_MONEY}
  customer {{ id }} retailLocation {{ id }}
  shippingAddress {{ name company address1 address2 city province provinceCode zip countryCodeV2 phone }}
  lineItems(first: 20) {{ nodes {{ {_LINE} }} {PAGE} }}
  refunds {{ id return {{ id }} refundLineItems(first: 20) {{ nodes {{ {_REFUND_LINE} }} {PAGE} }} }}
  fulfillmentOrders(first: 5) {{ nodes {{ {_FULFILLMENT_ORDER} }} {PAGE} }}
  fulfillments {{
    id status trackingInfo {{ number company url }}
    fulfillmentLineItems(first: 20) {{ nodes {{ {_SHIPPED} }} {PAGE} }}
  }}
}}"""

WHO = operation("""query Who {
  shop { name currencyCode myshopifyDomain }
  currentAppInstallation { accessScopes { handle } }
}""")
LOCATIONS = operation(f"""query Locations($after: String) {{
  locations(first: 50, after: $after, includeInactive: true) {{ nodes {{ id name isActive }} {PAGE} }}
}}""")

PRODUCTS = operation(f"""query Products($query: String!, $after: String) {{
  shop {{ currencyCode }}
  products(first: 250, after: $after, query: $query, sortKey: UPDATED_AT) {{ nodes {{ ...ProductFields }} {PAGE} }}
}}{_PRODUCT}""")
ALL_PRODUCTS = operation(f"""query AllProducts($query: String!, $after: String) {{
  shop {{ currencyCode }}
  products(first: 250, after: $after, query: $query, sortKey: ID) {{ nodes {{ ...ProductFields }} {PAGE} }}
}}{_PRODUCT}""")
PRODUCTS_BY_ID = operation(f"""query ProductsById($ids: [ID!]!) {{
  shop {{ currencyCode }}
  nodes(ids: $ids) {{ ...ProductFields }}
}}{_PRODUCT}""")

LEVELS_READ = operation("""query LevelsRead($ids: [ID!]!, $location: ID!) {
  nodes(ids: $ids) { ... on InventoryItem {
    id tracked inventoryLevel(locationId: $location) { quantities(names: ["available"]) { name quantity } }
  } }
}""")
LEVELS_SCAN = operation(f"""query LevelsScan($after: String) {{
  inventoryItems(first: 250, after: $after) {{
    nodes {{ id tracked inventoryLevels(first: 10) {{ nodes {{ {_LEVELS} }} {PAGE} }} }} {PAGE}
  }}
}}""")
LEVELS_CHANGED = operation(f"""query LevelsChanged($query: String!, $after: String) {{
  locations(first: 20, after: $after) {{
    nodes {{ id inventoryLevels(first: 100, query: $query) {{ nodes {{ item {{ id tracked }} {_LEVELS} }} {PAGE} }} }}
    {PAGE}
  }}
}}""")
LEVELS_CHANGED_AT = operation(f"""query LevelsChangedAt($id: ID!, $query: String!, $after: String) {{
  node(id: $id) {{ ... on Location {{
    inventoryLevels(first: 250, after: $after, query: $query) {{ nodes {{ item {{ id tracked }} {_LEVELS} }} {PAGE} }}
  }} }}
}}""")
STOCK_ADJUST = operation("""mutation StockAdjust($input: InventoryAdjustQuantitiesInput!, $key: String!) {
  inventoryAdjustQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup {
      createdAt changes { name delta quantityAfterChange item { id } location { id } }
    }
    userErrors { field message code }
  }
}""")

ORDERS = operation(f"""query Orders($query: String!, $after: String) {{
  orders(first: 50, after: $after, query: $query, sortKey: UPDATED_AT) {{ nodes {{ ...OrderFields }} {PAGE} }}
}}{_ORDER}""")
ORDER = operation(f"""query Order($id: ID!) {{ order(id: $id) {{ ...OrderFields }} }}{_ORDER}""")
ORDER_BY_REFERENCE = operation("""query OrderByReference($query: String!) {
  found: orders(first: 10, query: $query) { nodes { id sourceIdentifier } }
  newest: orders(first: 50, sortKey: CREATED_AT, reverse: true) { nodes { id sourceIdentifier } }
}""")
ORDER_RETURNS = operation(f"""query OrderReturns($id: ID!, $after: String) {{
  node(id: $id) {{ ... on Order {{ returns(first: 10, after: $after) {{
    nodes {{ reverseFulfillmentOrders(first: 5) {{ nodes {{ lineItems(first: 20) {{
      nodes {{ fulfillmentLineItem {{ lineItem {{ id }} }} dispositions {{ type quantity }} }} {PAGE}
    }} }} {PAGE} }} }}
    {PAGE}
  }} }} }}
}}""")
ORDER_CREATE = operation(f"""mutation OrderCreate($order: OrderCreateOrderInput!, $options: OrderCreateOptionsInput) {{
  orderCreate(order: $order, options: $options) {{ order {{ ...OrderFields }} userErrors {{ field message code }} }}
}}{_ORDER}""")
ORDER_CANCEL = operation("""mutation OrderCancel($id: ID!, $restock: Boolean!) {
  orderCancel(orderId: $id, reason: OTHER, restock: $restock, notifyCustomer: false) {
    job { id done } orderCancelUserErrors { field message code }
  }
}""")
FULFIL = operation("""mutation Fulfil($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) { fulfillment { id status } userErrors { field message } }
}""")
REFUND = operation(f"""mutation Refund($input: RefundInput!, $key: String!) {{
  refundCreate(input: $input) @idempotent(key: $key) {{
    refund {{ id }} order {{ ...OrderFields }} userErrors {{ field message }}
  }}
}}{_ORDER}""")

PRODUCT_SEARCH = operation("""query ProductSearch($query: String!, $handle: String!) {
  productVariants(first: 250, query: $query) { nodes { sku product { id } } }
  productByIdentifier(identifier: { handle: $handle }) { id }
}""")
PRODUCT_SET = operation(f"""mutation ProductSet($input: ProductSetInput!) {{
  productSet(input: $input, synchronous: true) {{ product {{ ...ProductFields }} userErrors {{ field message code }} }}
}}{_PRODUCT}""")
PRODUCT_ARCHIVE = operation("""mutation ProductArchive($id: ID!) {
  productUpdate(product: { id: $id, status: ARCHIVED }) { product { id status } userErrors { field message } }
}""")

WEBHOOKS = operation(f"""query Webhooks($after: String) {{
  webhookSubscriptions(first: 100, after: $after, sortKey: ID) {{ nodes {{ id topic uri }} {PAGE} }}
}}""")
WEBHOOK_CREATE = operation("""mutation WebhookCreate($topic: WebhookSubscriptionTopic!, $uri: String!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: { uri: $uri, format: JSON }) {
    webhookSubscription { id topic uri } userErrors { field message }
  }
}""")
WEBHOOK_UPDATE = operation("""mutation WebhookUpdate($id: ID!, $uri: String!) {
  webhookSubscriptionUpdate(id: $id, webhookSubscription: { uri: $uri }) {
    webhookSubscription { id topic uri } userErrors { field message }
  }
}""")
WEBHOOK_DELETE = operation("""mutation WebhookDelete($id: ID!) {
  webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { field message } }
}""")


def _inner(name: str, owner: str, connection: str, nodes: str) -> Operation:
    return operation(
        f"query {name}($id: ID!, $after: String) {{ node(id: $id) {{ ... on {owner} {{\n"
        f"  {connection}(first: 250, after: $after) {{ nodes {{ {nodes} }} {PAGE} }}\n}} }} }}"
    )


# (owner, connection) -> the operation that reads the rest of it.
INNER = {
    ("Product", "variants"): _inner("ProductVariants", "Product", "variants", _VARIANT),
    ("Product", "media"): _inner("ProductMedia", "Product", "media", _MEDIA),
    ("InventoryItem", "inventoryLevels"): _inner("ItemLevels", "InventoryItem", "inventoryLevels", _LEVELS),
    ("Order", "lineItems"): _inner("OrderLines", "Order", "lineItems", _LINE),
    ("Order", "fulfillmentOrders"): operation(f"""query OrderPlaces($id: ID!, $after: String) {{
  node(id: $id) {{ ... on Order {{
    fulfillmentOrders(first: 20, after: $after) {{ nodes {{ {_FULFILLMENT_ORDER} }} {PAGE} }}
  }} }}
}}"""),
    ("Refund", "refundLineItems"): _inner("RefundLines", "Refund", "refundLineItems", _REFUND_LINE),
    ("FulfillmentOrder", "lineItems"): _inner("PlaceLines", "FulfillmentOrder", "lineItems", _ASSIGNED),
    ("Fulfillment", "fulfillmentLineItems"): _inner("ShippedLines", "Fulfillment", "fulfillmentLineItems", _SHIPPED),
}


def track_stock(rows: int) -> Operation:
    """Build the document that switches tracking on for `rows` items and then sets their numbers."""
    declared = "".join(f", $item{index}: ID!" for index in range(rows))
    tracked = "\n".join(
        f"  track{index}: inventoryItemUpdate(id: $item{index}, input: {{ tracked: true }}) "
        "{ userErrors { field message } }"
        for index in range(rows)
    )
    return operation(f"""mutation StockTrack($input: InventorySetQuantitiesInput!, $key: String!{declared}) {{
{tracked}
  inventorySetQuantities(input: $input) @idempotent(key: $key) {{
    inventoryAdjustmentGroup {{ createdAt changes {{ name delta quantityAfterChange item {{ id }} location {{ id }} }} }}
    userErrors {{ field message code }}
  }}
}}""")


def edit_products(shapes: tuple[tuple[bool, bool, int], ...]) -> Operation:
    """Build one document for several products; a shape says: product fields, media to delete, chunks of variants."""
    declared, fields = [], []
    for index, (own, media, chunks) in enumerate(shapes):
        parts = _edit_fields(index, own=own, media=media, chunks=chunks)
        declared += [declaration for declaration, _ in parts]
        fields += [text for _, text in parts]
        fields[-1] = fields[-1].replace("product { id }", "product { ...ProductFields }")
    return operation(f"mutation ProductEdit({', '.join(declared)}) {{\n" + "\n".join(fields) + f"\n}}{_PRODUCT}")


def _edit_fields(index: int, *, own: bool, media: bool, chunks: int) -> list[tuple[str, str]]:
    errors = "userErrors { field message }"
    parts = []
    if media:
        call = f"gone{index}: productDeleteMedia(mediaIds: $gone{index}, productId: $owner{index})"
        parts.append(
            (f"$gone{index}: [ID!]!, $owner{index}: ID!", f"  {call} {{ mediaUserErrors {{ field message }} }}")
        )
    for tag in (f"{index}_{chunk}" for chunk in range(chunks)):
        call = f"variants{tag}: productVariantsBulkUpdate(productId: $of{tag}, variants: $variants{tag})"
        declared = f"$variants{tag}: [ProductVariantsBulkInput!]!, $of{tag}: ID!"
        parts.append((declared, f"  {call} {{ product {{ id }} {errors} }}"))
    if own or not chunks:
        call = f"product{index}: productUpdate(product: $product{index}, media: $media{index})"
        declared = f"$product{index}: ProductUpdateInput!, $media{index}: [CreateMediaInput!]"
        parts.append((declared, f"  {call} {{ product {{ id }} {errors} }}"))
    return parts


ALL = (
    WHO, LOCATIONS, PRODUCTS, ALL_PRODUCTS, PRODUCTS_BY_ID, LEVELS_READ, LEVELS_SCAN, LEVELS_CHANGED, LEVELS_CHANGED_AT,
    STOCK_ADJUST, ORDERS, ORDER, ORDER_BY_REFERENCE, ORDER_RETURNS, ORDER_CREATE, ORDER_CANCEL, FULFIL, REFUND,
    PRODUCT_SEARCH, PRODUCT_SET, PRODUCT_ARCHIVE, WEBHOOKS, WEBHOOK_CREATE, WEBHOOK_UPDATE, WEBHOOK_DELETE,
    *INNER.values(),
)  # fmt: skip
