/** What every page has: the bar with its search, and a place for failures. */

import { ApiError } from '../api.js';
import { h, main } from '../dom.js';

/** @type {[string, string][]} */
const LINKS = [
  ['/', 'Orders'],
  ['/events', 'Events'],
  ['/triggers', 'Triggers'],
  ['/dead-letters', 'Dead letters'],
  ['/storage', 'Storage'],
];

/** Fill the bar. `/` puts the focus into its search. */
export function frame() {
  const links = LINKS.map(([path, name]) =>
    h('a', { href: path, 'aria-current': location.pathname === path ? 'page' : null }, name),
  );
  const query = new URLSearchParams(location.search).get('q') ?? '';
  const field = h('input', {
    id: 'q',
    name: 'q',
    type: 'search',
    value: location.pathname === '/find' ? query : '',
    placeholder: 'Order, ticket, payment, buyer, trace or email',
    'aria-label': 'Find an order',
    'aria-keyshortcuts': '/',
    autocomplete: 'off',
    spellcheck: 'false',
    required: true,
  });
  const top = /** @type {HTMLElement} */ (document.getElementById('top'));
  top.replaceChildren(
    h('a', { href: '#main', class: 'skip' }, 'Skip to content'),
    h('a', { href: '/', class: 'brand' }, 'Console'),
    h('form', { action: '/find', role: 'search' }, field, h('button', null, 'Find')),
    h('nav', { 'aria-label': 'Pages' }, ...links),
  );
  document.addEventListener('keydown', (event) => {
    const typing = event.target instanceof Element && event.target.matches('input, select, textarea');
    if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    field.focus();
  });
}

/**
 * Replace what the page shows, and its title.
 *
 * @param {string} title
 * @param {...(import('../dom.js').Child)} children
 */
export function show(title, ...children) {
  document.title = `${title} · Console`;
  main().replaceChildren(
    ...children.flatMap((child) => (child || child === 0 ? [child instanceof Node ? child : String(child)] : [])),
  );
}

/**
 * Say what failed, with a way to try again.
 *
 * @param {unknown} error
 */
export function fail(error) {
  const text = error instanceof ApiError ? error.message : 'Something went wrong in this page.';
  show(
    'Failed',
    h('h1', null, 'That did not work'),
    h('p', { role: 'alert', class: 'alert' }, text),
    h('button', { type: 'button', click: () => location.reload() }, 'Try again'),
  );
  if (!(error instanceof ApiError)) throw error;
}
