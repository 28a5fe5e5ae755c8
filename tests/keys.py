"""What the shop and the payment provider of the tests know of each other."""

KEY = "sk_test_of_these_tests_only"
PUBLISHABLE_KEY = "pk_test_of_these_tests_only"
WEBHOOK_SECRET = "whsec_of_these_tests_only"
