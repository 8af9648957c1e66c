"""Migration scripts of the catalog, shipped with the package and run when a catalog is opened."""
