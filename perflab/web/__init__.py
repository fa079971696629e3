"""What people see: views, middleware, forms, error pages, the toolbar's store, static files."""
