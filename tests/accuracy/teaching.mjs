// Measures how long teaching a product takes in a browser.

import { host } from '../bench/harness/host.mjs';
import { launchBrowser, PATIENCE } from '../browser/harness/browser.mjs';

const ROUNDS = 11;
/** Width and height of a camera's frame. */
const [WIDTH, HEIGHT] = [1280, 720];

/**
 * Teaches one product from camera frames, several times, to the channel in `models`, in a worker of the built package:
 * for each time the seconds until the lesson is stored and the product known, and the seconds to recognise the same frames.
 */
export async function teaching({ models, channel, pkg, page: folder, photos }) {
  const mounts = { '/page/': folder, '/pkg/': pkg, '/models/': models };
  photos.forEach((path, i) => (mounts[`/photos/${i}.jpg`] = path));
  const web = await host(mounts);
  const browser = await launchBrowser();
  try {
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(PATIENCE);
    await page.goto(`${web.url}/page/index.html`);
    return await page.evaluate(measure, {
      channel,
      count: photos.length,
      width: WIDTH,
      height: HEIGHT,
      rounds: ROUNDS,
    });
  } finally {
    await browser.close();
    await web.close();
  }
}

async function measure({ channel, count, width, height, rounds }) {
  const frame = async (_, i) => {
    const photo = await createImageBitmap(await (await fetch(`/photos/${i}.jpg`)).blob());
    const scale = Math.max(width / photo.width, height / photo.height);
    const context = new OffscreenCanvas(width, height).getContext('2d');
    const [w, h] = [photo.width * scale, photo.height * scale];
    context.drawImage(photo, (width - w) / 2, (height - h) / 2, w, h);
    return context.getImageData(0, 0, width, height);
  };
  const frames = await Promise.all(Array.from({ length: count }, frame));
  const { Jicho } = await import('/pkg/dist/index.js');
  const eye = await Jicho.open({ channel, models: '/models/', checkEveryMinutes: 0 });
  await eye.sync();
  const seconds = async (act) => {
    const begun = performance.now();
    await act();
    return (performance.now() - begun) / 1000;
  };
  const measured = { teach: [], recognize: [] };
  for (let round = 0; round < rounds; round++) {
    measured.recognize.push(await seconds(() => eye.recognize(frames)));
    measured.teach.push(await seconds(() => eye.enroll('taught', frames)));
    const { predictions } = await eye.recognize(frames);
    if (predictions[0].label !== 'taught') throw new Error(`taught, but named ${predictions[0].label}`);
    await eye.forget('taught');
  }
  eye.dispose();
  return measured;
}
