/**
 * What can be recognised. It is captured at the very call: what happens to it later (a canvas is redrawn, a video plays
 * on, a VideoFrame is closed) changes nothing. Nothing of it is consumed, closed or changed.
 */
export type ImageSource =
  | Blob
  | ImageData
  | ImageBitmap
  | HTMLCanvasElement
  | OffscreenCanvas
  | HTMLImageElement
  | HTMLVideoElement
  | VideoFrame;

/** @deprecated The former name of {@link ImageSource}. */
export type PictureSource = ImageSource;
