"""The demo shop, with its truth."""

from tests.sites.player import Truth
from webintel.demo.catalog import DEPARTMENTS, GROUPS, POSTS, PRODUCTS
from webintel.demo.shop import DOMAIN, demo_shop

SHOP_DOMAIN = DOMAIN
shop = demo_shop
TRUTH = Truth(
    categories=frozenset([department.path for department in DEPARTMENTS] + [group.path for group in GROUPS]),
    kinds={
        "home": ["/"],
        "product": [product.path for product in PRODUCTS],
        "collection": [group.path for group in GROUPS],
        "article": [post.path for post in POSTS],
    },
    values={
        product.path: {
            "title": product.name,
            "price": product.price,
            "sku": product.sku,
            "brand": product.brand,
            "availability": "in_stock" if product.in_stock else "out_of_stock",
        }
        for product in PRODUCTS
    },
)
