"""Totals and reports for small invoices."""
