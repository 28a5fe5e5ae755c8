/** Signing in and signing up: the same form, another route. */

import { newKey, request } from '../api.js';
import { h, show } from '../dom.js';
import { t } from '../i18n.js';
import { start } from '../main.js';
import { form } from './form.js';

/**
 * Show the form. Whoever is signed in already goes on to where they wanted to be.
 *
 * @param {'in' | 'up'} way
 */
export function sign(way) {
  start(async (user) => {
    if (user) return location.replace(next());
    const key = newKey();
    const submit = async (/** @type {Record<string, string>} */ values) => {
      await request('POST', `/users/sign${way}`, values, way === 'up' ? key : undefined);
      if (way === 'up') await signInIfReplayed(values);
      location.replace(next());
    };
    const isSentHere = new URLSearchParams(location.search).has('next');
    const other = way === 'in' ? 'up' : 'in';
    show(
      t(`sign.${way}`),
      h('h1', null, t(`sign.${way}`)),
      isSentHere && h('p', null, t('sign.first')),
      form(fields(way), t(`sign.${way}`), submit),
      h('p', null, h('a', { href: `/sign${other}${location.search}` }, t(`sign.to_${other}`))),
    );
  });
}

/**
 * @param {'in' | 'up'} way
 * @returns {import('./form.js').Field[]}
 */
function fields(way) {
  const isNew = way === 'up';
  return [
    { name: 'email', label: t('sign.email'), type: 'email', autocomplete: 'username' },
    {
      name: 'password',
      label: t('sign.password'),
      type: 'password',
      autocomplete: isNew ? 'new-password' : 'current-password',
      ...(isNew ? { hint: t('sign.password.hint') } : {}),
    },
  ];
}

/**
 * Sign in after a sign-up whose first response was lost: the replayed one has no cookie.
 *
 * @param {Record<string, string>} values
 */
async function signInIfReplayed(values) {
  const { currentUser } = await request('GET', '/users/currentuser');
  if (!currentUser) await request('POST', '/users/signin', values);
}

/** Return the page to go on to: only paths of this shop, whatever the address says. */
function next() {
  const asked = new URL(new URLSearchParams(location.search).get('next') ?? '/', location.origin);
  return asked.origin === location.origin ? asked.href : '/';
}
