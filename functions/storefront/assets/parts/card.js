/** The card form of the payment provider's own script, and what came of a confirmation. No card data passes here. */

import { ApiError, request } from '../api.js';
import { h } from '../dom.js';
import { language, t } from '../i18n.js';
import { alert, busy } from './form.js';
import { load } from './live.js';

/** @typedef {import('../api.js').Payment} Payment */
/** @typedef {import('../api.js').PaymentConfig} PaymentConfig */
/** @typedef {{confirmPayment: (options: object) => Promise<{error?: {message?: string}, paymentIntent?: {status: string}}>,
 *   elements: (options: object) => {create: (kind: string) => {mount: (place: HTMLElement) => void}}}} Provider */

const PROVIDER_MILLISECONDS = 15_000;
const TEST_CARDS = [
  ['4242 4242 4242 4242', 'order.testcard.ok'],
  ['4000 0000 0000 0002', 'order.testcard.declined'],
  ['4000 0027 6000 3184', 'order.testcard.secure'],
];

/**
 * Create the form that pays for an order. `paid` is called once the provider has the money.
 *
 * @param {string} orderId
 * @param {() => void} paid
 * @returns {HTMLElement}
 */
export function cardForm(orderId, paid) {
  const problem = alert();
  const state = h('p', { role: 'status' });
  const place = h('div', { class: 'card-form' }, t('order.card.loading'));
  const button = h('button', { type: 'button', class: 'primary', disabled: true }, t('order.pay'));
  const hints = h('div');
  const whole = h('section', { 'aria-label': t('order.card') }, hints, place, problem, state, button);

  mount().catch((error) => {
    if (error instanceof ApiError && error.message === 'Order is already paid') return paid();
    console.error(error);
    place.textContent = '';
    problem.textContent = t('order.card.failed');
    place.replaceChildren(h('button', { type: 'button', click: () => location.reload() }, t('failed.again')));
  });
  return whole;

  async function mount() {
    const [config, payment] = await Promise.all([
      load(() => /** @type {Promise<PaymentConfig>} */ (request('GET', '/payments/config'))),
      load(() => /** @type {Promise<Payment>} */ (request('POST', '/payments', { orderId }))),
    ]);
    if (!payment.clientSecret) return paid();
    const provider = await providerOf(config.publishableKey);
    const elements = provider.elements({ clientSecret: payment.clientSecret, locale: language });
    place.replaceChildren();
    elements.create('payment').mount(place);
    if (config.testCards) hints.replaceChildren(testCards());
    button.disabled = false;
    button.addEventListener('click', () => busy(button, problem, () => confirm(provider, elements)));
  }

  /**
   * @param {Provider} provider
   * @param {object} elements
   */
  async function confirm(provider, elements) {
    state.textContent = t('order.paying');
    const confirmParams = { return_url: location.href };
    const { error, paymentIntent } = await provider
      .confirmPayment({ elements, confirmParams, redirect: 'if_required' })
      .catch(asResult)
      .finally(() => (state.textContent = ''));
    if (error) problem.textContent = t('order.declined', { reason: error.message ?? '' });
    else if (paymentIntent?.status === 'succeeded' || paymentIntent?.status === 'processing') paid();
  }
}

/**
 * Return what the provider's script threw as the result that a declined card has.
 *
 * @param {unknown} thrown
 * @returns {{error: {message?: string}, paymentIntent?: {status: string}}}
 */
function asResult(thrown) {
  console.error(thrown);
  return { error: {} };
}

/**
 * Wait for the provider's script, which the page loads by itself.
 *
 * @param {string} key
 * @returns {Promise<Provider>}
 */
async function providerOf(key) {
  const end = Date.now() + PROVIDER_MILLISECONDS;
  while (!('Stripe' in window)) {
    if (Date.now() > end) throw new Error('the provider script did not load');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return /** @type {(key: string) => Provider} */ (window.Stripe)(key);
}

function testCards() {
  const cards = TEST_CARDS.map(([number, key]) => h('li', null, h('code', null, number), ' ', t(String(key))));
  return h('div', { class: 'hint' }, h('p', null, t('order.testcards')), h('ul', null, cards));
}
