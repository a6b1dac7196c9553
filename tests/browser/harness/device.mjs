import { PATIENCE } from './browser.mjs';

/** A device: a browser context with a page that opens the channel (`pages/device.js`). */
export class Device {
  static async start(browser, web) {
    const context = await browser.newContext();
    context.setDefaultTimeout(PATIENCE);
    const device = new Device(context, web);
    await device.load();
    return device;
  }

  constructor(context, web) {
    this.context = context;
    this.web = web;
  }

  /** Another page of the same device. */
  async tab() {
    const tab = new Device(this.context, this.web);
    await tab.load();
    return tab;
  }

  /** Replaces the page by a new one, as after a restart of the browser. */
  async load() {
    await this.page?.close();
    this.page = await this.context.newPage();
    await this.page.goto(`${this.web.url}/pages/index.html`);
  }

  /** Calls what `pages/device.js` exports. */
  call(name, ...args) {
    return this.#in('device.js', name, args);
  }

  /** Calls what `pages/store.js` exports. */
  store(name, ...args) {
    return this.#in('store.js', name, args);
  }

  #in(module, name, args) {
    const call = async ([module, name, args]) => (await import(`/pages/${module}`))[name](...args);
    return this.page.evaluate(call, [module, name, args]);
  }

  /** Syncs. Returns the outcome, or the code of the error. */
  async sync() {
    const { value, error } = await this.call('sync');
    if (error && !error.typed)
      throw new Error(`the error ${error.code} has not the class of its code: ${error.message}`);
    return error?.code ?? value.outcome;
  }

  /** Kills the page's process. */
  async crash() {
    const session = await this.context.newCDPSession(this.page);
    const crashed = this.page.waitForEvent('crash');
    session.send('Page.crash').catch(() => undefined);
    await crashed;
  }

  cdp() {
    return this.context.newCDPSession(this.page);
  }

  close() {
    return this.context.close();
  }
}
