"""The GraphQL operations of customers, points and coupon codes, for Admin API 2026-10.

Some are built for their batch: one aliased field for each row of it.
"""

from collections.abc import Sequence

from connectors.shopify.documents import PAGE, Operation, operation

__all__ = ["ALL", "Part", "campaign", "campaign_codes", "codes_at", "customers_by_email", "redeem_codes", "write_discounts"]  # fmt: skip

# Where the points are shown: a theme reads it as customer.metafields.bridge.points.
_POINTS = 'points: metafield(namespace: "bridge", key: "points") { value compareDigest }'
_CUSTOMER = f"""
fragment CustomerFields on Customer {{
  id displayName updatedAt verifiedEmail
  defaultEmailAddress {{ emailAddress marketingState }} defaultPhoneNumber {{ phoneNumber }} {_POINTS}
}}"""

CUSTOMERS = operation(f"""query Customers($query: String!, $after: String) {{
  customers(first: 250, after: $after, query: $query, sortKey: UPDATED_AT) {{ nodes {{ ...CustomerFields }} {PAGE} }}
}}{_CUSTOMER}""")
ALL_CUSTOMERS = operation(f"""query AllCustomers($after: String) {{
  customers(first: 250, after: $after, sortKey: ID) {{ nodes {{ ...CustomerFields }} {PAGE} }}
}}{_CUSTOMER}""")
CUSTOMERS_BY_ID = operation(
    f"""query CustomersById($ids: [ID!]!) {{ nodes(ids: $ids) {{ ...CustomerFields }} }}{_CUSTOMER}"""
)
CUSTOMER_BY_EMAIL = operation(f"""query CustomerByEmail($email: String!) {{
  customerByIdentifier(identifier: {{ emailAddress: $email }}) {{ ...CustomerFields }}
}}{_CUSTOMER}""")
CUSTOMER_BY_PHONE = operation(f"""query CustomerByPhone($phone: String!) {{
  customerByIdentifier(identifier: {{ phoneNumber: $phone }}) {{ ...CustomerFields }}
}}{_CUSTOMER}""")

POINTS_READ = operation(f"""query PointsRead($ids: [ID!]!) {{
  nodes(ids: $ids) {{ ... on Customer {{ id {_POINTS} }} }}
}}""")
POINTS_SHOW = operation("""mutation PointsShow($rows: [MetafieldsSetInput!]!) {
  metafieldsSet(metafields: $rows) { metafields { value } userErrors { field message code elementIndex } }
}""")

_DATES = "title status startsAt endsAt updatedAt usageLimit"
_CODES = f"codesCount {{ count }} codes(first: 10) {{ nodes {{ id code asyncUsageCount }} {PAGE} }}"
_FOR = """tags appliesOncePerCustomer combinesWith { orderDiscounts productDiscounts shippingDiscounts }
  context { __typename ... on DiscountCustomers { customers { id defaultEmailAddress { emailAddress } } } }
  minimumRequirement {
    __typename ... on DiscountMinimumSubtotal { greaterThanOrEqualToSubtotal { amount currencyCode } }
  }"""
_GOODS = f"""items {{
    __typename ... on DiscountProducts {{
      products(first: 1) {{ nodes {{ id }} }} productVariants(first: 100) {{ nodes {{ id sku }} {PAGE} }}
    }}
  }}"""
_DISCOUNT = f"""
  __typename
  ... on DiscountCodeBasic {{ {_DATES} {_CODES} {_FOR}
    customerGets {{ {_GOODS} value {{
      __typename ... on DiscountPercentage {{ percentage }}
      ... on DiscountAmount {{ appliesOnEachItem amount {{ amount currencyCode }} }}
    }} }}
  }}
  ... on DiscountCodeFreeShipping {{ {_DATES} {_CODES} {_FOR}
    maximumShippingPrice {{ amount }} destinationSelection {{ __typename }}
  }}
  ... on DiscountCodeBxgy {{ {_DATES} {_CODES} }}
  ... on DiscountCodeApp {{ {_DATES} {_CODES} }}"""

DISCOUNTS = operation(f"""query Discounts($after: String) {{
  discountNodes(first: 50, after: $after, query: "method:code", sortKey: ID) {{
    nodes {{ id discount {{ {_DISCOUNT} }} }} {PAGE}
  }}
}}""")
DISCOUNTS_BY_ID = operation(f"""query DiscountsById($ids: [ID!]!) {{
  nodes(ids: $ids) {{ ... on DiscountCodeNode {{ id codeDiscount {{ {_DISCOUNT} }} }} }}
}}""")
_MORE_CODES = f"codes(first: 250, after: $after) {{ nodes {{ id code asyncUsageCount }} {PAGE} }}"
DISCOUNT_CODES = operation(f"""query DiscountCodes($id: ID!, $after: String) {{
  node(id: $id) {{ ... on DiscountCodeNode {{ codeDiscount {{ __typename
    ... on DiscountCodeBasic {{ {_MORE_CODES} }} ... on DiscountCodeFreeShipping {{ {_MORE_CODES} }}
    ... on DiscountCodeBxgy {{ {_MORE_CODES} }} ... on DiscountCodeApp {{ {_MORE_CODES} }}
  }} }} }}
}}""")
_TITLE = "id discount { ... on DiscountCodeBasic { title } ... on DiscountCodeFreeShipping { title } }"
CODES_ADD = operation("""mutation CodesAdd($id: ID!, $codes: [DiscountRedeemCodeInput!]!) {
  discountRedeemCodeBulkAdd(discountId: $id, codes: $codes) {
    bulkCreation {
      done codes(first: 250) { nodes { code errors { message } discountRedeemCode { id } } }
    }
    userErrors { field message code }
  }
}""")
CODES_REMOVE = operation("""mutation CodesRemove($id: ID!, $ids: [ID!]!) {
  discountCodeRedeemCodeBulkDelete(discountId: $id, ids: $ids) { job { id done } userErrors { field message code } }
}""")

# What a mutation of a discount is, as (its field, its argument, the type of it).
Part = tuple[str, str, str]
_NODE = """codeDiscountNode { id codeDiscount {
    ... on DiscountCodeBasic { minimumRequirement { __typename } codes(first: 1) { nodes { id code } } }
    ... on DiscountCodeFreeShipping { minimumRequirement { __typename } codes(first: 1) { nodes { id code } } }
  } } userErrors { field message code }"""


def write_discounts(parts: Sequence[Part]) -> Operation:
    """Build one document for several discounts; a part without an argument only names one (`$id`)."""
    declared, fields = [], []
    for index, (name, argument, kind) in enumerate(parts):
        given = [f"{argument}: $input{index}"] if argument else []
        named = [] if name.endswith("Create") else [f"id: $id{index}"]
        declared += [f"$input{index}: {kind}!"] if argument else []
        declared += [f"$id{index}: ID!"] if named else []
        fields.append(f"  d{index}: {name}({', '.join([*named, *given])}) {{ {_NODE} }}")
    return operation(f"mutation DiscountWrite({', '.join(declared)}) {{\n" + "\n".join(fields) + "\n}")


def customers_by_email(count: int) -> Operation:
    """Build the look-up of `count` customers by their exact address."""
    declared = ", ".join(f"$e{index}: String!" for index in range(count))
    fields = "\n".join(
        f"  e{index}: customerByIdentifier(identifier: {{ emailAddress: $e{index} }}) {{ id }}"
        for index in range(count)
    )
    return operation(f"query CustomersByEmail({declared}) {{\n{fields}\n}}")


def codes_at(count: int) -> Operation:
    """Build the look-up of which discount each of `count` codes belongs to."""
    declared = ", ".join(f"$c{index}: String!" for index in range(count))
    fields = "\n".join(f"  c{index}: codeDiscountNodeByCode(code: $c{index}) {{ id }}" for index in range(count))
    return operation(f"query CodesAt({declared}) {{\n{fields}\n}}")


def redeem_codes(count: int) -> Operation:
    """Build the search for `count` codes, each within its own discount."""
    declared = ", ".join(f"$d{index}: ID!, $q{index}: String!" for index in range(count))
    fields = "\n".join(f"  r{index}: node(id: $d{index}) {{ ...Found{index} }}" for index in range(count))
    kinds = ("DiscountCodeBasic", "DiscountCodeFreeShipping", "DiscountCodeBxgy", "DiscountCodeApp")
    fragments = "\n".join(
        f"fragment Found{index} on DiscountCodeNode {{ codeDiscount {{ "
        + " ".join(
            f"... on {kind} {{ codes(first: 5, query: $q{index}) {{ nodes {{ id code asyncUsageCount }} }} }}"
            for kind in kinds
        )
        + " } }"
        for index in range(count)
    )
    return operation(f"query RedeemCodes({declared}) {{\n{fields}\n}}\n{fragments}")


def campaign(count: int) -> Operation:
    """Build the look-up of a campaign's discounts, and of where `count` of its codes are already.

    The search index lags, so the newest discounts are read beside it: a campaign made a moment ago is not made twice.
    """
    declared = ", ".join(["$query: String!", *(f"$c{index}: String!" for index in range(count))])
    fields = "\n".join(f"  c{index}: codeDiscountNodeByCode(code: $c{index}) {{ id }}" for index in range(count))
    return operation(f"""query Campaign({declared}) {{
  found: discountNodes(first: 20, query: $query) {{ nodes {{ {_TITLE} }} }}
  newest: discountNodes(first: 50, sortKey: CREATED_AT, reverse: true) {{ nodes {{ {_TITLE} }} }}
{fields}
}}""")


def campaign_codes(count: int) -> Operation:
    """Build the look-up of one discount with its terms, and of where `count` of its codes are."""
    declared = ", ".join(["$id: ID!", *(f"$c{index}: String!" for index in range(count))])
    fields = "\n".join(f"  c{index}: codeDiscountNodeByCode(code: $c{index}) {{ id }}" for index in range(count))
    holder = f"holder: discountNode(id: $id) {{ id discount {{ {_DISCOUNT} }} }}"
    return operation(f"query CampaignCodes({declared}) {{\n  {holder}\n{fields}\n}}")


ALL = (
    CUSTOMERS, ALL_CUSTOMERS, CUSTOMERS_BY_ID, CUSTOMER_BY_EMAIL, CUSTOMER_BY_PHONE, POINTS_READ, POINTS_SHOW, DISCOUNTS,
    DISCOUNTS_BY_ID, DISCOUNT_CODES, CODES_ADD, CODES_REMOVE,
)  # fmt: skip
