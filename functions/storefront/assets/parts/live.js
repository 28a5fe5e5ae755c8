/** What changes by itself: asking again, often while it is looked at and seldom while it is hidden. */

import { ApiError, NetworkError } from '../api.js';
import { h } from '../dom.js';
import { t } from '../i18n.js';

const HIDDEN_MILLISECONDS = 60_000;
const LONGEST_PAUSE_MILLISECONDS = 30_000;
const SLOW_MILLISECONDS = 1_500;

/**
 * Ask now and again, until `show` returns false. While the shop cannot be reached the pauses grow; they end when the
 * network is back or the page is looked at again.
 *
 * @template T
 * @param {() => Promise<T>} ask
 * @param {(found: T) => boolean | void} show
 * @param {number} milliseconds between two requests while the page is visible
 */
export async function follow(ask, show, milliseconds) {
  let failures = 0;
  while (true) {
    try {
      if (show(await ask()) === false) return;
      failures = 0;
    } catch (error) {
      if (!isPassing(error)) throw error;
      failures += 1;
    }
    announceTrouble(failures > 0);
    await pause(Math.min(milliseconds * 2 ** failures, Math.max(milliseconds, LONGEST_PAUSE_MILLISECONDS)));
  }
}

/**
 * Ask until there is an answer; say that it takes long when it does.
 *
 * @template T
 * @param {() => Promise<T>} ask
 * @returns {Promise<T>}
 */
export async function load(ask) {
  const slow = setTimeout(() => say(t('slow')), SLOW_MILLISECONDS);
  try {
    for (let failures = 0; ; failures += 1) {
      try {
        return await ask();
      } catch (error) {
        if (!isPassing(error)) throw error;
        announceTrouble(true);
        await pause(Math.min(1_000 * 2 ** failures, LONGEST_PAUSE_MILLISECONDS));
      }
    }
  } finally {
    clearTimeout(slow);
    say('');
  }
}

/** Say when the browser goes offline and comes back. */
export function watchNetwork() {
  const tell = () => say(navigator.onLine ? '' : t('offline'));
  addEventListener('offline', tell);
  addEventListener('online', tell);
  if (!navigator.onLine) tell();
}

/**
 * Show a notice at the page's end, read out politely; an empty one takes it away.
 *
 * @param {string} text
 */
export function say(text) {
  const place = notice();
  if (place.textContent !== text) place.textContent = text;
}

/** @returns {HTMLElement} */
function notice() {
  const found = document.getElementById('notice');
  if (found) return found;
  const made = h('p', { id: 'notice', role: 'status', class: 'notice' });
  document.body.append(made);
  return made;
}

/** @param {boolean} troubled */
function announceTrouble(troubled) {
  say(!navigator.onLine ? t('offline') : troubled ? t('retrying') : '');
}

/** @param {unknown} error */
function isPassing(error) {
  return error instanceof NetworkError || (error instanceof ApiError && (error.status >= 500 || error.status === 429));
}

/** @param {number} milliseconds */
function pause(milliseconds) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener('online', end);
      document.removeEventListener('visibilitychange', seen);
      resolve(undefined);
    };
    const seen = () => {
      clearTimeout(timer);
      if (document.hidden) timer = setTimeout(end, HIDDEN_MILLISECONDS);
      else end();
    };
    let timer = setTimeout(end, document.hidden ? Math.max(milliseconds, HIDDEN_MILLISECONDS) : milliseconds);
    addEventListener('online', end);
    document.addEventListener('visibilitychange', seen);
  });
}
