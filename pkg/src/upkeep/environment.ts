import type { Environment } from './checks.js';

const EVENTS = ['visibilitychange', 'online', 'offline', 'pageshow'] as const;

/** The environment of a page, or of a worker, which has no document. */
export const environment: Environment = {
  now: Date.now,
  random: Math.random,
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
  mayCheck: () => navigator.onLine && globalThis.document?.visibilityState !== 'hidden',
  onChange(call) {
    // `visibilitychange` bubbles from the document to the window.
    for (const event of EVENTS) globalThis.addEventListener(event, call);
    return () => EVENTS.forEach((event) => globalThis.removeEventListener(event, call));
  },
};
