"""The keys of signatures, in one environment variable with a line for each.

The first key signs and every key is accepted. So keys are rotated while both sides run, and no valid signature is
rejected: add the new key as the second line, make it the first, and remove the old one when what it signed has expired.
"""


def keys(variable: str) -> list[str]:
    """Return the keys in a variable's value, the signing one first. Raises ValueError if there is no key."""
    found = [key for line in variable.split("\n") if (key := line.strip())]
    if not found:
        raise ValueError("the variable holds no key")
    return found
