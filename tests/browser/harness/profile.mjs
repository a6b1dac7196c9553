// Everything that a browser's profile folder holds, decompressed where a format is known.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { inflate, isTable, readLog, readTable } from './leveldb.mjs';

/**
 * The contents of a profile's files: each file as it is, LevelDB's tables block by block, its logs joined from fragments, and
 * values that Chromium compressed. `compressed` counts the decompressed blocks, `inflated` the decompressed values.
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
      // Chromium writes a large value into a file of its own.
      inflateAll([bytes]);
    }
  }
  return self;
}

/** The files that contain a marker: bytes, or a text in any encoding that browsers write. */
export function filesWith(profile, marker) {
  const forms =
    typeof marker === 'string'
      ? ['utf8', 'latin1', 'utf16le'].map((form) => Buffer.from(marker, form))
      : [Buffer.from(marker)];
  const holds = ({ bytes }) =>
    forms.some((form) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(form));
  return [...new Set(profile.pieces.filter(holds).map(({ file }) => file))];
}
