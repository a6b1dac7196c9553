import { type Jicho, JichoError, type Recognition } from 'jicho';

/** Milliseconds from one look to the next: more would warm the phone, and nobody reads faster. */
const PAUSE = 120;

/** Recognises what the video shows, frame after frame, until the signal aborts. */
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
      // A video between two frames, or a worker that is being replaced: the next look tells.
      const passing = error instanceof JichoError && (error.code === 'INVALID_FRAME' || error.code === 'INTERNAL');
      if (!passing) throw error;
    }
    await pause;
  }
}
