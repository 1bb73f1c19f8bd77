"""Pages about months of work, on a platform that ends with this folder's tests."""
