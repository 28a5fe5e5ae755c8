"""The types in the console's JSDoc hold, as TypeScript checks them."""

from pathlib import Path

from tests.storefront.test_types import check


def test_every_module_passes_the_type_checker(node_modules: Path) -> None:
    assert check(node_modules, Path(__file__).parent) == (0, "")
