"""Read many canonical pages at once, field by field, with NumPy.

The columns tell where each value of each page is, as arrays. They hold only pages that are certainly canonical. The
others must be read one by one. NumPy is not part of the base install, so import this package only after it.
"""

from qtgen.page.columns.reading import PAGE_BYTES_MAX, columns_of
from qtgen.page.columns.steps import has_columns
from qtgen.page.columns.table import PageColumns

__all__ = ["PAGE_BYTES_MAX", "PageColumns", "columns_of", "has_columns"]
