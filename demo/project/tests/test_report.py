import unittest

from tally.report import as_csv


class Report(unittest.TestCase):
    def test_plain_names_stay_as_they_are(self):
        self.assertEqual(as_csv([("tea", "1.5"), ("milk", "2")]), "tea,1.50\nmilk,2.00\n")
