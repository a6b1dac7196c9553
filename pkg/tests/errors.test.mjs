import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { source } from './source.mjs';

const errors = await source('api/errors');
const { errorOf, isFailure } = await source('api/error-codes');

/** Codes of the Rust library, as the types say that are generated from it. */
function coreCodes() {
  const types = readFileSync(new URL('../../src/boundary/types/shared.d.ts', import.meta.url), 'utf8');
  const union = /type CoreErrorCode =([^;]+);/.exec(types)?.[1] ?? '';
  return [...union.matchAll(/"([A-Z_]+)"|'([A-Z_]+)'/g)].map(([, double, single]) => double ?? single);
}

test('the codes are those of the Rust library, but for the ones that either side keeps to itself', () => {
  const core = coreCodes().filter((code) => code !== 'NEEDS_TRACT');
  assert.ok(core.length > 30);
  const own = ['DISPOSED', 'BUSY'];
  assert.deepEqual(
    errors.ERROR_CODES.filter((code) => !own.includes(code)),
    core,
  );
});

test('each code has a class that is exported by its name', () => {
  for (const code of errors.ERROR_CODES) {
    const { name } = errorOf(code, 'why');
    const error = new errors[name]('why', { cause: 'that' });
    assert.deepEqual([error.code, error.name, error.message, error.cause], [code, name, 'why', 'that']);
    assert.ok(error instanceof errors.JichoError);
  }
});

test('only a plain error with a known code is one of ours', () => {
  assert.ok(isFailure({ code: 'NETWORK', message: 'x' }));
  for (const thrown of [null, undefined, 'NETWORK', { code: 'toString', message: 'x' }, { code: 'NETWORK' }]) {
    assert.ok(!isFailure(thrown));
  }
});
