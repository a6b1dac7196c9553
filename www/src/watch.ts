import { type Jicho, JichoError, type Recognition } from 'jicho';

/** Milliseconds between two frames: nobody reads faster, and a shorter pause would heat the phone. */
const PAUSE = 120;

/** Recognises the video frame by frame until the signal aborts. */
export async function watch(
  eye: Jicho,
  video: HTMLVideoElement,
  onAnswer: (answer: Recognition) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const pause = new Promise((resolve) => setTimeout(resolve, PAUSE));
    try {
      onAnswer(await eye.recognize(video, { signal }));
    } catch (error) {
      if (signal.aborted) return;
      // The video has no frame right now, or the worker is being replaced. The next frame will show.
      const passing = error instanceof JichoError && (error.code === 'INVALID_FRAME' || error.code === 'INTERNAL');
      if (!passing) throw error;
    }
    await pause;
  }
}
