// Prints how well training recognises the Grocery Store Dataset (Klasson, Zhang & Kjellström 2019): by cross-validation of
// `train` and `val` together, and by training on `train` and evaluating on `val`, whose photos are of other visits. It also
// prints how long training and teaching take.
//
//   node tests/accuracy/accuracy.mjs [--seeds N] [--brief] [BACKBONE …]
//   node tests/accuracy/accuracy.mjs --unseen
//
// `--unseen` pretrains a backbone on half of the products, as the embedded one was on all of them, and evaluates it on the
// other half beside the smallest downloaded backbone. That takes half an hour.
//
// GROCERY is the dataset's folder, BACKBONES the folder of downloaded networks. Without GROCERY nothing is measured, and
// without BACKBONES only the embedded backbone is; the reason is printed.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { median } from '../bench/harness/statistics.mjs';
import { teaching } from './teaching.mjs';

const root = resolve(import.meta.dirname, '../..');
const { GROCERY, BACKBONES } = process.env;
const out = join(root, 'target/accuracy');
const jicho = join(root, 'target/debug/jicho');
/** How many products the shop has whose training is timed. */
const TIMED = 47;
/** How many frames one product is taught from. */
const FRAMES = 5;

const { values, positionals } = parseArgs({
  options: {
    seeds: { type: 'string', default: '3' },
    brief: { type: 'boolean', default: false },
    unseen: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
if (!GROCERY) {
  console.log("skipped: GROCERY is not set; it names the dataset's folder");
  process.exit(0);
}
if (values.unseen && !BACKBONES) {
  console.log('skipped: BACKBONES is not set; it names the folder of downloaded networks, one of which is the teacher');
  process.exit(0);
}
const grocery = resolve(root, GROCERY);
const backbones = resolve(root, BACKBONES ?? '');
const SMALL = join(backbones, 'mobilenet_v1_0.25_128.onnx');
const LARGE = join(backbones, 'mobilenet_v1_1.0_224_quant_embedding_extractor.onnx');
const networks = positionals.length > 0 ? positionals : ['embedded', ...(BACKBONES ? [SMALL, LARGE] : [])];
if (!BACKBONES) console.log('skipped: downloaded networks; BACKBONES is not set, which names their folder');

mkdirSync(out, { recursive: true });
const classes = readFileSync(join(grocery, 'classes.csv'), 'utf8')
  .trim()
  .split(/\r?\n/)
  .slice(1)
  .map((line) => line.split(','))
  .map(([product, number, kind]) => ({ product, number, kind }));
const sets = Object.fromEntries(['train', 'val'].map((set) => [set, rows(set)]));

if (values.unseen) unseen();
else
  for (const network of networks) {
    console.log(`\n### ${network.startsWith('/') ? network.split('/').at(-1) : network}\n`);
    console.log(
      run([
        'crossvalidate',
        '--allow-outside',
        sets.train.file,
        '--test',
        sets.val.file,
        '--label',
        'product',
        '--kind',
        'kind',
        '--seeds',
        values.seeds,
        ...(values.brief ? ['--brief'] : ['--shops', '50']),
        '--backbone',
        network,
      ]),
    );
    console.log(timed(network));
    console.log(await taught());
  }

/** Writes the photos of a split as JSONL. */
function rows(set) {
  const known = new Map(classes.map((row) => [row.number, row]));
  const found = readFileSync(join(grocery, `${set}.txt`), 'utf8')
    .trim()
    .split(/\r?\n/)
    .map((line) => {
      const [path, number] = line.split(/,\s*/);
      const { product, kind } = known.get(number);
      return { image_path: join(grocery, path), product, kind };
    });
  const file = join(out, `${set}.jsonl`);
  writeFileSync(file, found.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return { file, rows: found };
}

/** Trains the first products without the photo cache: the time from reading photos to the published release. */
function timed(network) {
  const products = new Set(classes.slice(0, TIMED).map((row) => row.product));
  const photos = sets.train.rows.filter((row) => products.has(row.product));
  const file = join(out, 'timed.jsonl');
  writeFileSync(file, photos.map(({ image_path, product }) => `${JSON.stringify({ image_path, product })}\n`).join(''));
  const models = join(out, 'models');
  rmSync(models, { recursive: true, force: true });
  const start = process.hrtime.bigint();
  run(['train', file, '--allow-outside', '--channel', 'timed', '--out', models, '--no-cache', '--backbone', network]);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  return `Training of ${TIMED} products, ${photos.length} photos, from photos to published: ${seconds.toFixed(1)} s.`;
}

/** Pretrains a backbone without half of the products, chosen by the hash of their names, and evaluates it on that half. */
function unseen() {
  const hash = ({ product }) => createHash('sha256').update(product).digest('hex');
  const sorted = classes.toSorted((a, b) => (hash(a) < hash(b) ? -1 : 1)).map(({ product }) => product);
  const left = new Set(sorted.slice(0, Math.ceil(sorted.length / 2)));
  const list = join(out, 'left-out.txt');
  writeFileSync(list, [...left].map((product) => `${product}\n`).join(''));
  const made = join(out, 'half');
  run([
    'pretrain',
    '--allow-outside',
    sets.train.file,
    '--held-out',
    sets.val.file,
    '--leave-out',
    list,
    '--teacher',
    LARGE,
    '--teacher-size',
    '224',
    '--out',
    made,
  ]);
  const [train, val] = ['train', 'val'].map((set) => {
    const file = join(out, `${set}-left-out.jsonl`);
    const found = sets[set].rows.filter((row) => left.has(row.product));
    writeFileSync(file, found.map((row) => `${JSON.stringify(row)}\n`).join(''));
    return file;
  });
  for (const network of [join(made, 'backbone.onnx'), SMALL]) {
    for (const [from, to] of [
      [train, val],
      [val, train],
    ]) {
      console.log(`\n### ${network.split('/').at(-1)}, ${from.split('/').at(-1)} to ${to.split('/').at(-1)}\n`);
      console.log(
        run([
          'crossvalidate',
          '--allow-outside',
          from,
          '--test',
          to,
          '--label',
          'product',
          '--kind',
          'kind',
          '--seeds',
          '1',
          '--brief',
          '--backbone',
          network,
        ]),
      );
    }
  }
}

/** Teaches a product that was not in the timed training, from photos of it. */
async function taught() {
  const { product } = classes[TIMED];
  const photos = sets.train.rows
    .filter((row) => row.product === product)
    .slice(0, FRAMES)
    .map((row) => row.image_path);
  const { teach, recognize } = await teaching({
    models: join(out, 'models'),
    channel: 'timed',
    pkg: join(root, 'pkg'),
    page: join(root, 'tests/bench/page'),
    photos,
  });
  return (
    `Teaching a product from ${FRAMES} frames in Chromium: ${median(teach).toFixed(2)} s ` +
    `(first ${teach[0].toFixed(2)} s; recognising the same frames together ${median(recognize).toFixed(2)} s).`
  );
}

function run(args) {
  const { status, stdout, stderr } = spawnSync(jicho, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`jicho ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}
