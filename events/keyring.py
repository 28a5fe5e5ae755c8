"""The keys of a signature as one variable of the environment holds them: a line for each.

The first key signs and every key is accepted. So a key is exchanged while both sides run, and no signature is refused
at any time: add the new key as the second line, make it the first, and remove the old one once nothing that it signed
is valid any more.
"""


def keys(variable: str) -> list[str]:
    """The keys in a variable's value, the one that signs first. Raises ValueError if there is none."""
    found = [key for line in variable.split("\n") if (key := line.strip())]
    if not found:
        raise ValueError("no key")
    return found
