/** Edit a ticket of one's own. */

import { request } from '../api.js';
import { h, show } from '../dom.js';
import { t } from '../i18n.js';
import { startSignedIn } from '../main.js';
import { form } from '../parts/form.js';
import { load } from '../parts/live.js';
import { entered, ticketFields } from '../parts/ticket-fields.js';

const id = location.pathname.split('/')[2] ?? '';

startSignedIn(async () => {
  const ticket = await load(() => request('GET', `/tickets/${id}`));
  const edit = form(ticketFields(ticket), t('sell.save'), async (values) => {
    await request('PUT', `/tickets/${id}`, entered(values));
    location.assign(`/tickets/${id}`);
  });
  show(t('sell.edit'), h('h1', null, t('sell.edit')), edit);
});
