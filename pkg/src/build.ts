export { type Build, bestBuild } from './wasm/build.js';
