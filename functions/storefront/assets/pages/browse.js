/** All tickets on sale: search, price, order. The address says what is shown, so it can be shared and gone back to. */

import { list } from '../api.js';
import { h, main, show } from '../dom.js';
import { money, t } from '../i18n.js';
import { startForAll } from '../main.js';
import { words } from '../parts/form.js';
import { follow, load } from '../parts/live.js';

/** @typedef {import('../api.js').Ticket} Ticket */

const REFRESH_MILLISECONDS = 10_000;
const TYPING_MILLISECONDS = 250;
const SORTS = ['newest', 'price', '-price'];

startForAll(async () => {
  const count = h('p', { role: 'status', class: 'count' });
  const cards = h('ul', { class: 'cards' });
  const more = h('div', { class: 'more' });
  const results = h('section', { 'aria-label': t('browse.title') }, count, cards, more);
  const search = searchForm(() => renew());
  show(t('browse.title'), h('h1', null, t('browse.title')), search, results);

  /** @type {AbortController} */
  let current = new AbortController();
  let pages = 1;

  /** Show what the address asks for, from the first page on. */
  async function renew() {
    current.abort();
    const mine = (current = new AbortController());
    pages = 1;
    results.setAttribute('aria-busy', 'true');
    const path = `/tickets${location.search}`;
    try {
      const shown = await load(() => list(path));
      if (mine.signal.aborted) return;
      render(shown);
      refresh(path, mine.signal);
    } catch (error) {
      if (mine.signal.aborted) return;
      cards.replaceChildren();
      more.replaceChildren(h('p', { role: 'alert', class: 'alert' }, words(error)));
    }
    results.removeAttribute('aria-busy');
  }

  /**
   * @param {string} path
   * @param {AbortSignal} ended
   */
  async function refresh(path, ended) {
    let isFirst = true;
    await follow(
      async () => (isFirst || pages > 1 ? null : list(path)),
      (found) => {
        isFirst = false;
        if (ended.aborted) return false;
        if (found && pages === 1) render(found);
        return true;
      },
      REFRESH_MILLISECONDS,
    );
  }

  /** @param {{items: Ticket[], next: string | null}} found */
  function render({ items, next }) {
    tell(count, items.length, next !== null);
    reconcile(cards, items);
    more.replaceChildren(...(next ? [moreButton(next)] : []), ...(items.length ? [] : [empty()]));
  }

  /** @param {string} path */
  function moreButton(path) {
    const button = h('button', { type: 'button', click: add }, t('browse.more'));
    async function add() {
      const mine = current;
      button.disabled = true;
      pages += 1;
      const { items, next } = await load(() => /** @type {Promise<{items: Ticket[], next: string | null}>} */ (list(path)));
      if (mine.signal.aborted) return;
      const added = items.map(card);
      cards.append(...added);
      more.replaceChildren(...(next ? [moreButton(next)] : []));
      tell(count, cards.childElementCount, next !== null);
      added[0]?.querySelector('a')?.focus();
    }
    return button;
  }

  await renew();
  main().removeAttribute('aria-busy');
});

/**
 * @param {HTMLElement} place
 * @param {number} count
 * @param {boolean} isMore
 */
function tell(place, count, isMore) {
  const text = t(isMore ? 'browse.more_than' : 'browse.count', { count });
  if (place.textContent !== text) place.textContent = text;
}

/**
 * Make the cards those of `tickets` without touching the ones that stay, so that focus and reading place stay too.
 *
 * @param {HTMLElement} place
 * @param {Ticket[]} tickets
 */
function reconcile(place, tickets) {
  const existing = new Map([...place.children].map((item) => [item.getAttribute('data-version'), item]));
  const wanted = tickets.map((ticket) => existing.get(versionOf(ticket)) ?? card(ticket));
  for (const item of [...place.children]) if (!wanted.includes(item)) item.remove();
  wanted.forEach((item, index) => {
    if (place.children[index] !== item) place.insertBefore(item, place.children[index] ?? null);
  });
}

/** @param {Ticket} ticket */
function versionOf(ticket) {
  return `${ticket.id}/${ticket.version}`;
}

/** @param {Ticket} ticket */
function card(ticket) {
  return h(
    'li',
    { 'data-version': versionOf(ticket) },
    h('a', { href: `/tickets/${ticket.id}`, class: 'card' }, h('span', { class: 'title' }, ticket.title), ' ', h('b', null, money(ticket.price))),
  );
}

function empty() {
  return location.search
    ? h('p', { class: 'empty' }, t('browse.none'), ' ', h('a', { href: '/', class: 'button' }, t('browse.clear')))
    : h('p', { class: 'empty' }, t('browse.empty'), ' ', h('a', { href: '/sell', class: 'button' }, t('browse.empty.sell')));
}

/** @param {() => unknown} changed */
function searchForm(changed) {
  const asked = new URLSearchParams(location.search);
  const sort = asked.get('sort') ?? 'newest';
  const form = h(
    'form',
    { role: 'search', class: 'search', action: '/' },
    labelled('q', t('browse.search'), { type: 'search', maxlength: 200 }),
    labelled('minPrice', t('browse.min'), { inputmode: 'decimal', size: 7 }),
    labelled('maxPrice', t('browse.max'), { inputmode: 'decimal', size: 7 }),
    h(
      'div',
      { class: 'field' },
      h('label', { for: 'sort' }, t('browse.sort')),
      h('select', { id: 'sort', name: 'sort' }, SORTS.map((one) => h('option', { value: one, selected: one === sort }, t(`browse.${one}`)))),
    ),
    h('button', { type: 'submit' }, t('browse.find')),
  );
  let typing = 0;
  const apply = () => {
    const entered = new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, plain(name, String(value))]).filter(isAsked));
    const address = entered.size ? `/?${entered}` : '/';
    if (address === location.pathname + location.search) return;
    history.replaceState(null, '', address);
    changed();
  };
  form.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(apply, TYPING_MILLISECONDS);
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    clearTimeout(typing);
    apply();
  });
  return form;

  /**
   * @param {string} name
   * @param {string} label
   * @param {import('../dom.js').Attributes} attributes
   */
  function labelled(name, label, attributes) {
    const input = h('input', { id: name, name, value: asked.get(name) ?? '', ...attributes });
    return h('div', { class: 'field' }, h('label', { for: name }, label), input);
  }
}

/**
 * Return a price as the API takes it, whichever decimal sign the reader's language has; other fields as they are.
 *
 * @param {string} name
 * @param {string} value
 */
function plain(name, value) {
  return name.endsWith('Price') ? value.trim().replace(',', '.') : value.trim();
}

/** @param {string[]} field */
function isAsked([name, value]) {
  return value !== '' && !(name === 'sort' && value === 'newest');
}
