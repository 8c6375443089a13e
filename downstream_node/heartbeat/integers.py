"""Integers of a thousand bits: GMP's where gmpy2 is installed, otherwise Python's own.

Both give the same results in the same spelling; GMP's are about five times faster. Annotations
say `int` for either, since all that we do with an int can be done with GMP's.
"""

Integer: type[int]

try:
    import gmpy2
except ImportError:
    Integer = int
else:
    Integer = gmpy2.mpz
