"""Which program a farmer runs, as far as it says so itself. Pure."""

import re
from functools import lru_cache

LONGEST_PRODUCT = 40
LONGEST_VERSION = 23
LONGEST_CLIENT = LONGEST_PRODUCT + 1 + LONGEST_VERSION
"""Characters."""
PRODUCT = re.compile(r"([A-Za-z0-9._-]+)/([A-Za-z0-9._+-]+)")


# Every request brings one of a few texts.
@lru_cache(maxsize=256)
def client_of(user_agent: str) -> str | None:
    """Product and version that *user_agent* begins with, like "downstream-farmer/0.1.8".

    At most LONGEST_CLIENT characters; None if it begins with something else. Comments and
    further products are left out: they would tell one farmer from all others.
    """
    found = PRODUCT.match(user_agent)
    if found is None:
        return None
    product, version = found.groups()
    return f"{product[:LONGEST_PRODUCT]}/{version[:LONGEST_VERSION]}"
