/** One's own orders, each with what became of it. */

import { h, show } from '../dom.js';
import { moment, money, t } from '../i18n.js';
import { startSignedIn } from '../main.js';
import { paged } from '../parts/pages.js';

/** @typedef {import('../api.js').Order} Order */

startSignedIn(async () => {
  const empty = h('p', { class: 'empty' }, t('orders.empty'), ' ', h('a', { href: '/', class: 'button' }, t('orders.find')));
  const orders = await paged('/orders?sort=newest', row, empty, t('orders.more'));
  show(t('orders.title'), h('h1', null, t('orders.title')), orders);
});

/** @param {Order} order */
function row(order) {
  return h(
    'li',
    null,
    h('a', { href: `/orders/${order.id}`, class: 'title' }, order.ticket.title),
    h('b', null, money(order.ticket.price)),
    h('span', { class: `badge ${state(order)}` }, t(`status.${state(order)}`)),
    isOpen(order) && h('small', null, `→ ${moment(order.expiresAt)}`),
  );
}

/** @param {Order} order */
function isOpen(order) {
  return order.status === 'created' || order.status === 'awaiting:payment';
}

/** @param {Order} order */
function state(order) {
  return isOpen(order) && Date.parse(order.expiresAt) <= Date.now() ? 'expired' : order.status;
}
