"""An invoice as text."""

from tally.totals import rounded


def as_csv(rows):
    """One line for each (name, amount)."""
    return "".join(f"{name},{rounded(amount)}\n" for name, amount in rows)
