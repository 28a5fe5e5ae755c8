/** The tickets that one sells: on sale, being bought, sold. */

import { h, show } from '../dom.js';
import { money, t } from '../i18n.js';
import { startSignedIn } from '../main.js';
import { paged } from '../parts/pages.js';

startSignedIn(async () => {
  const empty = h('p', { class: 'empty' }, t('mytickets.empty'), ' ', h('a', { href: '/sell', class: 'button' }, t('nav.sell')));
  const tickets = await paged('/tickets?seller=me', row, empty, t('mytickets.more'));
  show(t('mytickets.title'), h('h1', null, t('mytickets.title')), tickets);
});

/** @param {import('../api.js').Ticket} ticket */
function row(ticket) {
  const status = ticket.status ?? (ticket.orderId ? 'reserved' : 'available');
  return h(
    'li',
    null,
    h('a', { href: `/tickets/${ticket.id}`, class: 'title' }, ticket.title),
    h('b', null, money(ticket.price)),
    h('span', { class: `badge ${status}` }, t(`mytickets.${status}`)),
  );
}
