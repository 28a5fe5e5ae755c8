"""What a buyer's browser says to the payment provider with the provider's own script."""

from typing import Any

import requests

from tests.keys import PUBLISHABLE_KEY
from tests.provider import TIMEOUT_SECONDS

GOOD, DECLINED, POOR = "4242 4242 4242 4242", "4000 0000 0000 0002", "4000 0000 0000 9995"
CHALLENGED = "4000 0027 6000 3184"

Answer = tuple[int, dict[str, Any]]


class Browser:
    """A browser that has an intent's secret; `url` is the provider's."""

    def __init__(self, url: str, client_secret: str, key: str = PUBLISHABLE_KEY) -> None:
        self._url = url
        self._intent = f"/v1/payment_intents/{client_secret.split('_secret_', maxsplit=1)[0]}"
        self._secret = client_secret
        self._key = key

    def confirm(self, number: str = GOOD, **card: str) -> Answer:
        """Confirm the intent with a card; status and JSON of the answer."""
        typed = {"number": number, "exp_month": "12", "exp_year": "2040", "cvc": "123"} | card
        data = {f"payment_method_data[card][{name}]": value for name, value in typed.items()}
        form = {"client_secret": self._secret, "payment_method_data[type]": "card", "use_stripe_sdk": "true"}
        return self._ask("POST", f"{self._intent}/confirm", data=form | data)

    def retrieve(self) -> Answer:
        """Look at the intent."""
        return self._ask("GET", self._intent, params={"client_secret": self._secret})

    def approve(self) -> None:
        """Approve the payment that the bank asks about, on its page."""
        self.answer("approve")

    def refuse(self) -> None:
        """Refuse it."""
        self.answer("refuse")

    def answer(self, answer: str) -> None:
        """Do either, or leave the page without an answer if that is empty."""
        _, intent = self.retrieve()
        page = intent["next_action"]["use_stripe_sdk"]["stripe_js"]
        assert "Approve payment" in requests.get(page, timeout=TIMEOUT_SECONDS).text
        if answer:
            requests.post(page, data={"answer": answer}, timeout=TIMEOUT_SECONDS).raise_for_status()

    def _ask(self, method: str, path: str, **options: Any) -> Answer:  # noqa: ANN401 - those of requests
        headers = {"Authorization": f"Bearer {self._key}"}
        response = requests.request(method, self._url + path, headers=headers, timeout=TIMEOUT_SECONDS, **options)
        return response.status_code, response.json()
