// Files that say what their colours mean: the companion and the browser take them for the same.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { launchBrowser, PATIENCE } from './harness/browser.mjs';
import { CHUNKS, inSpace, png, tagged } from './harness/colour.mjs';
import { EASY, jicho } from './harness/companion.mjs';
import { host } from './harness/host.mjs';
import { answers, photosOf, shop, temporary } from './harness/shop.mjs';

/** How each file says it: the space its samples are in, bits a sample, and the chunks that tell of it. */
const PNGS = [
  ['p3', 8, 'iCCP'],
  ['p3', 16, 'iCCP'],
  ['adobe', 8, 'iCCP'],
  ['adobe', 16, 'iCCP'],
  ['adobe', 8, 'gAMA and cHRM'],
  ['srgb', 8, 'iCCP'],
  ['srgb', 8, 'sRGB'],
  ['srgb', 16, 'nothing'],
  ['srgb', 8, 'gAMA alone'],
];
/** One of the shop's products, as a JPEG of RGB and one of CMYK without a profile. */
const INKS = { fixtures: fileURLToPath(new URL('fixtures/', import.meta.url)), product: 'honey-jar' };
/** Levels of 255 that the browser's pixels may be off on average, where the colours lie within both spaces. */
const CLOSE = 1.5;
/** How far a probability may move. */
const MOVED = 0.1;

const folder = temporary(after);
let web;
let browser;

before(async () => {
  web = await host({});
  browser = await launchBrowser();
});
after(() => Promise.all([browser?.close(), web?.close()]));

describe('colours', { timeout: 20 * PATIENCE }, () => {
  test('mean the same to the companion and to the browser', async (t) => {
    const { all, unseen } = await shop(folder, { products: 6, unseen: 1 });
    const models = join(folder, 'models');
    await jicho('train', all, '--channel', 'T_1', ...EASY, '--out', models);
    const files = join(folder, 'files');
    Object.assign(web.mounts, { '/models/': models, '/photos/': files, '/unseen/': unseen, '/inks/': INKS.fixtures });
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(PATIENCE);
    await page.goto(`${web.url}/pages/index.html`);
    await page.evaluate(async () => {
      const { Jicho } = await import('/pkg/dist/index.js');
      globalThis.eye = await Jicho.open({ channel: 'T_1', models: '/models/' });
      await globalThis.eye.sync();
      globalThis.see = async (url) => {
        const blob = await (await fetch(url)).blob();
        const bitmap = await createImageBitmap(blob);
        const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
        const context = canvas.getContext('2d', { willReadFrequently: true });
        context.drawImage(bitmap, 0, 0);
        const { data, width, height } = context.getImageData(0, 0, bitmap.width, bitmap.height);
        const url64 = await new Promise((resolve) => {
          const file = new FileReader();
          file.onload = () => resolve(file.result);
          file.readAsDataURL(new Blob([data]));
        });
        const { predictions } = await globalThis.eye.recognize(blob);
        return { pixels: url64.slice(url64.indexOf(',') + 1), width, height, predictions };
      };
    });
    const see = async (url) => {
      const seen = await page.evaluate((url) => globalThis.see(url), url);
      return { ...seen, pixels: Buffer.from(seen.pixels, 'base64') };
    };

    const originals = new Map();
    for (const product of new Set(photosOf(unseen, '.').map((path) => basename(path)))) {
      const [photo] = photosOf(unseen, product);
      const seen = await see(`/unseen/${product}/${basename(photo)}`);
      mkdirSync(join(files, product), { recursive: true });
      const write = (name, bytes) => {
        originals.set(`${product}/${name}`, { seen, name });
        writeFileSync(join(files, product, name), bytes);
      };
      for (const [space, bits, told] of PNGS) {
        const samples = inSpace(seen.pixels, space, 2 ** bits - 1);
        const name = `${space} ${bits} ${told}.png`;
        write(name, png(samples, seen.width, seen.height, bits, CHUNKS[told](space)));
      }
      for (const space of ['p3', 'adobe', 'srgb']) write(`${space}.jpg`, tagged(readFileSync(photo), space));
    }

    // Inks, as print shops send them, beside the same picture in RGB.
    const { fixtures, product: printed } = INKS;
    const inks = { seen: await see(`/inks/${printed}-rgb.jpg`), name: 'CMYK.jpg' };
    originals.set(`${printed}/CMYK.jpg`, inks);
    copyFileSync(join(fixtures, `${printed}-cmyk.jpg`), join(files, printed, 'CMYK.jpg'));

    const theirs = await answers(folder, join(models, 'T_1'), files);
    assert.equal(theirs.size, originals.size);
    const differences = new Map();
    let furthest = 0;
    for (const [image, { seen: original, name }] of originals) {
      const url = `/photos/${dirname(image)}/${encodeURIComponent(basename(image))}`;
      const seen = await see(url);
      const [first] = theirs.get(image).predictions;
      assert.equal(seen.predictions[0].label, first.label, image);
      furthest = Math.max(furthest, Math.abs(seen.predictions[0].confidence - first.confidence));
      const off = seen.pixels.reduce((sum, v, at) => sum + Math.abs(v - original.pixels[at]), 0) / seen.pixels.length;
      differences.set(name, [...(differences.get(name) ?? []), off]);
    }
    for (const [name, values] of differences) {
      const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
      t.diagnostic(`${name}: the browser's pixels are ${mean.toFixed(2)} of 255 from the original's`);
      if (name.endsWith('.png')) assert.ok(mean <= CLOSE, `${name}: ${mean}`);
    }
    t.diagnostic(
      `${theirs.size} files: the same product on all, probabilities differ by at most ${furthest.toFixed(3)}`,
    );
    assert.ok(furthest <= MOVED);
  });
});
