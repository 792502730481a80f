"""The slow twin: the contracts again, as their sentences say them, with no code of the product.

It is written to be read beside the specification, not to be fast. The property tests compare the
product with it.
"""
