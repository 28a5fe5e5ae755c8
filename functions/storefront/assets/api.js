/** Speaks to the shop's JSON API, the same that every other client uses. */

/** @typedef {{id: string, title: string, price: number, userId: string, version: number, orderId?: string,
 *   status?: 'available' | 'reserved' | 'sold'}} Ticket */
/** @typedef {'created' | 'awaiting:payment' | 'complete' | 'cancelled'} OrderStatus */
/** @typedef {{status: OrderStatus, at: string, reason?: string}} Transition */
/** @typedef {{id: string, userId: string, status: OrderStatus, expiresAt: string, version: number,
 *   ticket: {id: string, title: string, price: number}, history?: Transition[]}} Order */
/** @typedef {{id: string, email: string}} User */
/** @typedef {{message: string, field?: string}} FieldError */
/** @typedef {{id: string, status: string, clientSecret: string}} Payment */
/** @typedef {{provider: string, publishableKey: string, testCards: boolean}} PaymentConfig */

const TIMEOUT_MILLISECONDS = 20_000;

/** A response with an error status. `errors` are the API's own. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {FieldError[]} errors
   */
  constructor(status, errors) {
    super(errors[0]?.message ?? 'Something went wrong');
    this.status = status;
    this.errors = errors;
  }
}

/** The shop could not be reached, or did not answer in time. */
export class NetworkError extends Error {}

/**
 * Send a request and return the JSON of its response, null if it has none.
 *
 * @param {string} method
 * @param {string} path below /api
 * @param {object} [body]
 * @param {string} [key] Idempotency-Key: a request sent twice with the same key acts once
 * @returns {Promise<any>}
 */
export async function request(method, path, body, key) {
  return (await exchange(method, path, body, key)).content;
}

/**
 * Read a page of a list, and the path of the next page if there is one.
 *
 * @template T
 * @param {string} path
 * @returns {Promise<{items: T[], next: string | null}>}
 */
export async function list(path) {
  const { content, headers } = await exchange('GET', path);
  const next = /<\/api([^>]+)>;\s*rel="next"/.exec(headers.get('link') ?? '');
  return { items: content, next: next?.[1] ?? null };
}

/** Return a key for a request that must act once, however often it is sent. */
export function newKey() {
  return crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (n) => n.toString(16)).join('');
}

/**
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @param {string} [key]
 */
async function exchange(method, path, body, key) {
  /** @type {Record<string, string>} */
  const headers = {};
  if (body) headers['content-type'] = 'application/json';
  if (key) headers['idempotency-key'] = key;
  const response = await send(`/api${path}`, {
    method,
    headers,
    body: body && JSON.stringify(body),
    cache: 'no-cache', // what the browser has is asked for again by its ETag
    signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
  });
  const content = await json(response);
  if (!response.ok) throw new ApiError(response.status, content?.errors ?? []);
  return { content, headers: response.headers };
}

/**
 * @param {string} url
 * @param {RequestInit} init
 */
async function send(url, init) {
  try {
    return await fetch(url, init);
  } catch (error) {
    throw new NetworkError(String(error));
  }
}

/** @param {Response} response */
async function json(response) {
  try {
    return response.status === 204 ? null : await response.json();
  } catch {
    return null;
  }
}
