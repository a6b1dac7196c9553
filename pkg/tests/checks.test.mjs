import assert from 'node:assert/strict';
import { test } from 'node:test';

import { source } from './source.mjs';

const { Checks } = await source('upkeep/checks');
const MINUTE = 60_000;
const EVERY = 30 * MINUTE;

/** A schedule of checks in an environment whose clock advances only when the test says so. */
function world({ random = 0.5, every = EVERY, reached = () => true, report = true } = {}) {
  const self = { now: 1e12, random, able: true, timers: new Set(), checks: 0, listeners: new Set() };
  const surroundings = {
    now: () => self.now,
    random: () => self.random,
    after(ms, call) {
      const timer = { at: self.now + ms, call };
      self.timers.add(timer);
      return () => self.timers.delete(timer);
    },
    mayCheck: () => self.able,
    onChange(call) {
      self.listeners.add(call);
      return () => self.listeners.delete(call);
    },
  };
  self.plan = new Checks(surroundings, every, async () => {
    self.checks += 1;
    await self.gate;
    if (report) self.plan.checked(reached());
  });
  /** Lets the time pass, timer by timer. */
  self.pass = async (ms) => {
    const end = self.now + ms;
    for (;;) {
      await new Promise(setImmediate);
      const [next] = [...self.timers].sort((a, b) => a.at - b.at);
      if (!next || next.at > end) break;
      self.timers.delete(next);
      self.now = Math.max(self.now, next.at);
      next.call();
    }
    self.now = end;
  };
  self.set = (able) => {
    self.able = able;
    for (const listener of self.listeners) listener();
  };
  return self;
}

test('checks at once, then once per interval', async () => {
  const at = world();
  at.plan.start();
  await at.pass(0);
  assert.equal(at.checks, 1);
  await at.pass(EVERY - 1);
  assert.equal(at.checks, 1);
  await at.pass(1);
  assert.equal(at.checks, 2);
  await at.pass(10 * EVERY);
  assert.equal(at.checks, 12);
});

test('the interval is random within a fifth', async () => {
  const due = [0, 0.25, 0.999].map((random) => {
    const at = world({ random });
    at.plan.checked(true);
    return (at.plan.nextAt - at.now) / EVERY;
  });
  assert.equal(due[0], 0.8);
  assert.equal(due[1], 0.9);
  assert.ok(due[2] > 1.19 && due[2] < 1.2);
});

test('devices that were started together do not stay in step', async () => {
  let seed = 7;
  const fleet = Array.from({ length: 200 }, () => world({ random: (seed = (seed * 16807) % 2147483647) / 2147483647 }));
  for (const at of fleet) at.plan.checked(true);
  const minutes = fleet.map((at) => Math.floor((at.plan.nextAt - at.now) / MINUTE));
  const busiest = Math.max(...Array.from({ length: 40 }, (_, minute) => minutes.filter((m) => m === minute).length));
  assert.ok(busiest < 40, `${busiest} of 200 in one minute`);
});

test('no check while hidden or offline; afterwards at once if one is due, otherwise when it becomes due', async () => {
  const at = world();
  at.plan.start();
  await at.pass(0);
  at.set(false);
  assert.equal(at.timers.size, 0, 'a timer runs in vain');
  await at.pass(3 * EVERY);
  assert.equal(at.checks, 1);
  at.set(true);
  await at.pass(0);
  assert.equal(at.checks, 2);

  await at.pass(MINUTE);
  at.set(false);
  await at.pass(MINUTE);
  at.set(true);
  await at.pass(EVERY - 2 * MINUTE - 1);
  assert.equal(at.checks, 2);
  await at.pass(1);
  assert.equal(at.checks, 3);
});

test('a page that was opened hidden checks once it is visible', async () => {
  const at = world();
  at.able = false;
  at.plan.start();
  await at.pass(EVERY);
  assert.equal(at.checks, 0);
  at.set(true);
  await at.pass(0);
  assert.equal(at.checks, 1);
});

test('a check that did not reach the host is retried sooner than after an interval, with a growing delay', async () => {
  const at = world({ reached: () => false });
  at.plan.start();
  await at.pass(0);
  const waits = [];
  for (let i = 0; i < 7; i += 1) {
    const wait = at.plan.nextAt - at.now;
    waits.push(wait / MINUTE);
    await at.pass(wait);
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 30, 30]);
});

test('a failed check is retried at once when the network is back', async () => {
  let reached = false;
  const at = world({ reached: () => reached });
  at.plan.start();
  await at.pass(10 * MINUTE);
  const before = at.checks;
  at.set(false);
  await at.pass(1000);
  reached = true;
  at.set(true);
  await at.pass(0);
  assert.equal(at.checks, before + 1);
  assert.equal(at.plan.nextAt - at.now, EVERY);
});

test('a check that the app made delays the next automatic one', async () => {
  const at = world();
  at.plan.start();
  await at.pass(20 * MINUTE);
  at.plan.checked(true);
  await at.pass(20 * MINUTE);
  assert.equal(at.checks, 1);
  await at.pass(10 * MINUTE);
  assert.equal(at.checks, 2);
});

test('two checks never run at the same time', async () => {
  const at = world();
  let open;
  at.gate = new Promise((resolve) => (open = resolve));
  at.plan.start();
  await at.pass(5 * EVERY);
  at.set(false);
  at.set(true);
  await at.pass(5 * EVERY);
  assert.equal(at.checks, 1);
  open();
  await at.pass(0);
  await at.pass(EVERY);
  assert.equal(at.checks, 2);
});

test('a check that does not report has failed, and is not retried at once', async () => {
  const at = world({ report: false });
  at.plan.start();
  await at.pass(0);
  assert.equal(at.checks, 1);
  await at.pass(MINUTE);
  assert.equal(at.checks, 2);
  await at.pass(MINUTE);
  assert.equal(at.checks, 2);
});

test('when the clock is set back, the next check comes within the longest interval', async () => {
  const at = world();
  at.plan.start();
  await at.pass(0);
  at.now -= 365 * 24 * 60 * MINUTE;
  // Running timers count elapsed time, which setting the clock does not change.
  for (const timer of at.timers) timer.at = at.now + MINUTE;
  await at.pass(1.2 * EVERY + MINUTE);
  assert.ok(at.checks >= 2);
});

test('when the clock is set forward, or after sleep, a due check comes within a minute', async () => {
  const at = world();
  at.plan.start();
  await at.pass(0);
  const late = [...at.timers].map(({ at: due }) => due - at.now);
  assert.ok(Math.max(...late) <= MINUTE);
  at.now += 10 * EVERY;
  await at.pass(MINUTE);
  assert.equal(at.checks, 2);
});

test('a paused schedule plans nothing until the next check; a stopped one ignores all events', async () => {
  const at = world();
  at.plan.start();
  await at.pass(0);
  at.plan.pause();
  assert.equal(at.plan.nextAt, null);
  await at.pass(3 * EVERY);
  at.set(true);
  await at.pass(3 * EVERY);
  assert.equal(at.checks, 1);
  at.plan.checked(true);
  await at.pass(EVERY);
  assert.equal(at.checks, 2);
  at.plan.stop();
  assert.equal(at.listeners.size, 0);
  await at.pass(3 * EVERY);
  assert.equal(at.checks, 2);
});
