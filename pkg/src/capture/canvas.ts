import { UnsupportedError } from '../api/errors.js';
import type { Part } from './part.js';

export type Context = OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D;

/** A new canvas in sRGB, to which the browser converts whatever is drawn on it. */
export function makeContext(width: number, height: number, options: CanvasRenderingContext2DSettings = {}): Context {
  const settings = { ...options, colorSpace: 'srgb' } as const;
  const context =
    typeof OffscreenCanvas === 'function'
      ? new OffscreenCanvas(width, height).getContext('2d', settings)
      : onscreen(width, height)?.getContext('2d', settings);
  if (!context) throw new UnsupportedError('this browser has no 2D OffscreenCanvas here; open with { worker: false }');
  return context;
}

function onscreen(width: number, height: number): HTMLCanvasElement | undefined {
  const canvas = globalThis.document?.createElement('canvas');
  return canvas && Object.assign(canvas, { width, height });
}

/** Draws a part of an image, halved as often as it says, so that it fills the canvas, whose size becomes that. */
export function drawPart(context: Context, image: CanvasImageSource, part: Part): void {
  let { left, top, width, height } = part;
  for (let more = part.halvings; more > 1; more -= 1) {
    const half = makeContext(width / 2, height / 2);
    drawScaled(half, image, [left, top, width, height]);
    [image, left, top, width, height] = [half.canvas, 0, 0, width / 2, height / 2];
  }
  const { canvas } = context;
  const [scaledWidth, scaledHeight] = part.halvings > 0 ? [width / 2, height / 2] : [width, height];
  if (canvas.width !== scaledWidth || canvas.height !== scaledHeight) {
    canvas.width = scaledWidth;
    canvas.height = scaledHeight;
  }
  drawScaled(context, image, [left, top, width, height]);
}

function drawScaled(context: Context, image: CanvasImageSource, from: [number, number, number, number]): void {
  context.globalCompositeOperation = 'copy';
  // Bilinear: at half the size each pixel is the mean of four.
  context.imageSmoothingQuality = 'low';
  context.drawImage(image, ...from, 0, 0, context.canvas.width, context.canvas.height);
}
