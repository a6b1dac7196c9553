import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

export const ENGINES = ['jicho', 'onnxruntime-web', 'tfjs-wasm'];

export const MODELS = [
  'mobilenet_v2_1.0_224',
  'mobilenet_v1_0.25_224',
  'mobilenet_v2_0.35_96',
  'mobilenet_v3_small_224',
];

export const PARTS = ['run', 'cold', 'bytes', 'memory', 'quality', 'vault', 'native'];

const VARIANTS = ['relaxed', 'simd', 'scalar'];

const USAGE = `usage: ./build.sh bench [options]
  --json FILE      write the results there too
  --only PARTS     some of ${PARTS.join(',')}
  --models NAMES   some of ${MODELS.join(',')}
  --engines NAMES  some of ${ENGINES.join(',')}
  --rounds N       rounds of each model, in which every engine runs once (25)
  --starts N       cold starts of each engine (7)
  --variant NAME   our wasm build for \`run\` and \`memory\`: ${VARIANTS.join(', ')} (relaxed, as Chromium gets)
`;

/** The command line's options. Exits after printing the help, or an error for options that are invalid. */
export function optionsOf(args) {
  try {
    return parse(args);
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`);
    process.exit(2);
  }
}

function parse(args) {
  const text = (value) => ({ type: 'string', default: value });
  const { values } = parseArgs({
    args,
    options: {
      json: { type: 'string' },
      only: text(PARTS.join(',')),
      models: text(MODELS.join(',')),
      engines: text(ENGINES.join(',')),
      rounds: text('25'),
      starts: text('7'),
      variant: text(VARIANTS[0]),
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  return {
    json: values.json && resolve(values.json),
    parts: some('only', values.only, PARTS),
    models: some('models', values.models, MODELS),
    engines: some('engines', values.engines, ENGINES),
    rounds: count('rounds', values.rounds),
    starts: count('starts', values.starts),
    variant: some('variant', values.variant, VARIANTS)[0],
  };
}

function some(option, text, known) {
  const names = text.split(',');
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`--${option}: "${unknown}" is none of ${known.join(', ')}`);
  return known.filter((name) => names.includes(name));
}

function count(option, text) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${option}: "${text}" is no positive whole number`);
  return value;
}
