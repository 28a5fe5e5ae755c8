/** Offer a ticket. */

import { newKey, request } from '../api.js';
import { h, show } from '../dom.js';
import { t } from '../i18n.js';
import { startSignedIn } from '../main.js';
import { form } from '../parts/form.js';
import { entered, ticketFields } from '../parts/ticket-fields.js';

startSignedIn(async () => {
  const key = newKey();
  const offer = form(ticketFields(), t('sell.submit'), async (values) => {
    const ticket = await request('POST', '/tickets', entered(values), key);
    location.assign(`/tickets/${ticket.id}`);
  });
  show(t('sell.title'), h('h1', null, t('sell.title')), offer);
});
