// The app teaches a product that was not trained: with the camera, known at once, and still after a reload.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { launch, PATIENCE } from './harness/browser.mjs';
import { film } from './harness/camera.mjs';
import { EASY, jicho, serve } from './harness/companion.mjs';
import { photosOf, shop, temporary } from './harness/shop.mjs';

const APP = fileURLToPath(new URL('../../www/dist', import.meta.url));
const folder = temporary(after);

test('a product is taught with the camera, corrected and forgotten', { timeout: 4 * PATIENCE }, async () => {
  const { all, fewer, newcomer } = await shop(folder, { products: 4, photos: 8 });
  const models = join(folder, 'ml-models');
  await jicho('train', fewer, '--channel', 'T_1', ...EASY, '--out', models);
  const server = await serve({ models, app: APP });
  const camera = film(join(folder, 'newcomer.mjpeg'), photosOf(all, newcomer).slice(0, 1));
  const context = await launch({ profile: join(folder, 'profile'), camera });
  try {
    const page = await context.newPage();
    const problems = [];
    page.on('pageerror', (error) => problems.push(error));
    const says = (id, text) =>
      page.waitForFunction(
        ([id, text]) => document.querySelector(`[data-testid="${id}"]`)?.textContent.includes(text),
        [id, text],
        { timeout: PATIENCE },
      );
    await page.goto(server.url);
    await page.waitForFunction(() => document.querySelector('[data-testid="result-label"]').textContent !== '');
    const panel = page.getByTestId('teach').locator('summary');

    await panel.click();
    await page.getByTestId('teach-name').fill('Kiwi fruit');
    await page.getByTestId('teach-price').fill('3.5');
    await page.getByTestId('teach-now').click();
    await says('teach-said', '“Kiwi fruit” is known now.');
    await says('taught', 'Kiwi fruit · 5 pictures');
    if (process.env.JICHO_SHOTS)
      await page.screenshot({ path: join(process.env.JICHO_SHOTS, 'teach.png'), fullPage: true });
    await panel.click();
    await says('result-label', 'Kiwi fruit');
    assert.equal(await page.locator('#price').textContent(), '3.5');
    if (process.env.JICHO_SHOTS)
      await page.screenshot({ path: join(process.env.JICHO_SHOTS, 'taught.png'), fullPage: true });

    await page.reload();
    await says('result-label', 'Kiwi fruit');
    await panel.click();
    await page.getByTestId('correct-label').selectOption('');
    await page.getByTestId('correct').click();
    await says('teach-said', 'Thank you: this was None of our products.');
    await says('taught', 'None of our products · 1 picture');
    for (const left of [1, 0]) {
      await page.getByTestId('taught').getByRole('button', { name: 'Forget' }).first().click();
      await page.waitForFunction(
        (left) => document.querySelectorAll('[data-testid="taught"] li').length === left,
        left,
      );
    }
    await panel.click();
    await page.waitForFunction(
      () => !['', 'Kiwi fruit'].includes(document.querySelector('[data-testid="result-label"]').textContent),
    );
    assert.deepEqual(problems, []);
  } finally {
    await context.close();
    await server.stop();
  }
});
