import { InvalidFrameError, UnsupportedError } from '../api/errors.js';
import { type Context, drawPart, makeContext } from './canvas.js';
import { type Capture, TAINTED, tooLarge } from './capture.js';
import { HEADER_BYTES, sizeInHeader } from './header.js';
import { MAX_PIXELS, partOf } from './part.js';
import type { Size } from './source.js';

/** Decoded pixels: 8-bit sRGB with straight alpha, rows from the top. */
export interface Frame extends Size {
  rgba: Uint8Array<ArrayBuffer>;
  /** Of the image source: larger than the frame where that is only a part of it, or was scaled. */
  source: Size;
}

/** Turns captures into frames. What is left of the resizing the wasm module does, so that it is the same everywhere. */
export class FrameReader {
  #context: Context | undefined;

  /** Reads a capture, and frees it. */
  async read(capture: Capture): Promise<Frame> {
    if (capture.kind === 'pixels') return capture;
    const bitmap = capture.kind === 'bitmap' ? capture.bitmap : await decode(capture.blob);
    try {
      return this.#draw(bitmap, capture.side, capture.kind === 'bitmap' ? capture.source : bitmap);
    } finally {
      bitmap.close();
    }
  }

  #draw(bitmap: ImageBitmap, side: number, { width, height }: Size): Frame {
    const source = { width, height };
    if (bitmap.width * bitmap.height > MAX_PIXELS) throw tooLarge(bitmap);
    const context = (this.#context ??= makeContext(1, 1, { willReadFrequently: true }));
    try {
      drawPart(context, bitmap, partOf(bitmap.width, bitmap.height, side));
      const { canvas } = context;
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height, { colorSpace: 'srgb' });
      return { rgba: new Uint8Array(data.buffer), width: canvas.width, height: canvas.height, source };
    } catch (error) {
      // A canvas with a picture of another origin on it can never be read again.
      this.#context = undefined;
      const why = (error as Error).name === 'SecurityError' ? TAINTED : String(error);
      throw new InvalidFrameError(`the pixels of the ${width}x${height} picture cannot be read: ${why}`, {
        cause: error,
      });
    }
  }
}

async function decode(blob: Blob): Promise<ImageBitmap> {
  if (typeof createImageBitmap !== 'function') throw new UnsupportedError('this browser has no createImageBitmap');
  const size = sizeInHeader(new Uint8Array(await blob.slice(0, HEADER_BYTES).arrayBuffer()));
  if (size && size.width * size.height > MAX_PIXELS) throw tooLarge(size);
  try {
    return await createImageBitmap(blob, { imageOrientation: 'from-image', premultiplyAlpha: 'none' });
  } catch (error) {
    const name = 'name' in blob ? `"${String(blob.name)}"` : 'the blob';
    const message = `${name} (${blob.type || 'no type'}, ${blob.size} bytes) is no picture that this browser can decode`;
    throw new InvalidFrameError(`${message}: is it a whole JPEG, PNG or WebP file?`, { cause: error });
  }
}
