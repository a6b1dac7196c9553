export { type PrecacheOptions, precacheUrls } from './offline/precache.js';
