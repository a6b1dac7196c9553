// Writes given markers through every way into a vault, and what else may lie about in the page meanwhile.
const bytes = (values) => Uint8Array.from(values);

/** `from`: where the package is. */
export async function write(from, markers) {
  const { Vault } = await import(`${from}dist/vault.js`);
  const locks = {
    device: 'device',
    passphrase: { passphrase: markers.passphrase },
    key: { key: bytes(markers.key) },
  };
  for (const [name, unlock] of Object.entries(locks)) {
    const vault = await Vault.open({ name, unlock, retentionDays: { scans: null }, precision: 12, allowPrecise: true });
    await fill(vault, markers);
    // What was sealed is sealed anew, and by another lock; a file of all of it, and one in the clear, are in memory only.
    await vault.rotate();
    const { file } = await vault.export(markers.exported);
    const { text } = await vault.exportPlain('json');
    if (file.size < 1000 || !text.includes(markers.label)) throw new Error('nothing was written');
    if (name === 'key') {
      await vault.relock({ passphrase: markers.relocked });
      const copy = await Vault.open({ name: 'copy', unlock: 'device' });
      await copy.import(file, markers.exported);
      await copy.close();
    }
    await vault.close();
  }
}

/** A JPEG of these parts. */
const jpeg = (...parts) => bytes([0xff, 0xd8, ...parts.flatMap((part) => [...part]), 0xff, 0xd9]);
const table = (content) => [0xff, 0xdb, (content.length + 2) >> 8, (content.length + 2) & 0xff, ...content];
const scan = (data) => [0xff, 0xda, 0, 2, ...data];

async function fill(vault, markers) {
  const thumbnail = jpeg(table(markers.thumbnail));
  const scanned = await vault.add(
    {
      kind: 'scan',
      decision: 'match',
      predictions: [{ label: markers.label, confidence: 0.9 }],
      attributes: { [markers.attribute]: { label: markers.value } },
      version: markers.version,
      thumbnail,
    },
    { place: markers.place },
  );
  await vault.add({ kind: 'correction', scan: scanned, label: markers.correction });
  await vault.add({
    kind: 'prototype',
    label: markers.prototype,
    backbone: markers.backbone,
    embedding: Float32Array.from(markers.embedding),
  });
  await vault.add({ kind: 'sale', order: { customer: markers.order } });
  // So large that it gets a file of its own beside the database.
  const large = jpeg(table(markers.thumbnail), scan(new Uint8Array(200_000).fill(32)), table(bytes(markers.large)));
  await vault.add({ kind: 'scan', predictions: [{ label: markers.another, confidence: 0.5 }], thumbnail: large });
  const deleted = await vault.add({ kind: 'scan', predictions: [{ label: markers.another, confidence: 0.5 }] });
  await vault.delete(deleted);
  // And so much that the database writes tables.
  const random = crypto.getRandomValues(new Uint8Array(30_000)).map((byte) => Math.min(byte, 0xfe));
  const noise = jpeg(table(markers.thumbnail), scan(random));
  for (let i = 0; i < 90; i++)
    await vault.add({ kind: 'scan', predictions: [{ label: `${markers.label}`, confidence: 0.5 }], thumbnail: noise });
}

/** What a careless app would do: keep secrets beside the vault, so that whoever looks for them must find them. */
export async function blunder(secrets) {
  const opening = indexedDB.open('careless');
  opening.onupgradeneeded = () => opening.result.createObjectStore('secrets');
  await new Promise((resolve, reject) => Object.assign(opening, { onsuccess: resolve, onerror: reject }));
  const transaction = opening.result.transaction('secrets', 'readwrite');
  for (const [name, secret] of Object.entries(secrets)) {
    transaction.objectStore('secrets').put(Array.isArray(secret) ? bytes(secret) : secret, name);
  }
  await new Promise((resolve, reject) => Object.assign(transaction, { oncomplete: resolve, onabort: reject }));
  opening.result.close();
}
