"""All rows: of every class that looks like a router, what is compared, or why it isn't."""

from routers.row import Refused, Row
from routers.rows import logits, refused, sigmoid, softmax
from routers.rows.other import OTHER

ROWS: list[Row | Refused] = sorted(
    [*sigmoid.ROWS, *softmax.ROWS, *logits.ROWS, *refused.ROWS], key=lambda row: row.router)


def named() -> list[str]:
    return [row.router for row in ROWS] + list(OTHER)
