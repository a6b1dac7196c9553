// All that a browser's profile folder holds, in the clear as far as that is a matter of reading.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { inflate, isTable, readLog, readTable } from './leveldb.mjs';

/**
 * What is in the files of a profile: each as it is, tables of LevelDB block by block, its logs put together, and values
 * that Chromium has compressed. `compressed` counts the blocks that were, `inflated` the values.
 */
export function readProfile(folder) {
  const self = { files: 0, tables: 0, compressed: 0, inflated: 0, pieces: [] };
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())) {
    const file = join(entry.parentPath, entry.name);
    const bytes = readFileSync(file);
    self.files += 1;
    const keep = (piece) => self.pieces.push({ file, bytes: piece });
    const inflateAll = (values) => {
      for (const value of values) {
        const inner = inflate(value);
        if (!inner) continue;
        self.inflated += 1;
        keep(inner);
      }
    };
    keep(bytes);
    if (isTable(bytes)) {
      const { blocks, compressed, values } = readTable(bytes);
      self.tables += 1;
      self.compressed += compressed;
      blocks.forEach(keep);
      inflateAll(values);
    } else if (/^\d{6}\.log$/.test(basename(file))) {
      const { records, values } = readLog(bytes);
      records.forEach(keep);
      inflateAll(values);
    } else {
      // A value too large for the database is a file of its own.
      inflateAll([bytes]);
    }
  }
  return self;
}

/** The files that hold a marker, bytes or a text in any of the ways in which browsers write text. */
export function filesWith(profile, marker) {
  const forms =
    typeof marker === 'string'
      ? ['utf8', 'latin1', 'utf16le'].map((form) => Buffer.from(marker, form))
      : [Buffer.from(marker)];
  const holds = ({ bytes }) =>
    forms.some((form) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(form));
  return [...new Set(profile.pieces.filter(holds).map(({ file }) => file))];
}
