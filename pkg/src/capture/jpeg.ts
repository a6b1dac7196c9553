import { UnsupportedError } from '../api/errors.js';

/** JPEG quality, 0–1. A square of 320 pixels a side takes about 20 KB. */
const QUALITY = 0.9;

/** Encodes a square of opaque RGBA as JPEG. */
export async function jpegOf(square: Uint8Array, side: number): Promise<Uint8Array> {
  const pixels = new ImageData(new Uint8ClampedArray(square), side, side, { colorSpace: 'srgb' });
  const blob = await (typeof OffscreenCanvas === 'function' ? offscreen(pixels) : onscreen(pixels));
  if (blob?.type !== 'image/jpeg') throw new UnsupportedError('this browser makes no JPEG of a canvas');
  return new Uint8Array(await blob.arrayBuffer());
}

async function offscreen(pixels: ImageData): Promise<Blob | null> {
  const canvas = new OffscreenCanvas(pixels.width, pixels.height);
  const context = canvas.getContext('2d');
  if (!context) return null;
  context.putImageData(pixels, 0, 0);
  return canvas.convertToBlob({ type: 'image/jpeg', quality: QUALITY });
}

async function onscreen(pixels: ImageData): Promise<Blob | null> {
  const canvas = globalThis.document?.createElement('canvas');
  if (!canvas) throw new UnsupportedError('this browser has no OffscreenCanvas here; open with { worker: false }');
  Object.assign(canvas, { width: pixels.width, height: pixels.height });
  canvas.getContext('2d')?.putImageData(pixels, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', QUALITY));
}
