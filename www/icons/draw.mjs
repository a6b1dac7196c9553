// Draws the app's icons: an eye between the corners of a viewfinder. `npm run icons` writes them to public/icons.
import { mkdirSync, writeFileSync } from 'node:fs';
import { crc32, deflateSync } from 'node:zlib';

const INK = [17, 38, 33];
const CREAM = [246, 243, 234];
const SAFFRON = [242, 169, 59];

/** Samples per pixel in each direction, for smooth edges. */
const SAMPLES = 4;

/** The colour at (x, y), each −1–1 from the centre, or null outside the icon. */
function paint(x, y, { rounded, scale }) {
  if (rounded && !inRoundedSquare(x, y, 1, 0.44)) return null;
  const [u, v] = [x / scale, y / scale];
  const distance = Math.hypot(u, v);
  if (distance < 0.115) return CREAM;
  if (distance < 0.27) return SAFFRON;
  // The eye is the intersection of two circles.
  const inEye = Math.hypot(u, v + 0.42) < 0.84 && Math.hypot(u, v - 0.42) < 0.84;
  if (inEye) return distance < 0.33 ? INK : CREAM;
  const onFrame = inRoundedSquare(u, v, 0.92, 0.24) && !inRoundedSquare(u, v, 0.81, 0.14);
  if (onFrame && Math.min(Math.abs(u), Math.abs(v)) > 0.48) return CREAM;
  return INK;
}

function inRoundedSquare(x, y, half, radius) {
  const dx = Math.max(Math.abs(x) - (half - radius), 0);
  const dy = Math.max(Math.abs(y) - (half - radius), 0);
  return Math.hypot(dx, dy) <= radius && Math.abs(x) <= half && Math.abs(y) <= half;
}

function pixel(column, row, size, shape) {
  const sum = [0, 0, 0];
  let inside = 0;
  for (let i = 0; i < SAMPLES * SAMPLES; i++) {
    const x = column + ((i % SAMPLES) + 0.5) / SAMPLES;
    const y = row + (Math.floor(i / SAMPLES) + 0.5) / SAMPLES;
    const color = paint((2 * x) / size - 1, (2 * y) / size - 1, shape);
    if (!color) continue;
    inside += 1;
    for (let c = 0; c < 3; c++) sum[c] += color[c];
  }
  const alpha = Math.round((255 * inside) / SAMPLES ** 2);
  return inside ? [...sum.map((s) => Math.round(s / inside)), alpha] : [0, 0, 0, 0];
}

function png(size, shape) {
  const rows = Buffer.alloc(size * (1 + 4 * size));
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      rows.set(pixel(column, row, size, shape), row * (1 + 4 * size) + 1 + 4 * column);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 6, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const data = deflateSync(rows, { level: 9 });
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

const ICONS = {
  'icon-192.png': [192, { rounded: true, scale: 0.78 }],
  'icon-512.png': [512, { rounded: true, scale: 0.78 }],
  // Launchers crop these to their own shape, so they fill the square and keep the eye in the middle.
  'maskable-512.png': [512, { rounded: false, scale: 0.62 }],
  'apple-touch-180.png': [180, { rounded: false, scale: 0.72 }],
};

const folder = new URL('../public/icons/', import.meta.url);
mkdirSync(folder, { recursive: true });
for (const [name, [size, shape]] of Object.entries(ICONS)) writeFileSync(new URL(name, folder), png(size, shape));
