/** One ticket: reserve it, or see that someone else holds it. Its seller edits it or takes it back. */

import { ApiError, newKey, request } from '../api.js';
import { h, show } from '../dom.js';
import { money, t } from '../i18n.js';
import { signInFirst, start } from '../main.js';
import { ask } from '../parts/dialog.js';
import { alert, busy } from '../parts/form.js';
import { follow } from '../parts/live.js';

/** @typedef {import('../api.js').Ticket} Ticket */
/** @typedef {import('../api.js').User} User */

const REFRESH_MILLISECONDS = 5_000;
const WINDOW_MINUTES = 15;

const id = location.pathname.split('/')[2] ?? '';

start(async (user) => {
  const state = h('p', { role: 'status' });
  const problem = alert();
  const actions = h('div', { class: 'actions' });
  const title = h('h1');
  const price = h('p', { class: 'price' });
  const paper = h('div', { class: 'panel stub' }, h('div', null, title, state, problem), h('div', null, price, actions));
  /** @type {Ticket | null} */
  let shown = null;

  await follow(
    () => request('GET', `/tickets/${id}`).catch(goneIsNull),
    (/** @type {Ticket | null} */ ticket) => {
      if (!ticket) {
        if (!shown) throw new ApiError(404, []);
        gone();
        return false;
      }
      if (!shown) show(ticket.title, paper);
      if (shown?.version !== ticket.version) render(ticket);
      shown = ticket;
      return true;
    },
    REFRESH_MILLISECONDS,
  );

  /** @param {Ticket} ticket */
  function render(ticket) {
    title.textContent = ticket.title;
    price.textContent = money(ticket.price);
    state.textContent = describe(ticket, user, shown);
    if (!ticket.orderId && shown) problem.textContent = '';
    if (ticket.orderId) actions.replaceChildren(h('a', { href: '/', class: 'button' }, t('ticket.others')));
    else if (ticket.userId === user?.id) actions.replaceChildren(...ownActions(ticket, problem));
    else actions.replaceChildren(reserveButton(ticket));
  }

  /** @param {Ticket} ticket */
  function reserveButton(ticket) {
    const key = newKey();
    const button = h('button', { type: 'button', class: 'primary' }, t('ticket.reserve'));
    button.addEventListener('click', () => busy(button, problem, reserve));
    return button;

    async function reserve() {
      if (!user) return signInFirst();
      try {
        const order = await request('POST', '/orders', { ticketId: ticket.id, price: ticket.price }, key);
        location.assign(`/orders/${order.id}`);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        await explain(error, ticket);
      }
    }
  }

  /**
   * Losing a race is told as what happened and what to do next.
   *
   * @param {ApiError} error
   * @param {Ticket} before
   */
  async function explain(error, before) {
    if (error.status === 401) return signInFirst();
    if (error.status === 404) return gone();
    if (error.message === 'Ticket is already reserved') {
      problem.textContent = t('ticket.lost');
      actions.replaceChildren(h('a', { href: '/', class: 'button' }, t('ticket.others')));
      return;
    }
    if (error.message === 'Too many reservations') {
      problem.textContent = t('ticket.too_many');
      return;
    }
    if (error.status !== 409 || error.message !== 'Price has changed') throw error;
    const after = await request('GET', `/tickets/${id}`);
    shown = null;
    render(after);
    shown = after;
    problem.textContent = t('ticket.price_changed', { before: money(before.price), after: money(after.price) });
  }
});

/**
 * @param {Ticket} ticket
 * @param {User | null} user
 * @param {Ticket | null} before
 */
function describe(ticket, user, before) {
  const isOwn = ticket.userId === user?.id;
  if (ticket.orderId) return t(isOwn ? 'ticket.own.held' : 'ticket.held');
  if (isOwn) return t('ticket.own');
  return before?.orderId ? t('ticket.back') : t('ticket.hold', { minutes: WINDOW_MINUTES });
}

/**
 * @param {Ticket} ticket
 * @param {HTMLElement} problem
 */
function ownActions(ticket, problem) {
  const takeBack = h('button', { type: 'button', class: 'quiet' }, t('ticket.takeback'));
  takeBack.addEventListener('click', async () => {
    const question = t('ticket.takeback.sure', { title: ticket.title });
    if (!(await ask(question, t('ticket.takeback.text'), t('ticket.takeback'), t('ticket.takeback.keep')))) return;
    await busy(takeBack, problem, async () => {
      await request('DELETE', `/tickets/${ticket.id}`);
      location.assign('/my-tickets');
    });
  });
  return [h('a', { href: `/tickets/${ticket.id}/edit`, class: 'button primary' }, t('ticket.edit')), takeBack];
}

function gone() {
  show(
    t('ticket.gone'),
    h('h1', null, t('ticket.gone')),
    h('p', { role: 'status' }, t('ticket.gone.text')),
    h('a', { href: '/', class: 'button' }, t('ticket.others')),
  );
}

/** @param {unknown} error */
function goneIsNull(error) {
  if (error instanceof ApiError && error.status === 404) return null;
  throw error;
}
