// Helpers that the tests use in a page beside the library's own calls.
import * as errors from '/pkg/dist/index.js';

const { Jicho, JichoError, OnnxModel } = errors;

export { errors, Jicho, OnnxModel };

export async function photo(url) {
  return (await fetch(url)).blob();
}

/** The result or the error of a promise, as plain data. */
export async function outcome(promise) {
  try {
    return { value: await promise };
  } catch (error) {
    const { code, name, message } = error;
    const typed = error instanceof JichoError && error instanceof (errors[name] ?? Function);
    return { error: { code, name, message, typed } };
  }
}

/** The same picture as every type that the library takes, each with a function that tells whether it is still usable. */
export const SOURCES = {
  Blob: async (blob) => [blob, () => blob.size > 0],
  File: async (blob) => [new File([blob], 'photo.jpg', { type: blob.type }), () => true],
  ImageBitmap: async (blob) => {
    const bitmap = await createImageBitmap(blob);
    return [bitmap, () => bitmap.width > 0];
  },
  ImageData: async (blob) => {
    const { context, canvas } = await draw(blob);
    const data = context.getImageData(0, 0, canvas.width, canvas.height);
    return [data, () => data.data.length > 0];
  },
  HTMLCanvasElement: async (blob) => {
    const { canvas } = await draw(blob);
    return [canvas, () => canvas.width > 0];
  },
  OffscreenCanvas: async (blob) => {
    const bitmap = await createImageBitmap(blob);
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    canvas.getContext('2d').drawImage(bitmap, 0, 0);
    return [canvas, () => canvas.width > 0];
  },
  HTMLImageElement: async (blob) => {
    const image = new Image();
    image.src = URL.createObjectURL(blob);
    return [image, () => image.naturalWidth > 0];
  },
  VideoFrame: async (blob) => {
    const { canvas } = await draw(blob);
    const frame = new VideoFrame(canvas, { timestamp: 0 });
    return [frame, () => frame.codedWidth > 0];
  },
  HTMLVideoElement: async (blob) => {
    const video = await playing(await drawn(blob));
    return [video, () => (video.end(), video.videoWidth > 0)];
  },
};

/** A canvas with the picture, drawn through a CSS filter and `shift` pixels further left. */
export async function drawn(blob, filter = 'none', shift = 0) {
  return (await draw(blob, filter, shift)).canvas;
}

async function draw(blob, filter = 'none', shift = 0) {
  const bitmap = await createImageBitmap(blob);
  const canvas = document.createElement('canvas');
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  const context = canvas.getContext('2d');
  context.filter = filter;
  // What leaves on the left comes in again on the right.
  for (const left of shift ? [-shift, bitmap.width - shift] : [0]) context.drawImage(bitmap, left, 0);
  context.filter = 'none';
  return { canvas, context };
}

/** A video that shows a canvas. */
export async function playing(canvas) {
  const video = document.createElement('video');
  video.muted = true;
  video.srcObject = canvas.captureStream(10);
  const context = canvas.getContext('2d');
  // The stream sends a frame whenever the canvas is drawn to.
  const again = setInterval(() => context.drawImage(canvas, 0, 0), 50);
  await video.play();
  return Object.assign(video, { end: () => clearInterval(again) });
}
