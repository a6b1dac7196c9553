// The app that every bundler builds: all that the package asks of a bundler.
import { Jicho } from 'jicho';
import { precacheUrls } from 'jicho/precache';
import { Vault } from 'jicho/vault';

async function answered(run) {
  try {
    return await run();
  } catch (error) {
    return { code: error.code, message: error.message };
  }
}

globalThis.app = {
  /** What a sync comes to, in the worker and the module that were placed: the host has no model. */
  sync: (options) =>
    answered(async () => {
      const eye = await Jicho.open({ channel: 'T_1', models: '/models/', checkEveryMinutes: 0, ...options });
      const { outcome } = await eye.sync();
      eye.dispose();
      return outcome;
    }),
  vault: (options) =>
    answered(async () => {
      const vault = await Vault.open({ name: 'bundled', unlock: 'device', ...options });
      await vault.close();
      return vault.created;
    }),
  urls: () => answered(async () => [...(await precacheUrls()), ...Vault.urls()]),
};
