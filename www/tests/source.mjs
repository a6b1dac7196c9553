import { sourceIn } from '../../pkg/tests/source.mjs';

/** The app's modules that need no browser. */
export const source = sourceIn(new URL('../src/', import.meta.url));
