/** What every page has: the bar with who is signed in, a place for failures, news of the network. */

import { ApiError, NetworkError, request } from './api.js';
import { h, main, show } from './dom.js';
import { LANGUAGES, language, speak, t } from './i18n.js';
import { words } from './parts/form.js';
import { load, watchNetwork } from './parts/live.js';

/** @typedef {import('./api.js').User} User */

/**
 * Show a page once it is known who is signed in.
 *
 * @param {(user: User | null) => Promise<unknown>} page
 */
export function start(page) {
  return begin(async () => page(await showUser()));
}

/**
 * Show a page that is the same for everyone, while it is found out who is signed in.
 *
 * @param {() => Promise<unknown>} page
 */
export function startForAll(page) {
  return begin(() => Promise.all([page(), showUser()]));
}

/**
 * Show a page to who is signed in; others sign in first and come back.
 *
 * @param {(user: User) => Promise<unknown>} page
 */
export function startSignedIn(page) {
  return start(async (user) => (user ? page(user) : signInFirst()));
}

/** Go to the sign-in page, which leads back here. */
export function signInFirst() {
  location.assign(`/signin?next=${encodeURIComponent(location.pathname + location.search)}`);
}

/** Show that there is nothing at this address. */
export function missing() {
  show(
    t('missing.title'),
    h('h1', null, t('missing.title')),
    h('p', null, t('missing.text')),
    h('a', { href: '/', class: 'button' }, t('missing.home')),
  );
}

/** @param {() => Promise<unknown>} page */
async function begin(page) {
  watchNetwork();
  bar(null, false);
  footer();
  try {
    await page();
  } catch (error) {
    fail(error);
  }
}

/** @returns {Promise<User | null>} */
async function showUser() {
  const user = (await load(() => request('GET', '/users/currentuser'))).currentUser;
  bar(user, true);
  return user;
}

/**
 * Fill the bar. Who is signed in decides what it offers; until that is known it keeps the room.
 *
 * @param {User | null} user
 * @param {boolean} isKnown
 */
function bar(user, isKnown) {
  const own = [link('/my-tickets', 'nav.mytickets'), link('/orders', 'nav.orders')];
  const session = user
    ? [h('button', { type: 'button', class: 'quiet', click: signOut }, t('nav.signout'))]
    : [link('/signin', 'nav.signin'), link('/signup', 'nav.signup')];
  const place = /** @type {HTMLElement} */ (document.getElementById('bar'));
  place.replaceChildren(
    h('a', { href: '#main', class: 'skip' }, t('nav.skip')),
    h('a', { href: '/', class: 'brand' }, 'Ticketing'),
    h('div', { class: 'session' }, ...(isKnown ? session : [])),
    h('nav', { 'aria-label': t('nav.label') }, link('/sell', 'nav.sell'), ...(user ? own : [])),
  );
}

/**
 * @param {string} path
 * @param {string} key
 */
function link(path, key) {
  return h('a', { href: path, 'aria-current': location.pathname === path ? 'page' : null }, t(key));
}

/** Offer the languages at the end of the page. */
function footer() {
  const options = Object.entries(LANGUAGES).map(([tag, name]) =>
    h('option', { value: tag, lang: tag, selected: tag === language }, name),
  );
  const choose = (/** @type {{target: HTMLSelectElement}} */ { target }) => speak(target.value);
  const choice = h('select', { id: 'language', change: choose }, options);
  document.body.append(h('footer', null, h('label', { for: 'language' }, t('nav.language')), choice));
}

async function signOut() {
  try {
    await request('POST', '/users/signout', {});
    location.assign('/');
  } catch (error) {
    fail(error);
  }
}

/** @param {unknown} error */
function fail(error) {
  if (error instanceof ApiError && error.status === 404) return missing();
  if (error instanceof ApiError && error.status === 401) return signInFirst();
  const text = error instanceof ApiError || error instanceof NetworkError ? words(error) : t('failed.server');
  show(
    t('failed.title'),
    h('h1', null, t('failed.title')),
    h('p', { role: 'alert' }, text),
    h('button', { type: 'button', class: 'primary', click: () => location.reload() }, t('failed.again')),
  );
  main().focus();
  if (!(error instanceof ApiError || error instanceof NetworkError)) throw error;
}
