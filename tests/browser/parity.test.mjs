// The browser answers as the companion does: on the same files nearly, and on the same pixels to the digit.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { launchBrowser, PATIENCE } from './harness/browser.mjs';
import { jicho } from './harness/companion.mjs';
import { host } from './harness/host.mjs';
import { internals } from './harness/internals.mjs';
import { turned } from './harness/jpeg.mjs';
import { pngOfRgba } from './harness/png.mjs';
import { answers, shop, temporary } from './harness/shop.mjs';

/** How far two probabilities may differ for the same pixels. */
const SAME = 1e-3;
/**
 * Plans that compute with `f32` alone. With bytes, a value that lies between two of them falls to one or the other by the
 * last bit of what came before, which differs between processors; that the bytes' own sums do not, tests/engine.rs shows.
 */
const HALVES = ['--plan', 'f16'];
/** The share of files on which both must name the same product: two JPEG decoders round differently. */
const AGREE = 0.99;
/** How far a probability may differ because another decoder reads the file. */
const DECODED = 0.1;
/** How many classes of real photos are compared. */
const CLASSES = 47;

/** Folders of data that the repository does not hold: the Grocery Store Dataset, and downloaded networks. */
const { GROCERY, BACKBONES } = process.env;

const folder = temporary(after);
const own = internals(after, 'capture/frame-reader');
let web;
let browser;

before(async () => {
  web = await host({ '/internals/': own });
  browser = await launchBrowser();
});
after(() => Promise.all([browser?.close(), web?.close()]));

/** The browser's answer to each photo, and its pixels of the first photo of each product. */
async function browse(models, photos, images) {
  Object.assign(web.mounts, { '/models/': models, '/photos/': photos });
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  await page.goto(`${web.url}/pages/index.html`);
  await page.evaluate(async () => {
    const { Jicho } = await import('/pkg/dist/index.js');
    const { FrameReader } = await import('/internals/frame-reader.js');
    globalThis.eye = await Jicho.open({ channel: 'T_1', models: '/models/' });
    globalThis.reader = new FrameReader();
    await globalThis.eye.sync();
  });
  const seen = new Map();
  const products = new Set();
  for (const image of images) {
    const product = basename(dirname(image));
    seen.set(
      image,
      await page.evaluate(
        async ([image, isFirst]) => {
          const blob = await (await fetch(`/photos/${image.split('/').map(encodeURIComponent).join('/')}`)).blob();
          const { predictions, decision, width, height } = await globalThis.eye.recognize(blob);
          const answer = { predictions, decision, width, height };
          if (!isFirst) return answer;
          const {
            rgba,
            width: columns,
            height: rows,
          } = await globalThis.reader.read({ kind: 'blob', blob, side: 512 });
          const url = await new Promise((resolve) => {
            const file = new FileReader();
            file.onload = () => resolve(file.result);
            file.readAsDataURL(new Blob([rgba]));
          });
          return { ...answer, pixels: url.slice(url.indexOf(',') + 1), columns, rows };
        },
        [image, !products.has(product)],
      ),
    );
    products.add(product);
  }
  await context.close();
  return seen;
}

/** Compares the browser with the companion on every photo, and on the same pixels of some. */
async function compare(t, name, models, photos) {
  const channel = join(models, 'T_1');
  const work = join(folder, `${name}-answers`);
  mkdirSync(work);
  const theirs = await answers(work, channel, photos);
  const ours = await browse(models, photos, theirs.keys());
  assert.ok(theirs.size > 0);

  let agreed = 0;
  const gaps = [];
  for (const [
    image,
    {
      predictions: [first],
    },
  ] of theirs) {
    const mine = ours.get(image).predictions;
    if (mine[0].label === first.label) agreed += 1;
    gaps.push(Math.abs(mine.find(({ label }) => label === first.label).confidence - first.confidence));
  }
  const gap = Math.max(...gaps);
  t.diagnostic(
    `${name}: the same product on ${agreed} of ${theirs.size} files, probabilities differ by at most ${gap.toFixed(3)}`,
  );
  assert.ok(agreed >= AGREE * theirs.size, `only ${agreed} of ${theirs.size} agree`);
  assert.ok(gap <= DECODED, `probabilities differ by ${gap}`);

  const decoded = join(work, 'decoded');
  for (const [image, { pixels, columns, rows }] of ours) {
    if (!pixels) continue;
    const to = join(decoded, dirname(image));
    mkdirSync(to, { recursive: true });
    const png = pngOfRgba(Buffer.from(pixels, 'base64'), columns, rows);
    writeFileSync(join(to, basename(image).replace(/\.\w+$/, '.png')), png);
  }
  let furthest = 0;
  let compared = 0;
  for (const [image, { predictions }] of await answers(work, channel, decoded)) {
    const [, mine] = [...ours].find(([path, { pixels }]) => pixels && path.replace(/\.\w+$/, '.png') === image);
    const probability = new Map(mine.predictions.map(({ label, confidence }) => [label, confidence]));
    for (const { label, confidence } of predictions) {
      furthest = Math.max(furthest, Math.abs(confidence - probability.get(label)));
      compared += 1;
    }
  }
  t.diagnostic(`${name}: on the same pixels ${compared} probabilities differ by at most ${furthest.toExponential(1)}`);
  assert.ok(compared > 0);
  assert.ok(furthest <= SAME, `probabilities differ by ${furthest}`);
  return ours;
}

describe('the browser answers as the companion does', { timeout: 20 * PATIENCE }, () => {
  test('on the made-up shop', async (t) => {
    const { all, unseen } = await shop(folder, { products: 12, unseen: 6 });
    const models = join(folder, 'shop-models');
    await jicho('train', all, '--channel', 'T_1', '--out', models, ...HALVES);
    await compare(t, 'shop', models, unseen);
  });

  test('on large photos, which the browser reduces before it recognises them', async (t) => {
    const { all } = await shop(join(folder, 'large'), { products: 4, unseen: 1 });
    const models = join(folder, 'large-models');
    await jicho('train', all, '--channel', 'T_1', '--out', models);
    const photos = join(folder, 'large-photos');
    await jicho('samples', photos, '--seed', '2', '--photos', '3', '--products', '4', '--size', '2100');
    const seen = await compare(t, 'large', models, photos);
    for (const { width, height, columns, rows } of seen.values()) {
      assert.deepEqual([width, height], [2100, 2100]);
      if (columns) assert.deepEqual([columns, rows], [525, 525]);
    }
  });

  test('on photos that are turned by their EXIF', async (t) => {
    const { all, unseen } = await shop(join(folder, 'exif'), { products: 4, unseen: 2 });
    const models = join(folder, 'exif-models');
    await jicho('train', all, '--channel', 'T_1', '--out', models);
    const photos = join(folder, 'turned');
    cpSync(unseen, photos, { recursive: true });
    let orientation = 0;
    for (const product of readdirSync(photos)) {
      for (const name of readdirSync(join(photos, product))) {
        const path = join(photos, product, name);
        writeFileSync(path, turned(readFileSync(path), (orientation++ % 8) + 1));
      }
    }
    assert.equal(orientation, 8);
    const seen = await compare(t, 'turned', models, photos);
    const upright = await browse(models, unseen, seen.keys());
    const confidence = (from, image) => from.get(image).predictions[0].confidence;
    const turns = [...seen.keys()].map((image) => Math.abs(confidence(seen, image) - confidence(upright, image)));
    assert.ok(Math.max(...turns) > 0.01, 'turning changes nothing, so this test would see nothing');
  });

  const backbone = join(BACKBONES ?? '', 'mobilenet_v1_0.25_128.onnx');
  const unset = Object.entries({ GROCERY, BACKBONES }).find(([, path]) => !path);
  const skip = unset ? `${unset[0]} is not set: it names a folder of data that the repository does not hold` : false;
  test(`on real photos of ${CLASSES} classes`, { skip }, async (t) => {
    const photos = (part) => join(folder, `grocery-${part}`);
    const classes = new Set(
      leaves(join(GROCERY, 'val'))
        .map((path) => basename(path))
        .sort()
        .slice(0, CLASSES),
    );
    assert.equal(classes.size, CLASSES);
    for (const part of ['train', 'val']) {
      for (const path of leaves(join(GROCERY, part))) {
        if (classes.has(basename(path))) cpSync(path, join(photos(part), basename(path)), { recursive: true });
      }
    }
    const models = join(folder, 'grocery-models');
    await jicho('train', photos('train'), '--channel', 'T_1', '--out', models, '--backbone', backbone, ...HALVES);
    const seen = await compare(t, 'grocery', models, photos('val'));
    const right = [...seen].filter(([image, { predictions }]) => predictions[0].label === basename(dirname(image)));
    t.diagnostic(`grocery: the browser names ${right.length} of ${seen.size} photos right`);
    assert.ok(right.length > 0.5 * seen.size);
  });
});

/** The folders that directly contain files. */
function leaves(folder) {
  const entries = readdirSync(folder, { withFileTypes: true });
  const below = entries.filter((e) => e.isDirectory()).flatMap((e) => leaves(join(folder, e.name)));
  return entries.some((e) => e.isFile()) ? [folder, ...below] : below;
}
