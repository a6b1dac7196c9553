import { InvalidFrameError, UnsupportedError } from '../api/errors.js';
import { AS_STORED, type Frame } from './capture.js';

/** `MAX_PIXELS` of the core; checked here too, before a canvas of that size is made. */
export const MAX_PIXELS = 64_000_000;

/** 8-bit sRGB with straight alpha, rows from the top. */
export interface Pixels {
  rgba: Uint8Array;
  width: number;
  height: number;
}

/** Turns frames into pixels at their full size: the core does the one resize, so that it is the same everywhere. */
export class PixelReader {
  #context: OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D | undefined;

  /** Reads and frees the frame. */
  async read(frame: Frame): Promise<Pixels> {
    if (frame.kind === 'pixels') return frame;
    const bitmap = frame.kind === 'bitmap' ? frame.bitmap : await decode(frame.blob);
    try {
      return this.#draw(bitmap);
    } finally {
      bitmap.close();
    }
  }

  #draw(bitmap: ImageBitmap): Pixels {
    const { width, height } = bitmap;
    if (width * height > MAX_PIXELS) {
      throw new InvalidFrameError(
        `the picture is ${width}x${height}: at most ${MAX_PIXELS} pixels can be used; scale it`,
      );
    }
    this.#context ??= makeContext();
    const { canvas } = this.#context;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    try {
      this.#context.globalCompositeOperation = 'copy';
      this.#context.drawImage(bitmap, 0, 0);
      const { data } = this.#context.getImageData(0, 0, width, height, { colorSpace: 'srgb' });
      return { rgba: new Uint8Array(data.buffer), width, height };
    } catch (error) {
      const why =
        (error as Error).name === 'SecurityError'
          ? 'it comes from another origin; serve it with CORS and set crossorigin="anonymous"'
          : String(error);
      throw new InvalidFrameError(`the pixels of the ${width}x${height} picture cannot be read: ${why}`, {
        cause: error,
      });
    }
  }
}

async function decode(blob: Blob): Promise<ImageBitmap> {
  if (typeof createImageBitmap !== 'function') throw new UnsupportedError('this browser has no createImageBitmap');
  try {
    return await createImageBitmap(blob, AS_STORED);
  } catch (error) {
    const name = 'name' in blob ? `"${String(blob.name)}"` : 'the blob';
    const message = `${name} (${blob.type || 'no type'}, ${blob.size} bytes) is no picture that this browser can decode`;
    throw new InvalidFrameError(`${message}: is it a whole JPEG, PNG or WebP file?`, { cause: error });
  }
}

function makeContext() {
  const settings: CanvasRenderingContext2DSettings = { willReadFrequently: true, colorSpace: 'srgb' };
  const context =
    typeof OffscreenCanvas === 'function'
      ? new OffscreenCanvas(1, 1).getContext('2d', settings)
      : globalThis.document?.createElement('canvas').getContext('2d', settings);
  if (!context) throw new UnsupportedError('this browser has no 2D OffscreenCanvas here; open with { worker: false }');
  return context;
}
