"""What the platform achieves: totals that are kept while jobs end, and the reports made of them."""
