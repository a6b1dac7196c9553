// One row of the matrix: a device in a known state, a fault, and what must hold afterwards.
import { PATIENCE } from '../harness/browser.mjs';
import { Device } from '../harness/device.mjs';
import { refuse } from './server.mjs';

/**
 * Runs the fault on a device that `had` a model, or never had one. What it saw, and `problem`: what did not hold, or
 * undefined.
 */
export async function trial(environment, fault, had) {
  const row = { name: fault.name, state: had ? 'had' : 'never', said: '', after: '', reloaded: '', healed: '' };
  const device = await Device.start(environment.browser, environment.web);
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error('it hangs')), PATIENCE)));
  try {
    await Promise.race([
      run({ ...environment, device, had, next: environment.releases[fault.release ?? 'next'] }, fault, row),
      late,
    ]);
  } catch (error) {
    row.problem = error.message.split('\n')[0];
  } finally {
    clearTimeout(timer);
    environment.web.misbehave = undefined;
    await device.close();
  }
  return row;
}

async function run(at, fault, row) {
  const { web, releases, device, had, next } = at;
  const { hurts = [], options = {} } = fault;
  const expected = (what) => what?.[row.state] ?? what;

  web.misbehave = undefined;
  publish(web, releases.old);
  if (had) {
    await device.call('open');
    same(await device.sync(), 'updated', 'the first sync');
    same(await who(at, true), 'old', 'before the fault');
  }

  publish(web, next);
  web.misbehave = fault.misbehave?.({ ...at });
  await fault.arrange?.(at);
  const opened = had && !fault.arrange && !fault.hurts && !fault.options;
  if (!opened) {
    if (had) await device.load();
    row.said = (await device.call('open', { hurts, ...options }))?.code ?? '';
  }
  row.said ||= await (fault.happens ?? (() => device.sync()))(at);
  const { says } = fault;
  among(row.said, expected(says), 'the sync said');

  const usual = row.said === 'updated' ? 'next' : had ? 'old' : 'none';
  row.after = await who(at);
  among(row.after, expected(fault.after) ?? usual, 'after the fault, what answers:');

  await fault.over?.(at);
  await device.load();
  await device.call('open', options);
  row.reloaded = await who(at);
  among(row.reloaded, expected(fault.reloaded) ?? row.after, 'after a reload, what answers:');

  web.misbehave = undefined;
  // The short limits of the fault must not apply here.
  if (fault.options) {
    await device.load();
    await device.call('open');
  }
  row.healed = await device.sync();
  among(row.healed, row.reloaded === 'next' ? 'current' : 'updated', 'the host behaves, and the sync said');
  same(await who(at, true), 'next', 'the host behaves, what answers:');

  web.misbehave = refuse;
  await device.load();
  await device.call('open');
  same(await device.sync(), 'offline', 'without a host the sync said');
  same(await who(at, true), 'next', 'reloaded without a host, what answers:');
}

export function publish(web, { models }) {
  web.mounts['/models/'] = models;
}

/** Which release answers, compared to the last digit: `old`, `next` or `none`. */
export async function who({ device, releases, next }, stored = false) {
  const seen = await device.call('look', `/photos/${releases.photo}`);
  if (seen.error) {
    if (seen.error.code !== 'NO_MODEL' || !seen.error.typed || seen.state !== 'absent') {
      throw new Error(`no model answers, but ${seen.error.code} in the state ${seen.state}: ${seen.error.message}`);
    }
    return 'none';
  }
  const named = Object.entries({ old: releases.old, next }).find(([, { version }]) => version === seen.version);
  if (!named) throw new Error(`an unknown version answers: ${seen.version}`);
  const [name, { answer }] = named;
  if (JSON.stringify(seen.predictions) !== answer)
    throw new Error(`a mix answers as ${name}: ${JSON.stringify(seen.predictions)}`);
  if (stored && !seen.stored) throw new Error(`the model ${name} is not stored: ${seen.storedProblem}`);
  return name;
}

function same(found, wanted, what) {
  if (found !== wanted) throw new Error(`${what} ${found}, not ${wanted}`);
}

function among(found, wanted, what) {
  if (![wanted].flat().includes(found)) throw new Error(`${what} ${found}, not ${[wanted].flat().join(' or ')}`);
}
