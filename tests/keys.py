"""What the shop and the payment provider of the tests know of each other."""

KEY = "sk_test_of_nobody_but_these_tests"
PUBLISHABLE_KEY = "pk_test_of_nobody_but_these_tests"
WEBHOOK_SECRET = "whsec_of_nobody_but_these_tests"
