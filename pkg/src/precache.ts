export { precacheUrls, type PrecacheOptions } from './offline/precache.js';
