"""The storefront: static pages that people use in a browser. They speak to the same JSON API as every other client."""
