/** One order: the checkout while it can be paid, then what became of it. */

import { newKey, request } from '../api.js';
import { h, show } from '../dom.js';
import { moment, money, t, told } from '../i18n.js';
import { startSignedIn } from '../main.js';
import { cardForm } from '../parts/card.js';
import { countdown } from '../parts/countdown.js';
import { ask } from '../parts/dialog.js';
import { alert, busy } from '../parts/form.js';
import { follow } from '../parts/live.js';

/** @typedef {import('../api.js').Order} Order */

const REFRESH_MILLISECONDS = 3_000;
const FINISHING_MILLISECONDS = 700;
const NUDGE_MILLISECONDS = 3_000;

const id = location.pathname.split('/')[2] ?? '';

startSignedIn(async () => {
  const state = h('p', { role: 'status', class: 'state' });
  const detail = h('p');
  const checkout = h('div', { class: 'panel checkout' });
  const past = h('ol', { class: 'history', 'aria-label': t('order.history') });
  const story = h('section', { hidden: true }, h('h2', null, t('order.history')), past);
  const after = h('p');
  const title = h('h1', null, t('order.title'));
  const what = h('p', { class: 'what' });
  /** @type {Order | null} */
  let shown = null;
  /** @type {{stop: () => void, renewed: (order: Order) => void} | null} */
  let open = null;

  await follow(() => request('GET', `/orders/${id}`), render, REFRESH_MILLISECONDS);

  /** @param {Order} order */
  function render(order) {
    if (!shown) {
      show(t('order.title'), title, what, state, detail, checkout, after, story);
    }
    if (shown?.version !== order.version || hasEnded(order) !== (open === null)) arrange(order);
    shown = order;
    return order.status !== 'complete' && order.status !== 'cancelled';
  }

  /** @param {Order} order */
  function arrange(order) {
    what.replaceChildren(h('span', { class: 'title' }, order.ticket.title), ' ', h('b', null, money(order.ticket.price)));
    state.className = `state ${order.status}`;
    past.replaceChildren(...(order.history ?? []).map(transition));
    story.hidden = !past.childElementCount;
    if (!hasEnded(order)) {
      open ??= openCheckout(order);
      open.renewed(order);
      state.textContent = t(`status.${order.status}`);
      return;
    }
    open?.stop();
    open = null;
    checkout.replaceChildren();
    [state.textContent, detail.textContent] = outcome(order);
    const link = order.status !== 'complete' && h('a', { href: `/tickets/${order.ticket.id}`, class: 'button' }, t('order.again'));
    after.replaceChildren(...(link ? [link] : []));
  }

  /** @param {Order} order */
  function openCheckout(order) {
    const problem = alert();
    const news = h('p', { role: 'status' });
    const clock = countdown(
      (text) => (news.textContent = text),
      () => shown && arrange(shown),
    );
    const more = h('button', { type: 'button' }, t('order.more'));
    more.addEventListener('click', () => busy(more, problem, renew));
    const cancel = h('button', { type: 'button', class: 'quiet' }, t('order.cancel'));
    cancel.addEventListener('click', () => giveUp(cancel, problem));
    checkout.replaceChildren(
      h('p', { class: 'time' }, t('order.left'), ' ', clock.clock, ' ', more),
      news,
      problem,
      cardForm(order.id, finish),
      h('div', { class: 'actions' }, cancel),
    );

    async function renew() {
      const renewed = await request('POST', `/orders/${id}/renewal`, {}, newKey());
      clock.countTo(renewed.expiresAt);
      news.textContent = t('order.more.done', { time: moment(renewed.expiresAt) });
    }

    return { stop: clock.stop, renewed: (/** @type {Order} */ latest) => clock.countTo(latest.expiresAt) };
  }

  /** The provider has the money; the order follows by its event. */
  function finish() {
    open?.stop();
    checkout.replaceChildren(h('p', { role: 'status', class: 'busy' }, t('order.finishing')));
    setTimeout(askProvider, NUDGE_MILLISECONDS);
    follow(() => request('GET', `/orders/${id}`), render, FINISHING_MILLISECONDS);
  }

  /** The provider's own message may be late: asked for the payment again, the shop looks by itself. */
  async function askProvider() {
    if (shown && !hasEnded(shown)) await request('POST', '/payments', { orderId: id }).catch(() => null);
  }

  /**
   * @param {HTMLButtonElement} button
   * @param {HTMLElement} problem
   */
  async function giveUp(button, problem) {
    if (!(await ask(t('order.cancel.sure'), t('order.cancel.text'), t('order.cancel'), t('order.cancel.keep')))) return;
    await busy(button, problem, async () => {
      await request('DELETE', `/orders/${id}`);
      render(await request('GET', `/orders/${id}`));
    });
  }
});

/** @param {Order} order */
function hasEnded(order) {
  return order.status === 'complete' || order.status === 'cancelled' || Date.parse(order.expiresAt) <= Date.now();
}

/**
 * @param {Order} order
 * @returns {[string, string]}
 */
function outcome(order) {
  const { price, title } = order.ticket;
  if (order.status === 'complete') return [t('order.complete'), t('order.complete.text', { price: money(price), title })];
  if (order.status === 'cancelled' && reasonOf(order) !== 'expired') return [t('order.cancelled'), t('order.cancelled.refund')];
  return [t('order.expired'), t('order.expired.text')];
}

/** @param {Order} order */
function reasonOf(order) {
  return order.history?.at(-1)?.reason;
}

/** @param {import('../api.js').Transition} transition */
function transition({ status, at, reason }) {
  const time = h('time', { datetime: at }, moment(at));
  return h('li', null, t(`history.${status}`), ' ', time, reason && ` · ${because(reason)}`);
}

/** @param {string} reason */
function because(reason) {
  const known = t(`reason.${reason}`);
  return known === `reason.${reason}` ? told(reason) : known;
}
