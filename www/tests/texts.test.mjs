// Texts that nobody uses, plural forms that a language lacks, and sentences that stand in the code itself.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { source } from './source.mjs';

const { texts } = await source('texts/en');
const folder = fileURLToPath(new URL('../src/', import.meta.url));
const code = readdirSync(folder, { recursive: true })
  .filter((file) => file.endsWith('.ts') && !file.startsWith('texts'))
  .map((file) => readFileSync(join(folder, file), 'utf8'))
  .join('\n');

/** Beginnings of keys whose rest is a value: `check.${outcome}`. */
const families = [...code.matchAll(/`([\w.]+\.)\$\{/g)].map(([, beginning]) => beginning);

test('every text is used', () => {
  const unused = Object.keys(texts).filter(
    (key) => !code.includes(`'${key}'`) && !families.some((beginning) => key.startsWith(beginning)),
  );
  assert.deepEqual(unused, []);
});

test('a text with a count has the plural forms of its language', () => {
  const forms = new Intl.PluralRules('en').resolvedOptions().pluralCategories.sort();
  for (const [key, text] of Object.entries(texts)) {
    if (typeof text !== 'string') assert.deepEqual(Object.keys(text).sort(), forms, key);
  }
});

test('no sentence stands in a template', () => {
  const sentences = [...code.matchAll(/>\s*([A-Z][a-z]+ [a-z’']+[^<>{}$=;]*)</g)].map(([, text]) => text.trim());
  assert.deepEqual(sentences, []);
});
