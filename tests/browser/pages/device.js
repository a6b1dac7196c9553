// One open channel in a page, which the tests control.

import { hurt } from './hurts.js';
import { Jicho, outcome, photo } from './probe.js';

let eye;
let aborting = new AbortController();
const waiting = new Set();

/** Opens the channel; what `hurts` names is missing in this page and in the channel's worker. */
export async function open({ hurts = [], ...options } = {}) {
  hurt(hurts);
  const worker = () => new Worker(`/pages/hurt-worker.js?${hurts}`, { type: 'module' });
  const own = hurts.length > 0 ? { worker } : {};
  const onModel = () => waiting.forEach((look) => look());
  const fixed = { channel: 'T_1', models: '/models/', checkEveryMinutes: 0, onModel };
  const { value, error } = await outcome(Jicho.open({ ...fixed, ...own, ...options }));
  eye = value;
  return error ?? null;
}

export async function sync() {
  aborting = new AbortController();
  return outcome(eye.sync({ signal: aborting.signal }));
}

export function abort() {
  aborting.abort();
}

/** The channel's state, and its answer to a picture. */
export async function look(url) {
  const { value, error } = await outcome(eye.recognize(await photo(url)));
  const { version, predictions } = value ?? {};
  const { stored, storedProblem } = eye.model ?? {};
  return { state: eye.state, error, version, predictions, stored, storedProblem };
}

/** Resolves when the model of that version answers, or none does. */
export function becomes(version) {
  return new Promise((resolve) => {
    const look = () => {
      if ((eye.model?.version ?? null) !== version) return;
      waiting.delete(look);
      resolve();
    };
    waiting.add(look);
    look();
  });
}
