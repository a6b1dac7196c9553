import puppeteer from 'puppeteer-core';

import { findChromium, findProgram } from './browser.mjs';

const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--autoplay-policy=no-user-gesture-required'];

/** The browsers that are installed: how each is started, or why it is skipped. */
export const EITHER = {
  Chromium: { start: () => puppeteer.launch({ executablePath: findChromium(), args: ARGS }) },
  Firefox: firefox(),
};

function firefox() {
  const executablePath = process.env.FIREFOX ?? findProgram(['firefox-esr', 'firefox']);
  if (!executablePath) return { skip: 'no firefox-esr in PATH, and no program named by FIREFOX' };
  const start = () =>
    puppeteer.launch({ browser: 'firefox', executablePath, extraPrefsFirefox: { 'media.autoplay.default': 0 } });
  return { start };
}
