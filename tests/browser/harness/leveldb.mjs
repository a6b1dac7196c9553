// Reads the files of LevelDB, which Chromium keeps IndexedDB in: tables compressed block by block, logs in fragments, and
// values that Chromium has compressed once more.
// https://github.com/google/leveldb/blob/main/doc/table_format.md, log_format.md
import { uncompress } from 'snappyjs';

const MAGIC = Buffer.from('57fb808b247547db', 'hex');
const FOOTER = 48;
const _TRAILER = 5;
const LOG_BLOCK = 32_768;
/** The compression type in a block's trailer. */
const SNAPPY = 1;
/** Blink's marker of a value that it compressed with Snappy: version tag, pseudo-version, kind. */
const COMPRESSED = Buffer.from([0xff, 0x11, 0x02]);

/** Whether the file is a table. */
export function isTable(file) {
  return file.length >= FOOTER && file.subarray(-MAGIC.length).equals(MAGIC);
}

/** The decompressed blocks of a table, and how many of them were compressed. */
export function readTable(file) {
  const footer = reader(file.subarray(-FOOTER));
  footer.handle();
  let compressed = 0;
  const block = ([offset, size]) => {
    const bytes = file.subarray(offset, offset + size);
    if (file[offset + size] !== SNAPPY) return bytes;
    compressed += 1;
    return uncompress(bytes);
  };
  const blocks = entries(block(footer.handle())).map(({ value }) => block(reader(value).handle()));
  if (blocks.length === 0) throw new Error('a table without blocks');
  return { blocks, compressed, values: blocks.flatMap((bytes) => entries(bytes).map(({ value }) => value)) };
}

/** The entries of a block: the unshared part of each key, and each value. */
function entries(block) {
  const restarts = 4 * (1 + block.readUInt32LE(block.length - 4));
  const from = reader(block.subarray(0, block.length - restarts));
  const found = [];
  while (from.left() > 0) {
    from.number();
    const [key, value] = [from.number(), from.number()];
    found.push({ key: from.take(key), value: from.take(value) });
  }
  return found;
}

/** The records of a log, joined from fragments, and the values written in them. A log may end anywhere. */
export function readLog(file) {
  const records = [];
  const fragments = [];
  for (let at = 0; at + 7 <= file.length; ) {
    const left = LOG_BLOCK - (at % LOG_BLOCK);
    const [length, type] = [file.readUInt16LE(at + 4), file[at + 6]];
    if (left < 7 || type === 0) {
      at += left;
      continue;
    }
    fragments.push(file.subarray(at + 7, at + 7 + length));
    // The fragment is a whole record, or the last of one.
    if (type === 1 || type === 4) records.push(Buffer.concat(fragments.splice(0)));
    at += 7 + length;
  }
  return { records, values: records.flatMap(batch) };
}

/** The values of a batch of writes. */
function batch(record) {
  const from = reader(record.subarray(12));
  const values = [];
  while (from.left() > 0) {
    const put = from.take(1)[0] === 1;
    from.take(from.number());
    if (put) values.push(from.take(from.number()));
  }
  return values;
}

/** A value as the page wrote it, if Chromium compressed it; a version and a marker precede it. */
export function inflate(value) {
  const at = value.subarray(0, 32).indexOf(COMPRESSED);
  return at < 0 ? undefined : uncompress(value.subarray(at + COMPRESSED.length));
}

function reader(bytes) {
  let at = 0;
  const self = {
    left: () => bytes.length - at,
    take(length) {
      if (at + length > bytes.length) throw new Error('a LevelDB file that ends too soon');
      return bytes.subarray(at, (at += length));
    },
    number() {
      for (let value = 0, scale = 1; ; scale *= 128) {
        const [byte] = self.take(1);
        value += (byte & 127) * scale;
        if (byte < 128) return value;
      }
    },
    /** Of a block: offset and size. */
    handle: () => [self.number(), self.number()],
  };
  return self;
}
