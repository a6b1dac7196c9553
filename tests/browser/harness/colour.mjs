import { crc32, deflateSync } from 'node:zlib';

/** Chromaticities of red, green, blue; all with the white point D65. */
const PRIMARIES = {
  srgb: [
    [0.64, 0.33],
    [0.3, 0.6],
    [0.15, 0.06],
  ],
  p3: [
    [0.68, 0.32],
    [0.265, 0.69],
    [0.15, 0.06],
  ],
  adobe: [
    [0.64, 0.33],
    [0.21, 0.71],
    [0.15, 0.06],
  ],
};
const D65 = [0.3127, 0.329];
/** From D65 to D50, the white point of profiles (Bradford). */
const TO_D50 = [
  [1.0478112, 0.0228866, -0.050127],
  [0.0295424, 0.9904844, -0.0170491],
  [-0.0092345, 0.0150436, 0.7521316],
];
/** Adobe RGB's gamma, as profiles can hold it. */
const GAMMA = 563 / 256;

const toLinear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
const fromLinear = (v) => (v <= 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055);
const CURVES = {
  srgb: { encode: fromLinear },
  p3: { encode: fromLinear },
  adobe: { encode: (v) => v ** (1 / GAMMA) },
};

const times = (a, b) => a.map((row) => b[0].map((_, j) => row.reduce((sum, v, k) => sum + v * b[k][j], 0)));

function inverse([[a, b, c], [d, e, f], [g, h, i]]) {
  const det = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  return [
    [e * i - f * h, c * h - b * i, b * f - c * e],
    [f * g - d * i, a * i - c * g, c * d - a * f],
    [d * h - e * g, b * g - a * h, a * e - b * d],
  ].map((row) => row.map((v) => v / det));
}

const xyz = ([x, y]) => [x / y, 1, (1 - x - y) / y];

/** The matrix from linear light of a space to XYZ. */
function matrix(space) {
  const columns = PRIMARIES[space].map(xyz);
  const points = [0, 1, 2].map((row) => columns.map((column) => column[row]));
  const scale = times(
    inverse(points),
    xyz(D65).map((v) => [v]),
  );
  return points.map((row) => row.map((v, j) => v * scale[j][0]));
}

/** Straight sRGB bytes (RGBA) as samples of another space, red, green, blue each, 0 to `most`. */
export function inSpace(rgba, space, most) {
  const across = times(inverse(matrix(space)), matrix('srgb'));
  const { encode } = CURVES[space];
  const samples = [];
  for (let at = 0; at < rgba.length; at += 4) {
    const light = [0, 1, 2].map((channel) => toLinear(rgba[at + channel] / 255));
    for (const row of across) {
      const value = row.reduce((sum, weight, channel) => sum + weight * light[channel], 0);
      samples.push(Math.round(encode(Math.min(1, Math.max(0, value))) * most));
    }
  }
  return samples;
}

/** A profile of a space as a file has it (ICC version 4). */
export function profile(space) {
  const fixed = (v) => int(Math.round(v * 65536));
  const colorants = times(TO_D50, matrix(space));
  const curve =
    space === 'adobe'
      ? tag('para', Buffer.alloc(4), fixed(GAMMA))
      : tag('para', Buffer.from([0, 3, 0, 0]), ...[2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045].map(fixed));
  const text = Buffer.from(space, 'utf16le').swap16();
  const name = tag('mluc', int(1), int(12), Buffer.from('enUS'), int(text.length), int(28), text);
  const point = (values) => tag('XYZ ', ...values.map(fixed));
  const tags = [
    ['desc', name],
    ['cprt', name],
    ['wtpt', point([0.9642, 1, 0.8249])],
    ...['rXYZ', 'gXYZ', 'bXYZ'].map((key, i) => [key, point(colorants.map((row) => row[i]))]),
    ...['rTRC', 'gTRC', 'bTRC'].map((key) => [key, curve]),
  ];
  let at = 128 + 4 + 12 * tags.length;
  const entries = tags.map(([key, data]) => {
    const entry = Buffer.concat([Buffer.from(key), int(at), int(data.length)]);
    at += data.length;
    return entry;
  });
  const header = Buffer.alloc(128);
  header.writeUInt32BE(at, 0);
  header.set([4, 0x40, 0, 0], 8);
  header.write('mntrRGB XYZ ', 12, 'latin1');
  header.write('acsp', 36, 'latin1');
  Buffer.concat([0.9642, 1, 0.8249].map(fixed)).copy(header, 68);
  return Buffer.concat([header, int(tags.length), ...entries, ...tags.map(([, data]) => data)]);
}

function tag(type, ...parts) {
  const bytes = Buffer.concat([Buffer.from(type), Buffer.alloc(4), ...parts]);
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

/** A PNG of red, green, blue samples with `bits` each, with chunks (type and data) before its pixels. */
export function png(samples, width, height, bits, chunks) {
  const size = bits / 8;
  const rows = Buffer.alloc(height * (1 + 3 * width * size));
  for (let at = 0; at < samples.length; at++) {
    const place = Math.floor(at / (3 * width)) + 1 + at * size;
    if (bits === 16) rows.writeUInt16BE(samples[at], place);
    else rows[place] = samples[at];
  }
  const header = Buffer.concat([int(width), int(height), Buffer.from([bits, 2, 0, 0, 0])]);
  const all = [['IHDR', header], ...chunks, ['IDAT', deflateSync(rows, { level: 1 })], ['IEND', Buffer.alloc(0)]];
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, ...all.map(([type, data]) => chunk(type, data))]);
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  return Buffer.concat([int(data.length), body, int(crc32(body))]);
}

/** The chunks by which a PNG says that it is of a space. */
export const CHUNKS = {
  iCCP: (space) => [['iCCP', Buffer.concat([Buffer.from('icc\0\0', 'latin1'), deflateSync(profile(space))])]],
  'gAMA and cHRM': (space) => [
    ['gAMA', int(Math.round(100000 / GAMMA))],
    ['cHRM', Buffer.concat([D65, ...PRIMARIES[space]].flat().map((v) => int(Math.round(v * 100000))))],
  ],
  sRGB: () => [
    ['sRGB', Buffer.from([0])],
    ['gAMA', int(100000)],
  ],
  'gAMA alone': () => [['gAMA', int(45455)]],
  nothing: () => [],
};

/** The same JPEG, told to be of a space: its colours become other ones. */
export function tagged(jpeg, space) {
  const icc = profile(space);
  const data = Buffer.concat([Buffer.from('ICC_PROFILE\0\x01\x01', 'latin1'), icc]);
  const marker = Buffer.from([0xff, 0xe2, (data.length + 2) >> 8, (data.length + 2) & 255]);
  return Buffer.concat([jpeg.subarray(0, 2), marker, data, jpeg.subarray(2)]);
}

function int(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value | 0);
  return bytes;
}
