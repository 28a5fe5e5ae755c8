// The part of Stripe.js's interface (https://docs.stripe.com/js) that the storefront uses, for the stand-in. It mounts
// its form in the page itself, where Stripe.js has frames of its own.
"use strict";

(() => {
  const origin = new URL(document.currentScript.src).origin;
  const FIELDS = [
    { name: "number", label: "Card number", autocomplete: "cc-number", placeholder: "1234 1234 1234 1234" },
    { name: "expiry", label: "Expiry", autocomplete: "cc-exp", placeholder: "MM / YY" },
    { name: "cvc", label: "CVC", autocomplete: "cc-csc", placeholder: "CVC" },
  ];
  let forms = 0;

  const idOf = (clientSecret) => {
    if (!/^pi_\w+_secret_\w+$/.test(clientSecret)) {
      throw new Error(`Invalid value for clientSecret: ${clientSecret}`);
    }
    return clientSecret.split("_secret_")[0];
  };

  const invalid = (code, message) => ({ error: { type: "validation_error", code, message } });

  async function ask(key, method, path, params) {
    const form = new URLSearchParams(params);
    const url = `${origin}/v1/payment_intents/${path}${method === "GET" ? `?${form}` : ""}`;
    try {
      const headers = { Authorization: `Bearer ${key}` };
      const response = await fetch(url, { method, headers, body: method === "GET" ? undefined : form });
      const body = await response.json();
      return response.ok ? { paymentIntent: body } : { error: body.error };
    } catch {
      return { error: { type: "api_connection_error", message: "The payment provider cannot be reached. Try again." } };
    }
  }

  class PaymentElement {
    #form;

    #handlers = [];

    on(event, handler) {
      if (event === "ready") this.#handlers.push(handler);
      return this;
    }

    mount(place) {
      const target = typeof place === "string" ? document.querySelector(place) : place;
      if (!target) throw new Error(`The element to mount in does not exist: ${place}`);
      forms += 1;
      this.#form = document.createElement("div");
      this.#form.className = "StripeElement";
      this.#form.append(...FIELDS.map((field) => this.#field(field)));
      target.replaceChildren(this.#form);
      for (const handler of this.#handlers) setTimeout(() => handler({ elementType: "payment" }));
    }

    unmount() {
      this.#form?.remove();
    }

    destroy() {
      this.unmount();
    }

    card() {
      if (!this.#form?.isConnected) throw new Error("The payment element is not mounted.");
      const value = (name) => this.#form.querySelector(`[name="${name}"]`).value.trim();
      const [month, year] = value("expiry").split("/").map((part) => part.trim());
      return { number: value("number"), exp_month: month, exp_year: year, cvc: value("cvc") };
    }

    #field({ name, label, ...attributes }) {
      const id = `stripe-${forms}-${name}`;
      const group = document.createElement("p");
      const caption = Object.assign(document.createElement("label"), { htmlFor: id, textContent: label });
      const input = Object.assign(document.createElement("input"), { id, name, inputMode: "numeric", required: true });
      Object.assign(input, attributes);
      group.append(caption, " ", input);
      return group;
    }
  }

  class Elements {
    constructor({ clientSecret }) {
      idOf(clientSecret);
      this.clientSecret = clientSecret;
    }

    create(type) {
      if (type !== "payment") throw new Error(`The stand-in has no element of type ${type}.`);
      this.element = new PaymentElement();
      return this.element;
    }

    getElement(type) {
      return type === "payment" ? this.element ?? null : null;
    }

    async submit() {
      const { number, exp_month: month, exp_year: year, cvc } = this.element.card();
      if (!number) return invalid("incomplete_number", "Your card number is incomplete.");
      if (!/^\d+$/.test(month) || !/^\d+$/.test(year ?? "")) {
        return invalid("incomplete_expiry", "Your card's expiration date is incomplete.");
      }
      return cvc ? {} : invalid("incomplete_cvc", "Your card's security code is incomplete.");
    }
  }

  // Resolves when the card's owner has answered, or has closed the dialog.
  function challenge(url) {
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-label", "Approve the payment");
    const frame = Object.assign(document.createElement("iframe"), { src: url, title: "3-D Secure test page" });
    frame.style.cssText = "border: 0; width: 26rem; max-width: 100%; height: 20rem; display: block";
    const close = Object.assign(document.createElement("button"), { type: "button", textContent: "Close" });
    dialog.append(frame, close);
    document.body.append(dialog);
    dialog.showModal();
    return new Promise((resolve) => {
      const heard = ({ source, data }) => {
        if (source === frame.contentWindow && data?.standin === "challenge answered") dialog.close();
      };
      window.addEventListener("message", heard);
      close.addEventListener("click", () => dialog.close());
      dialog.addEventListener("close", () => {
        window.removeEventListener("message", heard);
        dialog.remove();
        resolve();
      });
    });
  }

  window.Stripe = (publishableKey) => {
    if (!publishableKey) throw new Error("Missing value for Stripe(): apiKey should be a string.");

    const retrievePaymentIntent = (clientSecret) =>
      ask(publishableKey, "GET", idOf(clientSecret), { client_secret: clientSecret });

    async function handleNextAction({ clientSecret }) {
      const before = await retrievePaymentIntent(clientSecret);
      const action = before.paymentIntent?.next_action;
      if (!action) return before;
      await challenge(action.use_stripe_sdk.stripe_js);
      const after = await retrievePaymentIntent(clientSecret);
      const intent = after.paymentIntent;
      if (intent?.status === "requires_action") {
        return invalid("payment_intent_authentication_failure", "You did not approve the payment with your bank.");
      }
      return intent?.status === "requires_payment_method" ? { error: intent.last_payment_error } : after;
    }

    async function confirmPayment({ elements, clientSecret = elements.clientSecret, redirect }) {
      if (redirect !== "if_required") throw new Error('The stand-in never redirects: pass redirect: "if_required".');
      const incomplete = await elements.submit();
      if (incomplete.error) return incomplete;
      const params = { client_secret: clientSecret, use_stripe_sdk: "true", "payment_method_data[type]": "card" };
      for (const [name, value] of Object.entries(elements.element.card())) {
        params[`payment_method_data[card][${name}]`] = value;
      }
      const confirmed = await ask(publishableKey, "POST", `${idOf(clientSecret)}/confirm`, params);
      return confirmed.paymentIntent?.status === "requires_action" ? handleNextAction({ clientSecret }) : confirmed;
    }

    return { elements: (options) => new Elements(options), confirmPayment, handleNextAction, retrievePaymentIntent };
  };
})();
