import { InvalidArgumentError, JichoError } from '../api/errors.js';
import type { Recognition, WatchAnswer } from '../api/recognition.js';
import { compareScenes, SIDE } from './scene.js';
import { Vote } from './vote.js';

/** Milliseconds between two looks at a scene that has stopped changing. */
const IDLE_PAUSE = 250;

/** What watching needs of a channel. */
export interface Watched {
  recognize(video: HTMLVideoElement, signal: AbortSignal): Promise<Recognition>;
  /** Rises with everything that may change the answer to the same picture: another model, a lesson, other products. */
  epoch(): number;
}

/**
 * The frames per second of the options.
 *
 * @throws InvalidArgumentError
 */
export function fpsOf(fps: unknown = 8): number {
  if (typeof fps !== 'number' || !(fps > 0 && fps <= 60)) {
    throw new InvalidArgumentError('the option "fps" must be a number above 0, at most 60');
  }
  return fps;
}

/** The settled answers to a video, until `signal` aborts. */
export async function* watch(
  channel: Watched,
  video: HTMLVideoElement,
  fps: number,
  signal: AbortSignal,
): AsyncGenerator<WatchAnswer, void, undefined> {
  const small = smallPicture();
  const vote = new Vote();
  let recognised: Uint8ClampedArray | null = null;
  let epoch = channel.epoch();
  let told = '';
  while (!signal.aborted) {
    await visible(signal);
    if (signal.aborted) return;
    const started = performance.now();
    const scene = small(video);
    const change = scene ? compareScenes(recognised, scene) : 'same';
    const anew = epoch !== channel.epoch();
    if (change === 'replaced' || anew) vote.clear();
    const idle = !scene || (change === 'same' && !anew && vote.unanimous);
    if (!idle) {
      epoch = channel.epoch();
      recognised = scene;
      const answer = await channel.recognize(video, signal).catch((error: unknown) => passing(error, signal));
      if (signal.aborted) return;
      const verdict = answer && vote.add(answer);
      if (verdict) {
        const says = `${verdict.answer.decision} ${verdict.answer.decision === 'unknown' ? '' : verdict.answer.predictions[0]?.label}`;
        yield { ...verdict.answer, frames: verdict.frames, changed: says !== told };
        told = says;
      }
    }
    const pause = idle ? Math.max(IDLE_PAUSE, 1000 / fps) : 1000 / fps;
    await after(started + pause - performance.now(), signal);
  }
}

/**
 * Draws the middle of a video very small, to see cheaply whether anything has changed. The function returns null while the
 * video has no frame.
 */
function smallPicture(): (video: HTMLVideoElement) => Uint8ClampedArray | null {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = SIDE;
  const context = canvas.getContext('2d', { alpha: false })!;
  context.imageSmoothingQuality = 'medium';
  return (video) => {
    const { videoWidth: width, videoHeight: height, readyState } = video;
    if (width === 0 || readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return null;
    const side = Math.min(width, height);
    context.drawImage(video, (width - side) / 2, (height - side) / 2, side, side, 0, 0, SIDE, SIDE);
    return context.getImageData(0, 0, SIDE, SIDE).data;
  };
}

/** Lets pass what the next frame may bring right: the video had no frame, or the worker is being replaced. */
function passing(error: unknown, signal: AbortSignal): null {
  if (signal.aborted) return null;
  if (error instanceof JichoError && ['INVALID_FRAME', 'BUSY', 'INTERNAL'].includes(error.code)) return null;
  throw error;
}

function isHidden(): boolean {
  return document.visibilityState === 'hidden';
}

/** Waits until the page is visible, or the signal aborts. */
function visible(signal: AbortSignal): Promise<void> {
  if (!isHidden()) return Promise.resolve();
  return new Promise((resolve) => {
    const look = (): void => {
      if (isHidden() && !signal.aborted) return;
      document.removeEventListener('visibilitychange', look);
      signal.removeEventListener('abort', look);
      resolve();
    };
    document.addEventListener('visibilitychange', look);
    signal.addEventListener('abort', look);
  });
}

/** Waits so many milliseconds, or until the signal aborts. */
function after(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, Math.max(0, ms));
    signal.addEventListener('abort', end);
  });
}
