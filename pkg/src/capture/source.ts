import { InvalidArgumentError, InvalidFrameError } from '../api/errors.js';
import type { ImageSource } from '../api/source.js';

/** Pixels of the image source, before anything was cut off or scaled. */
export interface Size {
  width: number;
  height: number;
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
export function is<K extends keyof Kinds>(source: unknown, kind: K): source is Kinds[K] {
  const found = kindOf(source);
  return found === kind || (kind === 'Blob' && found === 'File');
}

/**
 * Pixels of what a source shows now.
 *
 * @throws InvalidFrameError where it shows nothing, InvalidArgumentError where it is no image source.
 */
export function sizeOf(source: Exclude<ImageSource, Blob>): Size {
  if (is(source, 'HTMLVideoElement')) return videoSize(source);
  if (is(source, 'HTMLImageElement')) {
    const { naturalWidth: width, naturalHeight: height } = source;
    if (width > 0 && height > 0) return { width, height };
    throw new InvalidFrameError(
      `the image ${source.currentSrc || source.src || 'element'} cannot be loaded and decoded, or has no size`,
    );
  }
  if (is(source, 'VideoFrame')) {
    if (source.codedWidth === 0) throw new InvalidFrameError('the VideoFrame has been closed');
    return { width: source.displayWidth, height: source.displayHeight };
  }
  if (is(source, 'ImageData')) {
    const { data, width, height } = source;
    if (!(data instanceof Uint8ClampedArray)) {
      throw new InvalidFrameError('this ImageData has 16-bit pixels: make it with pixelFormat "rgba-unorm8"');
    }
    if (data.length > 0) return { width, height };
    throw new InvalidFrameError('this ImageData has no pixels: its buffer was transferred away');
  }
  if (is(source, 'ImageBitmap') || is(source, 'HTMLCanvasElement') || is(source, 'OffscreenCanvas')) {
    const { width, height } = source;
    if (width > 0 && height > 0) return { width, height };
    const why = is(source, 'ImageBitmap') ? 'it was closed or transferred' : 'its width or height is 0';
    throw new InvalidFrameError(`the ${kindOf(source)} has no pixels: ${why}`);
  }
  const known = 'Blob, ImageData, ImageBitmap, canvas, img, video or VideoFrame';
  throw new InvalidArgumentError(`a picture must be a ${known}, this is ${kindOf(source)}`);
}

function videoSize(video: HTMLVideoElement): Size {
  const { readyState, videoWidth: width, videoHeight: height } = video;
  if (readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && width > 0) return { width, height };
  throw new InvalidFrameError(`the video shows no picture: ${whyBlank(video)}`);
}

function whyBlank(video: HTMLVideoElement): string {
  const { error, readyState, networkState, seeking, videoWidth } = video;
  if (error) return `it cannot be loaded or played (${error.message || `MediaError ${error.code}`})`;
  if (networkState === HTMLMediaElement.NETWORK_NO_SOURCE) return 'none of its sources can be loaded';
  if (networkState === HTMLMediaElement.NETWORK_EMPTY)
    return 'it has no source; set src or srcObject, and wait for its "playing" event';
  if (readyState >= HTMLMediaElement.HAVE_METADATA && videoWidth === 0) return 'it has sound only';
  if (seeking) return 'it is seeking; wait for its "seeked" event';
  return 'wait for its "playing" event';
}

function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}
