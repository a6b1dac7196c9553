// What can happen to a device, as rows of the matrix (`cases.mjs`).
import { readFileSync } from 'node:fs';

import { held, refuse } from './server.mjs';

/** Holds a download when half of the file has come. */
const holding = (role) => (at) => {
  const path = `/models/${at.next.file(role).url}`;
  const bytes = readFileSync(`${at.next.models}/${at.next.file(role).url}`);
  return (asked, response, request) => asked === path && (held(response, bytes, request, at), true);
};

/** Starts a sync, waits for `event`, and then does `then` to the device. */
async function until(at, event, then) {
  const begun = at.heard(event);
  const ended = at.device.sync().then(
    (said) => Promise.reject(new Error(`the sync said ${said} before anything happened`)),
    // The page is gone.
    () => undefined,
  );
  await Promise.race([begun, ended]);
  await then(at.device);
  await ended.catch(() => undefined);
  await at.device.load();
  const error = await at.device.call('open');
  return error?.code ?? 'gone';
}

/** A request that the browser was made to hold is never answered. */
const heldTransaction = (at) => (path) => path.startsWith('/hold/') && Boolean(at.events.emit('held') || true);

const closed = (device) => device.page.close();
const crashed = (device) => device.crash();

const killed = ['plan', 'head'].flatMap((role) =>
  [
    ['its tab is closed', closed],
    ['its process dies', crashed],
  ].map(([how, end]) => ({
    name: `${how} while the ${role} comes`,
    says: 'gone',
    misbehave: holding(role),
    happens: (at) => until(at, 'held', end),
  })),
);

const killedInTransaction = [
  ['at the first file', 'hold-first-put'],
  ['at the release', 'hold-release-put'],
  ['before the commit', 'hold-before-commit'],
].flatMap(([where, hold]) =>
  [
    ['its tab is closed', closed],
    ['its process dies', crashed],
  ].map(([how, end]) => ({
    name: `${how} in the transaction, ${where}`,
    hurts: [hold],
    says: 'gone',
    misbehave: heldTransaction,
    happens: (at) => until(at, 'held', end),
  })),
);

/** Milliseconds for which Chromium relies on the free space that it measured at the last write: half a minute. */
const REMEMBERED = 33_000;

/** Until `roomy`: the browser forgets it with the page that said so, so this takes one of its own. */
async function quota(at, quotaSize) {
  const { page } = (at.keeper = await at.device.tab());
  const session = await at.device.context.newCDPSession(page);
  await session.send('Storage.overrideQuotaForOrigin', { origin: at.web.url, quotaSize });
  if (at.had) await new Promise((resolve) => setTimeout(resolve, REMEMBERED));
}

const roomy = ({ keeper }) => keeper.page.close();

async function usage({ device, web }) {
  const session = await device.cdp();
  const told = await session.send('Storage.getUsageAndQuota', { origin: web.url });
  await session.detach();
  return told.usage;
}

/** The model runs from memory, and the app is told so. */
async function fromMemory({ device }) {
  const { value, error } = await device.call('sync');
  if (error) return error.code;
  const { stored, storedProblem } = value.model;
  if (stored || !storedProblem)
    throw new Error(`the app is not told that the model is not kept: ${stored}, ${storedProblem}`);
  return value.outcome;
}

const MEMORY = { after: 'next', reloaded: { had: 'old', never: 'none' } };

const full = [
  {
    name: 'the device is full',
    says: 'updated',
    ...MEMORY,
    arrange: (at) => quota(at, 1),
    happens: fromMemory,
    over: roomy,
  },
  {
    name: 'the device has room for a part of it',
    says: 'updated',
    ...MEMORY,
    arrange: async (at) => quota(at, (await usage(at)) + 10_000),
    happens: fromMemory,
    over: roomy,
  },
  {
    name: 'the transaction is aborted while it is written',
    hurts: ['full-on-write'],
    says: 'updated',
    ...MEMORY,
    happens: fromMemory,
  },
];

/** What a browser does that is short of space. */
async function evict({ device, web }) {
  const session = await device.cdp();
  await session.send('Storage.clearDataForOrigin', { origin: web.url, storageTypes: 'indexeddb' });
  await session.detach();
}

/** What another tab can do, or the user with the developer tools. */
async function deleteDatabase({ device }) {
  const tab = await device.tab();
  await tab.store('deleteDatabase');
  await tab.page.close();
}

/** Does something while the head is being downloaded, and then lets the download finish. */
const duringDownload = (what) => ({
  misbehave: (at) => (path, response) => {
    if (path !== `/models/${at.next.file('head').url}`) return false;
    const bytes = readFileSync(`${at.next.models}/${at.next.file('head').url}`);
    response.writeHead(200, { 'Content-Length': bytes.length });
    response.write(bytes.subarray(0, 100), () => at.events.emit('held', () => response.end(bytes.subarray(100))));
    return true;
  },
  happens: async (at) => {
    const begun = at.heard('held');
    const said = at.device.sync();
    const [goOn] = await begun;
    await what(at);
    goOn();
    return said;
  },
});

/** Syncs, deletes everything, and syncs again: the second sync notices and stores the model again. */
const afterDownload = (what) => async (at) => {
  await at.device.sync();
  await what(at);
  return at.device.sync();
};

const deleted = [
  ['the browser evicts the database', evict],
  ['another tab deletes the database', deleteDatabase],
].flatMap(([name, what]) => [
  // What answered is in memory still; where it was stored, nothing is.
  {
    name: `${name}, and the host cannot be reached`,
    says: { had: 'offline', never: 'offline' },
    misbehave: () => refuse,
    happens: async (at) => {
      await what(at);
      return at.device.sync();
    },
    reloaded: 'none',
  },
  { name: `${name} while the head comes`, says: 'updated', ...duringDownload(what) },
  { name: `${name} after an update`, says: 'current', after: 'next', happens: afterDownload(what) },
]);

const DAMAGES = [
  'a stored file has another byte',
  'a stored file is gone',
  'the stored release is gone',
  'the stored release is rubbish',
  'the stored metadata is cut off',
];

const damaged = DAMAGES.flatMap((name) => {
  const arrange = async ({ device }) => {
    await device.load();
    await device.store('damage', name);
  };
  return [
    { name, says: 'updated', arrange },
    {
      name: `${name}, and the host cannot be reached`,
      says: 'offline',
      arrange,
      misbehave: () => refuse,
      after: 'none',
    },
  ];
});

const lacking = [
  { name: 'no IndexedDB', hurts: ['no-database'] },
  { name: 'IndexedDB is forbidden', hurts: ['database-forbidden'] },
  { name: 'IndexedDB cannot be opened', hurts: ['database-fails'] },
  { name: 'the connection to IndexedDB is lost for good', hurts: ['connection-lost'] },
].map((fault) => ({ ...fault, says: 'updated', ...MEMORY, happens: fromMemory }));

const withoutHost = [
  { name: 'no IndexedDB, and the host cannot be reached', hurts: ['no-database'], after: 'none' },
  { name: 'IndexedDB cannot be opened, and the host cannot be reached', hurts: ['database-fails'], after: 'none' },
].map((fault) => ({ ...fault, says: 'offline', misbehave: () => refuse, reloaded: { had: 'old', never: 'none' } }));

const odd = [
  { name: 'the connection to IndexedDB is lost once', hurts: ['connection-lost-once'], says: 'updated' },
  { name: 'the clock is set back to 1999', hurts: ['clock-of-1999'], says: 'updated' },
  { name: 'the clock runs backwards', hurts: ['clock-runs-backwards'], says: 'updated' },
];

/** Two tabs with the same model: one syncs, or both do, and both must switch to the new model. */
const tabs = [
  { name: 'all is there', hurts: [], once: true },
  { name: 'without Web Locks', hurts: ['no-locks'] },
  { name: 'without BroadcastChannel', hurts: ['no-broadcast'], both: true, once: true },
  { name: 'without either', hurts: ['no-locks', 'no-broadcast'], both: true },
].flatMap(({ name, hurts, once, both }) => [
  {
    name: `two tabs at once, ${name}`,
    hurts,
    says: 'updated',
    happens: (at) =>
      inTwoTabs(at, hurts, once, async (first, second) =>
        (await Promise.all([first.sync(), second.sync()])).sort().at(-1),
      ),
  },
  ...(both
    ? []
    : [
        {
          name: `one of two tabs syncs, ${name}`,
          hurts,
          says: 'updated',
          happens: (at) => inTwoTabs(at, hurts, once, (first) => first.sync()),
        },
      ]),
]);

async function inTwoTabs(at, hurts, once, sync) {
  const { device, web, next } = at;
  const second = await device.tab();
  await second.call('open', { hurts });
  web.exchanges.length = 0;
  const said = await sync(device, second);
  await second.call('becomes', next.version);
  await device.call('becomes', next.version);
  const heads = web.exchanges.filter(({ path }) => path.endsWith(next.file('head').url)).length;
  if (heads !== 1 && once) throw new Error(`the head is downloaded ${heads} times`);
  at.seconds = await second.call('look', `/photos/${at.releases.photo}`);
  if (JSON.stringify(at.seconds.predictions) !== next.answer)
    throw new Error('the second tab does not answer as the new release');
  await second.page.close();
  return said;
}

export const accidents = [
  ...killed,
  ...killedInTransaction,
  ...full,
  ...deleted,
  ...damaged,
  ...lacking,
  ...withoutHost,
  ...odd,
  ...tabs,
];
