// The rows of the matrix. A case has
// - `name`; `release`: which one is published, `next` unless told;
// - `misbehave(at)`: how the host answers meanwhile; `hurts`, `options`: how the browser is, how the channel is opened;
// - `arrange(at)`: what happens before; `happens(at)`: what happens, a sync unless told; `over(at)`: what ends it, before the
//   device is started anew;
// - `says`: what the sync must say; `after` and `reloaded`: what must answer then and after a reload. Each one word, several
//   that are right, or `{ had, never }`. Unless told, the new release answers where the sync says so, and else what answered
//   before.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { accidents } from './accidents.mjs';
import * as answer from './server.mjs';

const TENTHS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const PATIENCE = { stallSeconds: 1 };
/** The codes for a file that cannot be downloaded, and for metadata.json. */
const LOST = { metadata: 'offline', file: 'NETWORK' };

/** What a host can do to any file. */
const ANY = [
  { name: '404', says: { metadata: 'absent', file: 'HTTP_STATUS' }, answer: answer.status(404) },
  { name: '500', says: 'HTTP_STATUS', answer: answer.status(500) },
  { name: 'an HTML page', says: { metadata: 'INVALID_MANIFEST', file: 'SIZE_MISMATCH' }, answer: answer.page },
  ...TENTHS.map((n) => ({ name: `cut off at ${10 * n} %`, says: LOST, answer: answer.cut(n / 10) })),
  ...TENTHS.map((n) => ({
    name: `${10 * n} % of it, told as the whole`,
    says: { metadata: 'INVALID_MANIFEST', file: 'SIZE_MISMATCH' },
    answer: answer.short(n / 10),
  })),
  {
    name: 'a length that is too small',
    says: { metadata: 'INVALID_MANIFEST', file: 'SIZE_MISMATCH' },
    answer: answer.misnumbered((length) => length - 100),
  },
  {
    name: 'a length that is too large',
    // When a body breaks off, the browser drops what the page has not read yet, perhaps all of it.
    says: { metadata: 'offline', file: ['updated', 'NETWORK'] },
    answer: answer.misnumbered((length) => length + 100),
  },
  { name: 'two lengths', says: LOST, answer: answer.twice },
  { name: 'stalled before its answer', says: LOST, options: PATIENCE, answer: answer.stalled() },
  { name: 'stalled half-way', says: LOST, options: PATIENCE, answer: answer.stalled(0.5) },
  { name: 'reset before its answer', says: LOST, answer: answer.reset() },
  { name: 'reset half-way', says: LOST, answer: answer.reset(0.5) },
  { name: '1 KB a second, then the caller aborts', says: 'ABORTED', answer: answer.slow, happens: abortWhenSlow },
  {
    name: 'redirected to another origin',
    says: { metadata: 'HTTP_STATUS', file: 'updated' },
    answer: answer.redirected('right'),
  },
  {
    name: 'redirected to another origin, which forbids it',
    says: LOST,
    answer: answer.redirected('closed'),
  },
];

/** What a host can do to a blob, which its hash reveals. */
const BLOB = [
  { name: 'its first bit flipped', says: 'HASH_MISMATCH', answer: answer.flipped(() => 0) },
  { name: 'a bit in its middle flipped', says: 'HASH_MISMATCH', answer: answer.flipped((bytes) => bytes.length >> 1) },
  { name: 'its last bit flipped', says: 'HASH_MISMATCH', answer: answer.flipped((bytes) => bytes.length - 1) },
  {
    name: 'redirected to another origin, which has other bytes',
    says: 'HASH_MISMATCH',
    answer: answer.redirected('wrong'),
  },
  { name: 'the file twice', says: 'SIZE_MISMATCH', answer: answer.changed((bytes) => Buffer.concat([bytes, bytes])) },
  { name: 'the old file in its place', says: ['HASH_MISMATCH', 'SIZE_MISMATCH'], answer: answer.changed(oldFile) },
  {
    name: 'half the old file, then the new one',
    says: 'HASH_MISMATCH',
    answer: answer.changed((bytes, at) =>
      Buffer.concat([oldFile(bytes, at).subarray(0, bytes.length / 2), bytes.subarray(bytes.length / 2)]),
    ),
  },
  {
    name: 'half the old file, then cut off; the rest from the new one',
    says: 'updated',
    answer: (response, bytes, request, at) => {
      const first = !at.resumed;
      at.resumed = true;
      const file = first ? Buffer.concat([oldFile(bytes, at), bytes]).subarray(0, bytes.length) : bytes;
      answer.cut(first ? 0.5 : 1)(response, file, request);
    },
  },
];

/** What a host can do to metadata.json, which no hash protects. */
const METADATA = [
  { name: 'its first bit flipped', says: 'INVALID_MANIFEST', answer: answer.flipped(() => 0) },
  {
    name: 'a bit of the hash of the head flipped',
    says: ['INVALID_MANIFEST', 'HASH_MISMATCH'],
    answer: answer.changed((bytes, { next }) => {
      const { sha256 } = next.file('head');
      return Buffer.from(
        bytes.toString().replaceAll(`"${sha256}"`, `"${sha256[0] === '0' ? '1' : '0'}${sha256.slice(1)}"`),
      );
    }),
  },
  { name: 'a newer schema', says: 'SCHEMA_TOO_NEW', answer: edited((metadata) => (metadata.schema = 999)) },
  {
    name: 'a newer runtime',
    says: 'RUNTIME_TOO_OLD',
    answer: edited((metadata) => (metadata.minimumRuntime = '999.0.0')),
  },
  { name: 'another channel', says: 'INVALID_MANIFEST', answer: edited((metadata) => (metadata.channelId = 'T_9')) },
  {
    name: 'a path that leaves the folder',
    says: 'INVALID_MANIFEST',
    answer: edited(({ files }) => (files[0].url = '../../secret.onnx')),
  },
  {
    name: 'another golden vector',
    says: 'GOLDEN_MISMATCH',
    answer: edited((metadata) => (metadata.golden.outputs[0] += 1)),
  },
  {
    name: 'the new one, but the head of a sibling',
    says: 'GOLDEN_MISMATCH',
    answer: mixed('head', 'sibling'),
  },
  { name: 'the new one, but the head of the old', says: 'GOLDEN_MISMATCH', answer: mixed('head', 'old') },
  {
    name: 'the new one, but the space of the old',
    says: ['INVALID_MODEL', 'GOLDEN_MISMATCH'],
    answer: mixed('space', 'old'),
  },
  { name: 'the new one, but the plan of the old', says: 'INVALID_MODEL', answer: mixed('plan', 'old') },
  {
    name: 'the old one again, from a cache',
    says: { had: 'current', never: 'updated' },
    after: 'old',
    answer: answer.changed((_, { releases }) => readFileSync(`${releases.old.models}/T_1/latest/metadata.json`)),
  },
];

/** A plan that was damaged before it was published, with a matching hash: only the parser can notice. */
const PLAN = [
  ['with another byte', (bytes) => ((bytes[bytes.length >> 1] ^= 1), bytes)],
  ['of another version than it tells', (bytes) => ((bytes[8] += 1), bytes)],
  ['cut in half', (bytes) => bytes.subarray(0, bytes.length / 2)],
].map(([name, change]) => ({
  name: `plan: published ${name}`,
  says: 'INVALID_MODEL',
  misbehave: ({ next }) => {
    const published = next.file('plan');
    const bytes = change(readFileSync(`${next.models}/${published.url}`));
    const metadata = JSON.parse(readFileSync(`${next.models}/T_1/latest/metadata.json`));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const url = `blobs/${sha256}.plan`;
    Object.assign(
      metadata.files.find(({ role }) => role === 'plan'),
      { url, sha256, bytes: bytes.length },
    );
    const answers = { '/models/T_1/latest/metadata.json': JSON.stringify(metadata), [`/models/${url}`]: bytes };
    return (path, response) => path in answers && Boolean(response.end(answers[path]));
  },
}));

function oldFile(_bytes, { releases, role }) {
  return readFileSync(`${releases.old.models}/${releases.old.file(role).url}`);
}

function edited(edit) {
  return answer.changed((bytes, at) => {
    const metadata = JSON.parse(bytes);
    edit(metadata, at);
    return Buffer.from(JSON.stringify(metadata));
  });
}

function mixed(role, from) {
  return edited(({ files }, { releases }) =>
    Object.assign(
      files.find((file) => file.role === role),
      releases[from].file(role),
    ),
  );
}

async function abortWhenSlow({ device, heard }) {
  const begun = heard('slow');
  const said = device.sync();
  await begun;
  await device.call('abort');
  return said;
}

/** A fault of one file of a release. */
function ofFile(role, release, { name, says, answer, ...rest }) {
  const kind = role === 'metadata' ? 'metadata' : 'file';
  return {
    name: `${release === 'bare' ? 'without a plan, ' : ''}${role}: ${name}`,
    release,
    says: says[kind] ?? says,
    misbehave: (at) => {
      const where = { ...at, role };
      const path = `/models/${role === 'metadata' ? 'T_1/latest/metadata.json' : at.next.file(role).url}`;
      const bytes = readFileSync(`${at.next.models}/${path.slice('/models/'.length)}`);
      return (asked, response, request) => asked === path && (answer(response, bytes, request, where), true);
    },
    ...rest,
  };
}

const BARE = [
  '404',
  'an HTML page',
  'cut off at 50 %',
  '50 % of it, told as the whole',
  'a bit in its middle flipped',
  'reset half-way',
];

/** All cases. Each is run on a device that had a model and on one that never had one. */
export const cases = [
  ...[...ANY, ...METADATA].map((fault) => ofFile('metadata', 'next', fault)),
  ...['plan', 'space', 'head'].flatMap((role) => [...ANY, ...BLOB].map((fault) => ofFile(role, 'next', fault))),
  ...[...ANY, ...BLOB].filter(({ name }) => BARE.includes(name)).map((fault) => ofFile('backbone', 'bare', fault)),
  ...PLAN,
  ...accidents,
];
