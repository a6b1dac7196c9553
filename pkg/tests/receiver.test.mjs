import assert from 'node:assert/strict';
import { test } from 'node:test';

import { source } from './source.mjs';

const exported = { ...(await source('index')), Vault: (await source('vault')).Vault };
const isClass = ([, value]) => value.prototype && Object.getPrototypeOf(value.prototype) === Object.prototype;
const classes = Object.entries(exported).filter(isClass);

/** What a caller sees of a member that is called on `receiver`. */
async function called(member, receiver) {
  const method = member.value ?? member.get;
  // Of each kind what its check of arguments lets pass, so that the receiver is what is wrong.
  return method.call(receiver, 'x', 'csv', {});
}

test('a method on anything but an object of its class rejects with a typed error', async () => {
  assert.deepEqual(classes.map(([name]) => name).toSorted(), ['Jicho', 'OnnxModel', 'Vault']);
  for (const [name, { prototype }] of classes) {
    const members = Object.entries(Object.getOwnPropertyDescriptors(prototype)).filter(
      ([key]) => key !== 'constructor',
    );
    assert.ok(members.length > 2, name);
    for (const [key, member] of members) {
      for (const receiver of [undefined, null, 'eye', {}, new Proxy(Object.create(prototype), {})]) {
        await assert.rejects(called(member, receiver), { code: 'INVALID_ARGUMENT' }, `${name}.${key} on ${receiver}`);
      }
    }
  }
});
