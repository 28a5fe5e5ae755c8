/** The time that is left to pay, as a timer that is quiet but for the last minute. */

import { h } from '../dom.js';
import { t } from '../i18n.js';

const WARNING_SECONDS = 60;

/**
 * Create a timer that counts down to a time that may be moved.
 *
 * @param {(text: string) => void} warn called once when the last minute begins
 * @param {() => void} ended called once when no time is left
 */
export function countdown(warn, ended) {
  const clock = h('time', { role: 'timer', 'aria-label': t('order.left'), class: 'clock' });
  let until = 0;
  let isWarned = false;
  let ticking = 0;

  function tick() {
    const seconds = Math.max(0, Math.ceil((until - Date.now()) / 1_000));
    const text = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    clock.textContent = text;
    clock.dateTime = `PT${seconds}S`;
    clock.classList.toggle('late', seconds <= WARNING_SECONDS);
    if (seconds === 0) return end();
    if (seconds > WARNING_SECONDS) isWarned = false;
    else if (!isWarned) {
      isWarned = true;
      warn(t('order.warning'));
    }
  }

  function end() {
    stop();
    ended();
  }

  function stop() {
    clearInterval(ticking);
    ticking = 0;
  }

  return {
    clock,
    stop,
    /**
     * Count down to this time from now on.
     *
     * @param {string} expiresAt
     */
    countTo(expiresAt) {
      until = Date.parse(expiresAt);
      if (!ticking && until > Date.now()) ticking = setInterval(tick, 500);
      tick();
    },
  };
}
