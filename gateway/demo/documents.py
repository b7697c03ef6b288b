"""The documents that the demo sends; docs and README show them from here."""

WHOLE_MEMBER = """\
query WholeMember($app: String!, $openid: String!) {
  member(by: {openid: {app: $app, value: $openid}}) {
    id name level { name growth nextAt } points { balance } joinedAt phone
    identities { kind issuer value linkedAt }
    reach { channel reachable reason until }
    officialAccount { subscribed subscribedAt scene tags { name } }
    payments(first: 10) { nodes { id state amount { amount currency } paidAt } }
    coupons(state: USABLE, first: 10) { nodes { id name discount { amount } minimum { amount } expiresAt } }
    orders(first: 10) { nodes {
      id source form state payable { amount }
      items { title sku { code } quantity paid { amount } }
      fulfilment { method state } afterSales { kind state }
    } }
    adTouchpoints(first: 10) { nodes { ad { name } campaign { name } clickedAt } }
    files(first: 10) { nodes { key size url(expiresIn: 600) } }
    ipParticipations(first: 10) { nodes { activation { name property { title } } collected total } }
    chat {
      contacts(first: 10) { nodes { guide { name store { name } } remark tags { name } } }
      groups(first: 10) { nodes { name memberCount } }
    }
    timeline(first: 20) { nodes { at tool summary } }
  }
}
"""

SESSION = """\
mutation Login($input: SessionCreateInput!) {
  sessionCreate(input: $input) {
    ... on Session { token isNew member { id } }
    ... on Problem { code message retryable }
  }
}
"""

CONSENT = """\
mutation Allow($input: ConsentRecordInput!) {
  consentRecord(input: $input) { ... on Consent { purpose given } ... on Problem { code message } }
}
"""

QUOTE = """\
query Quote($input: CheckoutQuoteInput!) {
  checkoutQuote(input: $input) {
    ... on Quote {
      payable { amount } discount { amount } freight { amount }
      usable { id name discount { amount } } unusable { name reason } outOfStock
    }
    ... on Problem { code message retryable }
  }
}
"""

BUY = """\
mutation Buy($input: CheckoutInput!) {
  checkout(input: $input) {
    ... on Checkout {
      order { id state payable { amount } fulfilment { method pickupCode } }
      paymentRequest { timeStamp nonceStr package signType paySign }
      transaction { id state steps { name tool state } }
    }
    ... on Problem { code message retryable }
  }
}
"""

PAID = """\
query Paid($order: ID!, $transaction: ID!) {
  node(id: $order) { id ... on Order {
    state payable { amount } paidAt
    items { title quantity paid { amount } }
    fulfilment { method state pickupCode }
  } }
  transaction(id: $transaction) { id state steps { name tool state } }
}
"""

PLACES = """\
query Places {
  stores(first: 20) { nodes { id name outId guides { id name } } }
}
"""

WHO = """\
query Who($app: String!, $openid: String!) {
  member(by: {openid: {app: $app, value: $openid}}) { id }
}
"""

ACTIVITY = """\
subscription Activity($member: ID!) {
  memberActivity(member: $member) { eventId entry { at recordedAt tool summary } }
}
"""

TRANSACTIONS = """\
subscription Transactions($member: ID!) {
  transactionChanged(member: $member) { eventId at step state }
}
"""
