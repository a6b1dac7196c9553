// The releases that the matrix publishes, and what each of them answers.
import assert from 'node:assert/strict';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { EASY, jicho } from '../harness/companion.mjs';
import { Device } from '../harness/device.mjs';
import { answers, clearest } from '../harness/shop.mjs';

/** How far a probability may differ from the companion's because another decoder reads the photo. */
const DECODED = 0.1;

/**
 * Three releases of one channel that know the same products, so that a mix of them could answer: `old`; `next`, of which
 * every file is another; and `bare`, which follows `old` and has no plan. `sibling` differs from `next` in its head alone. And
 * a photo.
 */
export async function makeReleases(folder) {
  const at = (name) => join(folder, name);
  const samples = (name, seed) =>
    jicho('samples', at(name), '--seed', `${seed}`, '--photos', '8', '--products', '4', '--size', '320');
  await Promise.all([samples('photos', 1), samples('others', 5), samples('unseen', 2)]);

  await jicho('train', at('photos'), '--channel', 'T_1', ...EASY, '--out', at('old'));
  cpSync(at('old'), at('next'), { recursive: true });
  cpSync(at('old'), at('bare'), { recursive: true });
  // Another input size makes it another network.
  const train = (photos, out, ...more) =>
    jicho('train', at(photos), '--channel', 'T_1', ...EASY, '--out', at(out), '--size', '96', ...more);
  await train('photos', 'next');
  const sibling = read(at('next'));
  await train('others', 'next');
  await train('others', 'bare', '--plan', 'none');

  const releases = { old: read(at('old')), sibling, next: read(at('next')), bare: read(at('bare')) };
  assert.deepEqual(releases.next.labels, releases.old.labels);
  for (const role of ['plan', 'space', 'head'])
    assert.notEqual(releases.next.file(role).sha256, releases.old.file(role).sha256);

  const { photos } = await clearest(folder, join(at('old'), 'T_1'), at('unseen'));
  return { folder: at('unseen'), photo: photos[0].slice(at('unseen').length + 1), ...releases };
}

function read(models) {
  const metadata = JSON.parse(readFileSync(join(models, 'T_1/latest/metadata.json'), 'utf8'));
  return { models, ...metadata, file: (wanted) => metadata.files.find(({ role }) => role === wanted) };
}

/** Has each release answer on a device that knows no other one, and compares with the companion's answer. */
export async function askReleases(releases, browser, web) {
  for (const name of ['old', 'next', 'bare']) {
    const release = releases[name];
    web.mounts['/models/'] = release.models;
    const device = await Device.start(browser, web);
    await device.call('open');
    assert.equal(await device.sync(), 'updated');
    const { predictions } = await device.call('look', `/photos/${releases.photo}`);
    await device.close();
    const theirs = (await answers(releases.folder, join(release.models, 'T_1'), releases.folder)).get(releases.photo);
    assert.equal(predictions[0].label, theirs.predictions[0].label);
    assert.ok(Math.abs(predictions[0].confidence - theirs.predictions[0].confidence) < DECODED);
    release.answer = JSON.stringify(predictions);
  }
  assert.notEqual(releases.old.answer, releases.next.answer, 'a mix of the two could not be told');
  assert.notEqual(releases.old.answer, releases.bare.answer);
}
