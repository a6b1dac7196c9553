import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

import { chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

const QUIET = [
  '--disable-gpu',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
];

/** Milliseconds that any wait may take on a slow machine. */
export const PATIENCE = 90_000;

/**
 * Starts the installed Chromium with a persistent profile in the folder `profile`, and a fake camera that plays the MJPEG file
 * `camera`; without that file there is no camera.
 */
export async function launch({ profile, camera, ...options }) {
  const media = ['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream'];
  const args = camera ? [...media, `--use-file-for-fake-video-capture=${camera}`] : [];
  const context = await chromium.launchPersistentContext(profile, { ...settings(args), locale: 'en-GB', ...options });
  context.setDefaultTimeout(PATIENCE);
  return context;
}

/** Starts the installed Chromium. Each of its contexts has storage of its own. */
export function launchBrowser(...args) {
  return chromium.launch(settings(args));
}

function settings(args) {
  return {
    executablePath: findChromium(),
    headless: true,
    // Chromium has no sandbox for root.
    chromiumSandbox: process.getuid?.() !== 0,
    args: [...QUIET, ...args],
  };
}

export function findChromium() {
  const found = process.env.CHROMIUM ?? findProgram(NAMES);
  if (!found)
    throw new Error(`no browser in PATH (${NAMES.join(', ')}): install one, or name its program with CHROMIUM`);
  return found;
}

/** The first program of these names in PATH. */
export function findProgram(names) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram);
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
