export { bestBuild, type Build } from './wasm/build.js';
