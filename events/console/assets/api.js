/** Speaks to the console's own process. */

/** @typedef {{sequence: number, time: string, name: string, source: string, id: string, order: string, buyer: string,
 *   trace: string, data: string, replayedTo: string}} EventRecord */
/** @typedef {{id: string, title: string, status: string, reason: string, time: string | null}} FoundOrder */
/** @typedef {'delivered' | 'waiting' | 'under way' | 'retrying' | 'dead letter'} DeliveryState */
/** @typedef {{trigger: string, state: DeliveryState, attempts: number, reason: string, until: string | null,
 *   letter: number | null}} Delivery */
/** @typedef {'good' | 'bad' | 'plain'} Mood */
/** @typedef {{sequence: number, time: string, name: string, service: string, text: string, mood: Mood, trace: string,
 *   data: string, deliveries: Delivery[], replayedTo: string, copies: number}} Entry */
/** @typedef {{name: string, due: string, text: string}} Scheduled */
/** @typedef {{order: string, title: string, price: number | null, status: string, buyer: string, ticket: string,
 *   mood: Mood, headline: string, explanation: string[], advice: string, entries: Entry[], scheduled: Scheduled[],
 *   traces: string[]}} Biography */
/** @typedef {{name: string, subscriber: string, types: string[] | null, filter: string, concurrency: number,
 *   retry: number, backlog: number | null, underWay: number | null, redelivered: number | null, parked: number,
 *   dead: number, rate: number | null, oldest: number}} TriggerState */
/** @typedef {{name: string, messages: number, bytes: number, maxBytes: number | null, lastSequence: number,
 *   rate: number | null, replicas: number}} StreamState */
/** @typedef {{service: string, rows: number | null, newest: string | null, published: string | null,
 *   replaying: boolean, lag: number | null, error: string}} Outbox */
/** @typedef {{time: string, triggers: TriggerState[], log: StreamState, schedules: StreamState,
 *   deadLetters: StreamState, outboxes: Outbox[] | null}} Snapshot */
/** @typedef {{number: number, time: string, name: string, order: string, attempts: number}} Letter */
/** @typedef {{trigger: string, status: string, message: string, reason: string, oldest: string, newest: string,
 *   count: number, letters: Letter[]}} Group */
/** @typedef {{action: 'replay' | 'purge', total: number, done: number, running: boolean, error: string}} Progress */
/** @typedef {{orders: number, complete: number, cancelled: number, lost: number, oversold: number, stuck: number,
 *   chargedTwice: number}} Guarantees */
/** @typedef {{name: string, state: 'ready' | 'starting' | 'paused' | 'external', pid: number | null, starts: number,
 *   seconds: number, isOurs: boolean}} ProcessState */
/** @typedef {{processes: ProcessState[], shopping: boolean, fault: string, faults: string[]}} MachineState */
/** @typedef {{stringValue?: string, intValue?: string, boolValue?: boolean, doubleValue?: number}} Value */
/** @typedef {{traceId: string, spanId: string, parentSpanId?: string, name: string, kind?: number,
 *   startTimeUnixNano: string, endTimeUnixNano: string, attributes?: {key: string, value: Value}[],
 *   status?: {code?: number, message?: string}}} Span */
/** @typedef {{service: string, span: Span}} ServiceSpan */
/** @typedef {{service: string, requests: number, errors: number, p50: number, p99: number}} Figures */
/** @typedef {{name: string, service: string, routes: string[], stores: boolean}} FunctionWiring */
/** @typedef {{functions: FunctionWiring[], relays: string[]}} Wiring */

const TIMEOUT_MILLISECONDS = 60_000; // a week of events is read for some answers

/** A request failed; the message says why, for a person. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * Send a request and return the JSON of its response.
 *
 * @param {string} path
 * @param {object} [body] makes it a POST
 * @returns {Promise<any>}
 */
export async function request(path, body) {
  const signal = AbortSignal.timeout(TIMEOUT_MILLISECONDS);
  const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  let response;
  try {
    response = await fetch(path, body ? { ...post, signal } : { signal });
  } catch {
    throw new ApiError(0, 'The console does not respond. Is it still running?');
  }
  const content = await response.json().catch(() => null);
  if (response.status === 401) location.assign('/signin');
  if (!response.ok) throw new ApiError(response.status, content?.errors?.[0]?.message ?? 'Something went wrong.');
  return content;
}
