/** Forms: labelled fields, errors beside the field they are about, one request at a time. */

import { ApiError, NetworkError } from '../api.js';
import { h } from '../dom.js';
import { t, told } from '../i18n.js';

/** @typedef {{name: string, label: string, hint?: string, type?: string, value?: string, autocomplete?: string,
 *   inputmode?: string, maxlength?: number}} Field */

/**
 * Create a form. `submit` gets what was entered, by field name; what it throws is told in the form.
 *
 * @param {Field[]} fields
 * @param {string} label of its button
 * @param {(values: Record<string, string>) => Promise<unknown>} submit
 * @returns {HTMLFormElement}
 */
export function form(fields, label, submit) {
  const button = h('button', { type: 'submit', class: 'primary' }, label);
  const problem = alert();
  const form = h('form', { novalidate: true, class: 'form' }, problem, fields.map(field), button);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    clear(form);
    await busy(button, problem, () => submit(values(form)), form);
  });
  return form;
}

/**
 * Run `work` with a button out of use; tell in `problem`, and at the fields of `form`, what it throws.
 *
 * @param {HTMLButtonElement} button
 * @param {HTMLElement} problem
 * @param {() => Promise<unknown>} work
 * @param {HTMLFormElement} [form]
 */
export async function busy(button, problem, work, form) {
  button.disabled = true;
  button.setAttribute('aria-busy', 'true');
  problem.textContent = '';
  try {
    await work();
  } catch (error) {
    tell(error, problem, form);
  } finally {
    button.disabled = false;
    button.removeAttribute('aria-busy');
  }
}

/** Create the place for a message that must not be missed; it is read out when it gets one. */
export function alert() {
  return h('p', { role: 'alert', class: 'alert' });
}

/**
 * Return what an error means to a reader.
 *
 * @param {unknown} error
 * @returns {string}
 */
export function words(error) {
  if (error instanceof NetworkError) return t('failed.text');
  if (error instanceof ApiError) return error.status >= 500 ? t('failed.server') : told(error.message);
  throw error;
}

/** @param {Field} field */
function field({ name, label, hint, type = 'text', value = '', ...rest }) {
  const described = hint ? `${name}-hint ${name}-error` : `${name}-error`;
  return h(
    'div',
    { class: 'field' },
    h('label', { for: name }, label),
    hint && h('small', { id: `${name}-hint` }, hint),
    h('input', { id: name, name, type, value, 'aria-describedby': described, ...rest }),
    h('small', { id: `${name}-error`, class: 'error' }),
  );
}

/** @param {HTMLFormElement} form */
function values(form) {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]));
}

/** @param {HTMLFormElement} form */
function clear(form) {
  for (const input of form.querySelectorAll('[aria-invalid]')) input.removeAttribute('aria-invalid');
  for (const error of form.querySelectorAll('.error')) error.textContent = '';
}

/**
 * @param {unknown} error
 * @param {HTMLElement} problem
 * @param {HTMLFormElement} [form]
 */
function tell(error, problem, form) {
  const text = words(error);
  const bad = error instanceof ApiError && form ? error.errors.filter(({ field }) => field && input(form, field)) : [];
  for (const { field, message } of bad) {
    const place = /** @type {HTMLFormElement} */ (form);
    input(place, String(field))?.setAttribute('aria-invalid', 'true');
    const beside = place.querySelector(`#${field}-error`);
    if (beside) beside.textContent = told(message);
  }
  // What stands beside its field is only read out here, all at once.
  problem.classList.toggle('read-out', bad.length > 0);
  problem.textContent = bad.map(({ message }) => told(message)).join(' ') || text;
  if (bad[0]?.field && form) input(form, bad[0].field)?.focus();
}

/**
 * @param {HTMLFormElement} form
 * @param {string} name
 * @returns {HTMLInputElement | null}
 */
function input(form, name) {
  const found = form.elements.namedItem(name);
  return found instanceof HTMLInputElement ? found : null;
}
