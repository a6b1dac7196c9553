import { InvalidFrameError, JichoError, UnsupportedError } from '../api/errors.js';
import type { ImageSource } from '../api/source.js';
import { drawPart, makeContext } from './canvas.js';
import { MAX_PIXELS, type Part, partOf } from './part.js';
import { is, type Size, sizeOf } from './source.js';

/** A snapshot of an image source; ours to transfer to a worker and to free. */
export type Capture = {
  /** As of {@link partOf}: how many pixels a side the model needs. */
  side: number;
  /** When it was taken, of a video. */
  moment?: Moment | undefined;
} & (
  | { kind: 'blob'; blob: Blob }
  | { kind: 'bitmap'; bitmap: ImageBitmap; source: Size }
  | { kind: 'pixels'; rgba: Uint8Array<ArrayBuffer>; width: number; height: number; source: Size }
);

/** When a frame of a video was captured, by which its motion is measured. */
export interface Moment {
  /** Which video. */
  video: number;
  /** Milliseconds of the page's clock. */
  at: number;
}

/** Milliseconds that an image may take to load. */
const IMAGE_PATIENCE = 30_000;

/** The numbers of the video elements seen so far. 0 stands for all VideoFrames, which do not tell where they are from. */
const videos = new WeakMap<HTMLVideoElement, number>();
let lastVideo = 0;

/**
 * Takes snapshots of what all sources show at this very call. Where one cannot be taken, none is.
 *
 * @param side As of {@link partOf}.
 * @param reserve Told how many bytes a snapshot takes before it is taken; may throw.
 * @throws InvalidFrameError, InvalidArgumentError, UnsupportedError, and what `reserve` throws
 */
export async function captureAll(
  sources: readonly ImageSource[],
  side: number,
  reserve: (bytes: number) => void,
): Promise<Capture[]> {
  const taken = await Promise.allSettled(sources.map((source) => capture(source, side, reserve)));
  const captures = taken.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = taken.find((one) => one.status === 'rejected');
  if (!failed) return captures;
  captures.forEach(release);
  throw failed.reason;
}

/**
 * Nothing is awaited before the snapshot is taken, but that an image has loaded. A blob cannot change, and is decoded
 * where the model is.
 */
export async function capture(
  source: ImageSource,
  side: number,
  reserve: (bytes: number) => void = () => undefined,
): Promise<Capture> {
  if (is(source, 'Blob')) return { kind: 'blob', blob: source, side };
  if (is(source, 'HTMLImageElement') && !source.complete) await loaded(source);
  const moment = momentOf(source);
  const size = sizeOf(source);
  if (size.width * size.height > MAX_PIXELS) throw tooLarge(size);
  const part = partOf(size.width, size.height, side, moment !== undefined);
  reserve(4 * (part.width >> part.halvings) * (part.height >> part.halvings));
  if (is(source, 'ImageData') && isPlain(source, part)) {
    return { kind: 'pixels', rgba: new Uint8Array(source.data), ...size, source: size, side };
  }
  // The browser knows an image's own pixels, where `naturalWidth` is in the pixels of the layout.
  const isUncut = part.width === size.width && part.height === size.height && part.halvings === 0;
  const whole = is(source, 'HTMLImageElement') && isUncut;
  const bitmap = await (whole ? decoded(source) : drawn(source, size, part));
  return {
    kind: 'bitmap',
    bitmap,
    source: whole ? { width: bitmap.width, height: bitmap.height } : size,
    side,
    moment,
  };
}

/** What to transfer rather than copy when a capture is posted. */
export function transferables(capture: Capture): Transferable[] {
  switch (capture.kind) {
    case 'blob':
      return [];
    case 'bitmap':
      return [capture.bitmap];
    case 'pixels':
      return [capture.rgba.buffer];
  }
}

/** Gives the memory of a capture back that is not used any more. */
export function release(capture: Capture): void {
  if (capture.kind === 'bitmap') capture.bitmap.close();
}

export function tooLarge({ width, height }: Size): InvalidFrameError {
  return new InvalidFrameError(`the picture is ${width}x${height}: at most ${MAX_PIXELS} pixels can be used; scale it`);
}

/** Why a browser refuses a picture of another origin that was fetched without CORS. */
export const TAINTED = 'it comes from another origin; serve it with CORS and set crossorigin="anonymous"';

/** Only videos have one. Canvases and bitmaps may show one photo after another, which is no motion. */
function momentOf(source: ImageSource): Moment | undefined {
  const at = performance.now();
  if (is(source, 'VideoFrame')) return { video: 0, at };
  if (!is(source, 'HTMLVideoElement')) return undefined;
  const video = videos.get(source) ?? ++lastVideo;
  videos.set(source, video);
  return { video, at };
}

/** Whether these pixels can be taken as they are: sRGB, and small enough. */
function isPlain({ colorSpace = 'srgb', width, height }: ImageData, part: Part): boolean {
  return colorSpace === 'srgb' && part.width === width && part.height === height && part.halvings === 0;
}

/** Waits for an image that is loading. A lazy one may never be loaded, so it must have been by now. */
async function loaded(image: HTMLImageElement): Promise<void> {
  if (image.loading === 'lazy') {
    const hint = 'the browser loads it when it comes into view; wait for its "load" event, or set loading="eager"';
    throw new InvalidFrameError(`${nameOf(image)} is lazy and not loaded yet: ${hint}`);
  }
  let late: ReturnType<typeof setTimeout> | undefined;
  const events = new AbortController();
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string) => (): void => reject(new InvalidFrameError(`${nameOf(image)} ${why}`));
      image.addEventListener('load', () => resolve(), events);
      image.addEventListener('error', fail('cannot be loaded and decoded'), events);
      late = setTimeout(fail(`was not loaded within ${IMAGE_PATIENCE / 1000} seconds`), IMAGE_PATIENCE);
    });
  } finally {
    events.abort();
    clearTimeout(late);
  }
}

/** The whole image, at its own size. */
async function decoded(image: HTMLImageElement): Promise<ImageBitmap> {
  if (typeof createImageBitmap !== 'function') throw new UnsupportedError('this browser has no createImageBitmap');
  try {
    return await createImageBitmap(image, { imageOrientation: 'from-image', premultiplyAlpha: 'none' });
  } catch (error) {
    throw new InvalidFrameError(`${nameOf(image)} cannot be loaded and decoded`, { cause: error });
  }
}

/**
 * What a source shows, upright and in sRGB, as browsers draw it. Each on a canvas of its own, since one picture of another
 * origin makes a canvas unreadable for good.
 */
async function drawn(source: Exclude<ImageSource, Blob>, size: Size, part: Part): Promise<ImageBitmap> {
  try {
    const context = makeContext(1, 1);
    drawPart(context, is(source, 'ImageData') ? canvasOf(source, size) : source, part);
    const { canvas } = context;
    return 'transferToImageBitmap' in canvas ? canvas.transferToImageBitmap() : await createImageBitmap(canvas);
  } catch (error) {
    if (error instanceof JichoError) throw error;
    const why = (error as Error).name === 'SecurityError' ? TAINTED : String(error);
    throw new InvalidFrameError(`the picture cannot be read: ${why}`, { cause: error });
  }
}

function canvasOf(pixels: ImageData, { width, height }: Size): CanvasImageSource {
  const context = makeContext(width, height);
  context.putImageData(pixels, 0, 0);
  return context.canvas;
}

function nameOf({ currentSrc, src }: HTMLImageElement): string {
  return `the image ${currentSrc || src || 'element'}`;
}
