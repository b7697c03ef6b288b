"""Numbers as the platform writes them, now quoted and now not."""

from __future__ import annotations

#: product_id, sku_id, order_id, cat_id …: larger than 2^53, never a float.
Id = int | str
#: An integer that some answers quote.
Number = int | str
