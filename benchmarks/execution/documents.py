"""The two documents of the execution benchmark."""

MEMBER = """\
query Member($id: ID!, $orders: Int!, $state: PaymentState, $since: DateTime) {
  member(id: $id) {
    id name level joinedAt
    officialAccount(app: "wx1") { subscribed subscribedAt scene tags { name } }
    payments(first: 10, state: $state) { id state amount { amount currency } paidAt }
    orders(first: $orders) {
      id source state createdAt payable { amount currency }
      items { title sku quantity gift paid { amount currency } }
      fulfilment { __typename ... on Express { carrier tracking } ... on Pickup { store code } }
    }
    touchpoints(first: 5, since: $since) {
      __typename at ... on AdClick { ad campaign } ... on Scan { scene store }
    }
    files(first: 5) { key size url(expiresIn: 600) }
    participations(first: 3) { activation property collected total progress }
    contacts(first: 3) { guide remark tags }
  }
}
"""

PRODUCTS = """\
query Products($first: Int!) {
  products(first: $first) {
    id title category price { amount currency }
    reviews { id rating title author postedAt }
  }
}
"""

DOCUMENTS = {"member": MEMBER, "products": PRODUCTS}
