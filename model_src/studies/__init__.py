"""Studies: what each part is worth, what settings do, where a model breaks. Each ends in a table with intervals."""
