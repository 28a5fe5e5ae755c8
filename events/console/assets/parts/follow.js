/** Follows server-sent events without freezing the page: they are collected, and shown once a frame. */

const RETRY_MILLISECONDS = 2_000;
const MOST_WAITING = 2_000; // events between two frames; a page in the background paints none

/**
 * Call `show` at most once a frame with the events since the last call, until the page is left or `stop` is called.
 * The browser reconnects by itself, and goes on where it was.
 *
 * @template T
 * @param {string} path
 * @param {(events: T[], skipped: number) => void} show
 * @param {(connected: boolean) => void} [connection]
 * @returns {{stop: () => void}}
 */
export function follow(path, show, connection = () => {}) {
  /** @type {T[]} */
  let waiting = [];
  let skipped = 0;
  let frame = 0;
  let last = '';
  let source = open();

  function open() {
    const separator = path.includes('?') ? '&' : '?';
    const opened = new EventSource(last ? `${path}${separator}after=${last}` : path);
    opened.onopen = () => connection(true);
    opened.onmessage = receive;
    opened.onerror = () => {
      connection(false);
      // A browser gives up on an error's status; it reconnects by itself only where the connection was lost.
      if (opened.readyState === EventSource.CLOSED) setTimeout(() => (source = open()), RETRY_MILLISECONDS);
    };
    return opened;
  }

  /** @param {MessageEvent<string>} message */
  function receive({ data, lastEventId }) {
    last = lastEventId;
    waiting.push(JSON.parse(data));
    if (waiting.length > MOST_WAITING) {
      skipped += waiting.length - MOST_WAITING / 2;
      waiting = waiting.slice(-MOST_WAITING / 2);
    }
    frame ||= requestAnimationFrame(paint);
  }

  function paint() {
    const events = waiting;
    const left = skipped;
    waiting = [];
    skipped = 0;
    frame = 0;
    show(events, left);
  }
  const stop = () => {
    source.close();
    cancelAnimationFrame(frame);
  };
  addEventListener('pagehide', stop, { once: true });
  return { stop };
}
