// Texts that nobody uses or that a language lacks, values and plural forms that a translation has lost, and sentences in the code.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { source } from './source.mjs';

/** Every page's texts by language, English first. */
const sets = [];
for (const prefix of ['', 'shop-']) {
  const languages = {};
  for (const name of ['en', 'sw', 'ar']) languages[name] = (await source(`texts/${prefix}${name}`)).texts;
  sets.push(languages);
}

/** The values that a text names, of each plural form. */
const values = (text) =>
  (typeof text === 'string' ? [text] : Object.values(text)).map((form) => form.match(/\{\w+\}/g) ?? []);

/** Each language of each page's texts, with the English ones. */
const translations = () =>
  sets.flatMap((languages) => Object.entries(languages).map(([name, translated]) => [name, translated, languages.en]));

const folder = fileURLToPath(new URL('../src/', import.meta.url));
const code = readdirSync(folder, { recursive: true })
  .filter((file) => file.endsWith('.ts') && !file.startsWith('texts'))
  .map((file) => readFileSync(join(folder, file), 'utf8'))
  .join('\n');

/** Beginnings of keys whose rest is a value: `check.${outcome}`. */
const families = [...code.matchAll(/`([\w.]+\.)\$\{/g)].map(([, beginning]) => beginning);

test('every text is used', () => {
  const unused = sets
    .flatMap(({ en }) => Object.keys(en))
    .filter((key) => !code.includes(`'${key}'`) && !families.some((beginning) => key.startsWith(beginning)));
  assert.deepEqual(unused, []);
});

test('every language has every text, with the plural forms of its own rules', () => {
  for (const [name, translated, texts] of translations()) {
    const forms = new Intl.PluralRules(name).resolvedOptions().pluralCategories.sort();
    assert.deepEqual(Object.keys(translated).sort(), Object.keys(texts).sort(), name);
    for (const [key, text] of Object.entries(translated)) {
      assert.equal(typeof text, typeof texts[key], `${name}: ${key}`);
      if (typeof text !== 'string') assert.deepEqual(Object.keys(text).sort(), forms, `${name}: ${key}`);
    }
  }
});

test('a translation names the same values', () => {
  for (const [name, translated, texts] of translations()) {
    for (const [key, text] of Object.entries(translated)) {
      const named = (of) => [...new Set(values(of).flat())].sort();
      assert.deepEqual(named(text), named(texts[key]), `${name}: ${key}`);
    }
  }
});

test('no sentence stands in a template', () => {
  const sentences = [...code.matchAll(/>\s*([A-Z][a-z]+ [a-z’']+[^<>{}$=;]*)</g)].map(([, text]) => text.trim());
  assert.deepEqual(sentences, []);
});
