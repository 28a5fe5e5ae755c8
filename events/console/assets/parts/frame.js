/** What every page has: the bar with its search, and a place for failures. */

import { ApiError, request } from '../api.js';
import { h, main } from '../dom.js';

/** @type {[string, string][]} */
const LINKS = [
  ['/', 'Orders'],
  ['/events', 'Events'],
  ['/map', 'Map'],
  ['/functions', 'Functions'],
  ['/triggers', 'Triggers'],
  ['/dead-letters', 'Dead letters'],
  ['/storage', 'Storage'],
];

/** Fill the bar. `/` puts the focus into its search. What only one machine has is offered there alone. */
export async function frame() {
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
  const local = link(['/break', 'Break it']);
  local.hidden = true;
  const top = /** @type {HTMLElement} */ (document.getElementById('top'));
  top.replaceChildren(
    h('a', { href: '#main', class: 'skip' }, 'Skip to content'),
    h('a', { href: '/', class: 'brand' }, 'Console'),
    h('form', { action: '/find', role: 'search' }, field, h('button', null, 'Find')),
    h('nav', { 'aria-label': 'Pages' }, ...LINKS.map(link), local),
  );
  document.addEventListener('keydown', (event) => {
    const typing = event.target instanceof Element && event.target.matches('input, select, textarea');
    if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    field.focus();
  });
  local.hidden = !(await request('/api/about')).isLocal;
}

/** @param {[string, string]} link */
function link([path, name]) {
  return h('a', { href: path, 'aria-current': location.pathname === path ? 'page' : null }, name);
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
