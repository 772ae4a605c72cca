"""Write the declaration of a table from the catalog of its database (`cab declare`)."""
