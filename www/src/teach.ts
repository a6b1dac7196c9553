import type { Jicho, Recognition, TaughtProduct } from 'jicho';

import { explain } from './words';

/** Pictures of a lesson, and milliseconds between them, in which the user turns the product a little. */
const PICTURES = 5;
const PAUSE = 400;

/** The option's value for something that is none of the products. */
const NONE = '';

/** What the panel needs from the page. */
export interface Surroundings {
  eye(): Jicho | undefined;
  /** The camera's video or the chosen photo, which shows the product; null if there is neither. */
  source(): HTMLVideoElement | File | null;
  /** The last answer. */
  answer(): Recognition | undefined;
  /** Called when the panel is opened or closed. While it is open, the answer must not change. */
  toggled(open: boolean): void;
}

/** The panel that teaches this device a new product, or corrects an answer. */
export class Teach {
  readonly #page: Surroundings;
  readonly #panel = found('details.teach', HTMLDetailsElement);
  readonly #form = found('#teach-form', HTMLFormElement);
  readonly #right = found('#correct-label', HTMLSelectElement);
  #about: Recognition | undefined;

  constructor(page: Surroundings) {
    this.#page = page;
    this.#panel.addEventListener('toggle', () => {
      this.#about = this.#panel.open ? page.answer() : undefined;
      this.#say('');
      this.changed();
      page.toggled(this.#panel.open);
    });
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#do(() => this.#teach());
    });
    found('#correct', HTMLButtonElement).addEventListener('click', () => void this.#do(() => this.#correct()));
  }

  get open(): boolean {
    return this.#panel.open;
  }

  /** Shows the taught products, and the products that an answer can be corrected to. */
  changed(): void {
    const eye = this.#page.eye();
    this.#panel.hidden = !eye?.model;
    if (!eye?.model || !this.#panel.open) return;
    const { labels, facts } = eye.model;
    const taught = eye.taught();
    const named = (label: string): string =>
      typeof facts[label]?.['name'] === 'string' ? (facts[label]['name'] as string) : label;
    const all = new Set([...labels, ...taught.flatMap(({ label }) => label ?? [])]);
    const options = [...all]
      .map((label) => new Option(named(label), label))
      .sort((a, b) => a.text.localeCompare(b.text));
    this.#right.replaceChildren(...options, new Option('None of our products', NONE));
    found('#correction', HTMLElement).hidden = !this.#about;
    const line = (product: TaughtProduct): HTMLElement => {
      const item = document.createElement('li');
      const forget = document.createElement('button');
      Object.assign(forget, { type: 'button', className: 'quiet', textContent: 'Forget' });
      forget.addEventListener('click', () => void this.#do(() => this.#forget(product.label)));
      item.append(
        `${product.label === null ? 'None of our products' : named(product.label)} · ${product.frames} ${product.frames === 1 ? 'picture' : 'pictures'} `,
        forget,
      );
      return item;
    };
    found('#taught', HTMLElement).replaceChildren(...taught.map(line));
  }

  async #teach(): Promise<string> {
    const eye = this.#page.eye();
    const source = this.#page.source();
    if (!eye || !source) return 'Show the product to the camera, or choose a photo of it.';
    const name = found('#teach-name', HTMLInputElement).value.trim();
    const price = found('#teach-price', HTMLInputElement).valueAsNumber;
    const frames: (ImageBitmap | File)[] = [];
    if (source instanceof File) frames.push(source);
    else {
      while (frames.length < PICTURES) {
        this.#say(`Turn it a little… ${frames.length + 1} of ${PICTURES}`);
        frames.push(await createImageBitmap(source));
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
      }
    }
    const label = name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '-');
    const facts = { name, ...(Number.isFinite(price) && { price }) };
    const { frames: seen } = await eye.enroll(label, frames, { facts });
    this.#form.reset();
    const hint = seen.flatMap(({ quality }) => quality.findings)[0]?.reason;
    return `“${name}” is known now.${hint ? ` For a better answer: ${hint}.` : ''}`;
  }

  async #correct(): Promise<string> {
    if (!this.#about) return '';
    const { value: label, selectedOptions } = this.#right;
    // Teaching replaces the options, so the text is read first.
    const said = selectedOptions[0]?.text ?? '';
    await this.#page.eye()?.correct(this.#about, label === NONE ? null : label);
    return `Thank you: this was ${said}.`;
  }

  async #forget(label: string | null): Promise<string> {
    await this.#page.eye()?.forget(label);
    return 'Forgotten.';
  }

  /** Runs one action at a time and shows its result. */
  async #do(what: () => Promise<string>): Promise<void> {
    const buttons = [...this.#panel.querySelectorAll('button')];
    for (const button of buttons) button.disabled = true;
    this.#say(await what().catch(explain));
    for (const button of buttons) button.disabled = false;
    this.changed();
  }

  #say(text: string): void {
    const said = found('#teach-said', HTMLElement);
    said.hidden = text === '';
    said.textContent = text;
  }
}

function found<T extends Element>(selector: string, kind: abstract new () => T): T {
  const element = document.querySelector(selector);
  if (!(element instanceof kind)) throw new Error(`the page has no ${selector}`);
  return element;
}
