import { InvalidArgumentError, InvalidFrameError, UnsupportedError } from '../api/errors.js';
import type { PictureSource } from '../api/types.js';

/** A picture on its way to the model; ours to transfer and to free. */
export type Frame = { moment?: Moment | undefined } & (
  | { kind: 'blob'; blob: Blob }
  | { kind: 'bitmap'; bitmap: ImageBitmap }
  | { kind: 'pixels'; rgba: Uint8Array<ArrayBuffer>; width: number; height: number }
);

/** When a picture of a video was taken, by which its motion is told. */
export interface Moment {
  /** Which video. */
  video: number;
  /** Milliseconds of the page's clock. */
  at: number;
}

/** The numbers of the video elements seen so far; 0 is for all VideoFrames, which do not tell where they are from. */
const videos = new WeakMap<HTMLVideoElement, number>();
let lastVideo = 0;

/** The pixels as they are stored: upright, but neither colour-managed nor multiplied with their alpha. */
export const AS_STORED: ImageBitmapOptions = {
  imageOrientation: 'from-image',
  colorSpaceConversion: 'none',
  premultiplyAlpha: 'none',
};

/** Takes a copy of what `source` shows now. Blobs are left to be decoded where the model is. */
export async function capture(source: PictureSource): Promise<Frame> {
  if (is(source, 'Blob')) return { kind: 'blob', blob: source };
  if (is(source, 'ImageData')) return pixelsOf(source);
  const moment = momentOf(source);
  return { kind: 'bitmap', bitmap: await snapshot(source), moment };
}

/** What to transfer rather than copy when a frame is posted. */
export function transferables(frame: Frame): Transferable[] {
  switch (frame.kind) {
    case 'blob':
      return [];
    case 'bitmap':
      return [frame.bitmap];
    case 'pixels':
      return [frame.rgba.buffer];
  }
}

/** Gives an unused frame's memory back. */
export function release(frame: Frame): void {
  if (frame.kind === 'bitmap') frame.bitmap.close();
}

/** Of photos there is none, nor of canvases and bitmaps, which may show one photo after another. */
function momentOf(source: PictureSource): Moment | undefined {
  const at = performance.now();
  if (is(source, 'VideoFrame')) return { video: 0, at };
  if (!is(source, 'HTMLVideoElement')) return undefined;
  const video = videos.get(source) ?? ++lastVideo;
  videos.set(source, video);
  return { video, at };
}

function pixelsOf({ data, width, height }: ImageData): Frame {
  if (!(data instanceof Uint8ClampedArray)) {
    throw new InvalidFrameError('this ImageData has 16-bit pixels: make it with pixelFormat "rgba-unorm8"');
  }
  if (data.length === 0) throw new InvalidFrameError('this ImageData has no pixels: its buffer was transferred away');
  return { kind: 'pixels', rgba: new Uint8Array(data), width, height };
}

async function snapshot(source: Exclude<PictureSource, Blob | ImageData>): Promise<ImageBitmap> {
  if (typeof createImageBitmap !== 'function') throw new UnsupportedError('this browser has no createImageBitmap');
  await checkPixels(source);
  try {
    return await createImageBitmap(source, AS_STORED);
  } catch (error) {
    throw new InvalidFrameError(`the picture cannot be read: ${String(error)}`, { cause: error });
  }
}

async function checkPixels(source: Exclude<PictureSource, Blob | ImageData>): Promise<void> {
  if (is(source, 'HTMLVideoElement')) {
    if (source.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || source.videoWidth === 0) {
      throw new InvalidFrameError('the video shows no picture yet: wait for its "playing" event');
    }
  } else if (is(source, 'HTMLImageElement')) {
    try {
      await source.decode();
    } catch (error) {
      const message = `the image ${source.currentSrc || 'element'} cannot be loaded and decoded`;
      throw new InvalidFrameError(message, { cause: error });
    }
  } else if (is(source, 'VideoFrame')) {
    if (source.codedWidth === 0) throw new InvalidFrameError('the VideoFrame has been closed');
  } else if (is(source, 'ImageBitmap') || is(source, 'HTMLCanvasElement') || is(source, 'OffscreenCanvas')) {
    if (source.width === 0 || source.height === 0) {
      const why = is(source, 'ImageBitmap') ? 'it was closed or transferred' : 'its width or height is 0';
      throw new InvalidFrameError(`the ${kindOf(source)} has no pixels: ${why}`);
    }
  } else {
    const known = 'Blob, ImageData, ImageBitmap, canvas, img, video or VideoFrame';
    throw new InvalidArgumentError(`a picture must be a ${known}, this is ${kindOf(source)}`);
  }
}

interface Kinds {
  Blob: Blob;
  HTMLCanvasElement: HTMLCanvasElement;
  HTMLImageElement: HTMLImageElement;
  HTMLVideoElement: HTMLVideoElement;
  ImageBitmap: ImageBitmap;
  ImageData: ImageData;
  OffscreenCanvas: OffscreenCanvas;
  VideoFrame: VideoFrame;
}

/** By tag rather than by class: a class is another one in each frame of a page, and missing in some browsers. */
function is<K extends keyof Kinds>(source: unknown, kind: K): source is Kinds[K] {
  const found = kindOf(source);
  return found === kind || (kind === 'Blob' && found === 'File');
}

function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}
