import assert from 'node:assert/strict';
import { test } from 'node:test';

import { source } from './source.mjs';

const errors = await source('api/errors');
const { errorOf, isFailure } = await source('api/error-codes');

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
