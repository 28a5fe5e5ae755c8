/** Words, money and times in the reader's language. */

import en from './messages/en.js';

/** @typedef {string | Partial<Record<Intl.LDMLPluralRule, string>>} Message */
/** @typedef {Record<string, Message>} Messages */

/** Languages besides English, each a module that is loaded for those who read it. */
const OTHERS = /** @type {Record<string, () => Promise<{default: Messages}>>} */ ({
  de: () => import('./messages/de.js'),
});
const STORED = 'language';

export const LANGUAGES = { en: 'English', de: 'Deutsch' };

/** The reader's choice, else the first language of the browser that the shop speaks, else English. */
export const language =
  [localStorage.getItem(STORED), ...navigator.languages]
    .map((tag) => (tag ?? '').split('-')[0] ?? '')
    .find((tag) => tag in LANGUAGES) ?? 'en';
/** Formats follow the browser's region where it speaks the language: 1,5 or 1.5 and the order of dates. */
const locale = navigator.languages.find((tag) => tag.split('-')[0] === language) ?? language;

/** @type {Messages} */
const messages = { ...en, ...(await OTHERS[language]?.())?.default };
const plurals = new Intl.PluralRules(locale);
const dollars = new Intl.NumberFormat(locale, { style: 'currency', currency: 'USD' });
const times = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' });
const days = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' });

document.documentElement.lang = language;

/**
 * Return a message in the reader's language. `{name}` stands for a value; a message with plural forms is chosen by
 * `values.count`.
 *
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
  const message = messages[key] ?? key;
  const text = typeof message === 'string' ? message : (message[plurals.select(Number(values['count']))] ?? message.other);
  return (text ?? key).replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ''));
}

/**
 * Return the API's own words in the reader's language, as they came where no translation is known.
 *
 * @param {string} message
 */
export function told(message) {
  return t(`api: ${message}`) === `api: ${message}` ? message : t(`api: ${message}`);
}

/** @param {number} amount in dollars */
export function money(amount) {
  return dollars.format(amount);
}

/**
 * Return the hour and minute of a time, with its day if that is not today.
 *
 * @param {string | Date} at
 */
export function moment(at) {
  const when = new Date(at);
  return when.toDateString() === new Date().toDateString() ? times.format(when) : days.format(when);
}

/**
 * Keep a choice of language for later visits, and show this page in it.
 *
 * @param {string} chosen
 */
export function speak(chosen) {
  localStorage.setItem(STORED, chosen);
  location.reload();
}
