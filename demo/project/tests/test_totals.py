import unittest
from decimal import Decimal

from tally.totals import rounded, total


class Totals(unittest.TestCase):
    def test_sum(self):
        self.assertEqual(total(["1.10", "2.20"]), Decimal("3.30"))

    def test_nothing_is_zero(self):
        self.assertEqual(total([]), Decimal("0.00"))

    def test_half_goes_to_the_even_cent(self):
        self.assertEqual(rounded("2.345"), Decimal("2.34"))
        self.assertEqual(rounded("2.355"), Decimal("2.36"))
