"""Totals of an invoice, in decimal money."""

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


def rounded(amount):
    """The amount in whole cents."""
    return Decimal(amount).quantize(CENT, rounding=ROUND_HALF_UP)


def total(amounts):
    """The sum of all amounts, in whole cents."""
    return rounded(sum((Decimal(amount) for amount in amounts), Decimal(0)))
