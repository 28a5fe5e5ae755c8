/** What is entered of a ticket, to offer and to edit it. */

import { t } from '../i18n.js';

/**
 * @param {{title: string, price: number}} [ticket]
 * @returns {import('./form.js').Field[]}
 */
export function ticketFields(ticket) {
  const price = ticket ? String(ticket.price) : '';
  return [
    { name: 'title', label: t('sell.name'), hint: t('sell.name.hint'), value: ticket?.title ?? '', maxlength: 200 },
    { name: 'price', label: t('sell.price'), hint: t('sell.price.hint'), value: price, inputmode: 'decimal' },
  ];
}

/**
 * Return a ticket as the API takes it; a decimal comma is a point there.
 *
 * @param {Record<string, string>} values
 */
export function entered(values) {
  return { title: values['title'], price: (values['price'] ?? '').trim().replace(',', '.') };
}
