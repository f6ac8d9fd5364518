"""How fast, how large: measurements that people run by hand and compare."""
