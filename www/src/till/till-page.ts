import type { WatchAnswer } from 'jicho';
import { html, nothing, type TemplateResult } from 'lit';

import { explain } from '../app/explain';
import { settings } from '../app/settings';
import { Camera, type CameraState } from '../recognition/camera';
import { locale, t } from '../texts';
import { announce } from '../ui/announce';
import { AppElement } from '../ui/element';
import { icon } from '../ui/icon';
import { answerPanel } from './answer-panel';
import { basketPanel } from './basket-panel';
import type { Product } from './catalogue';
import { CheckoutSheet } from './checkout-sheet';
import { DeviceSheet } from './device-sheet';
import { ItemSheet } from './item-sheet';
import { NEARLY_FULL } from './sales';
import { priceOf, SearchSheet } from './search-sheet';
import { TeachSheet } from './teach-sheet';
import { Till } from './till';
import { type View, viewOf } from './view';

/** Milliseconds that a match is held before it is added by itself, where that is wanted. */
const HOLD = 1200;

const CAMERA_TEXTS = {
  off: null,
  live: null,
  starting: 'camera.starting',
  denied: 'camera.denied',
  missing: 'camera.missing',
  busy: 'camera.busy',
  insecure: 'camera.insecure',
} as const satisfies Record<CameraState, unknown>;

/** The till: the camera's picture, what is in it, and the basket. */
export class TillPage extends AppElement {
  readonly till = new Till();
  readonly #search = new SearchSheet();
  readonly #item = new ItemSheet();
  readonly #teach = new TeachSheet();
  readonly #checkout = new CheckoutSheet();
  readonly #device = new DeviceSheet();
  readonly #video = document.createElement('video');
  readonly #camera = new Camera(this.#video, settings.camera, () => this.#look());
  #photo: File | null = null;
  #photoUrl = '';
  #answer: WatchAnswer | null = null;
  #view: View | null = null;
  #problem = '';
  #open = false;
  #update: (() => void) | null = null;
  #looking: AbortController | undefined;
  #lookedAt: unknown = undefined;
  #hold: ReturnType<typeof setTimeout> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    Object.assign(this.#video, { playsInline: true, muted: true });
    this.#video.setAttribute('aria-label', t('camera.label'));
    this.till.subscribe(() => {
      this.#search.requestUpdate();
      const { model } = this.till.session;
      // Another model answers, or none does any more.
      if (model?.version !== this.#lookedAt) this.#look();
      else if (this.#answer) this.#view = viewOf(this.#answer, this.till.products);
      this.requestUpdate();
    });
    void this.till.start();
    this.#camera.start();
  }

  /** Offers another version of the app, once no customer is being served. */
  offerUpdate(takeOver: () => void): void {
    this.#update = takeOver;
    this.requestUpdate();
  }

  /** Recognises what is shown now: the photo, or else what the camera sees. */
  #look(): void {
    const { session } = this.till;
    this.#looking?.abort();
    // While the channel is being opened, its model is known before it can be asked.
    this.#lookedAt = session.eye ? session.model?.version : undefined;
    this.#show(null);
    this.#problem = '';
    this.requestUpdate();
    if (!session.model || !session.eye) return;
    const { signal } = (this.#looking = new AbortController());
    const failed = (error: unknown): void => {
      if (signal.aborted) return;
      this.#problem = explain(error);
      this.requestUpdate();
    };
    if (this.#photo) {
      session.eye
        .recognize(this.#photo, { signal })
        .then((answer) => this.#show({ ...answer, frames: 1, changed: true }))
        .catch(failed);
    } else if (this.#camera.state === 'live') {
      session.watch(this.#video, (answer) => this.#show(answer), signal).catch(failed);
    }
  }

  #show(answer: WatchAnswer | null): void {
    this.#answer = answer;
    this.#view = answer && viewOf(answer, this.till.products);
    this.requestUpdate();
    if (answer && !answer.changed) return;
    clearTimeout(this.#hold);
    const view = this.#view;
    const [product] = view?.products ?? [];
    if (!view || !product) return;
    if (view.decision === 'match') {
      announce(t('answer.heard', { name: product.name, price: priceOf(product) }));
      if (settings.autoAdd) this.#hold = setTimeout(() => this.#add(product, answer), HOLD);
    } else {
      announce(t('answer.heardUnsure', { names: view.products.map(({ name }) => name).join(', ') }));
    }
  }

  /**
   * Adds a product; one without a price asks for it first. `about` is the answer that it was chosen for: where the camera was not
   * sure, or said something else, it learns from the choice. Without it nothing is learnt, because what was searched for by
   * name need not be before the camera.
   */
  #add(product: Product, about: WatchAnswer | null): void {
    const { label, name, price } = product;
    const matched = about?.decision === 'match' && about.predictions[0]?.label === label;
    const put = (price: number): void => {
      this.till.add({ label, name, price, recognition: about?.id });
      announce(t('basket.added', { name }));
      if (about && !matched) void this.till.learn(about, label).catch(() => undefined);
    };
    if (price === null) this.#item.ask(name, true, product.currency, (_, typed) => put(typed));
    else put(price);
  }

  /** Finds a product, for the answer `about` where there is one that was wrong or unsure. */
  #find(correcting: boolean, about: WatchAnswer | null): void {
    this.#search.find({
      correcting,
      products: () => [...this.till.products.values()],
      video: this.#camera.state === 'live' ? this.#video : null,
      chosen: (product) => void (correcting ? this.#correct(product) : product && this.#add(product, about)),
      teach: (name) => this.#startTeaching(name, correcting),
      openItem: (name) => this.#openItem(name),
    });
  }

  async #correct(product: Product | null): Promise<void> {
    const { basket } = this.till;
    const wrong = basket.lines.find(({ id }) => id === basket.last);
    if (!wrong) return;
    if (!product) {
      this.till.setQuantity(wrong.id, wrong.quantity - 1);
      return;
    }
    const { label, name, price } = product;
    const put = (price: number): Promise<void> =>
      this.till.correct({ label, name, price }).then(
        () => announce(t('basket.corrected', { name })),
        (error: unknown) => announce(explain(error)),
      );
    if (price === null) this.#item.ask(name, true, product.currency, (_, typed) => void put(typed));
    else await put(price);
  }

  #startTeaching(name: string, correcting: boolean): void {
    const { eye } = this.till.session;
    if (!eye) return;
    this.#teach.teach({
      eye,
      source: this.#photo ?? (this.#camera.state === 'live' ? this.#video : null),
      name,
      currency: this.till.currency,
      done: (label, taught, price) => {
        const { currency } = this.till;
        const product = { label, name: taught, price, currency, barcode: null, picture: null };
        if (correcting) void this.#correct(product);
        else this.#add(product, null);
      },
    });
  }

  #openItem(name: string): void {
    this.#item.ask(name, false, this.till.currency, (typed, price) => {
      this.till.add({ label: null, name: typed, price });
      announce(t('basket.added', { name: typed }));
    });
  }

  #choosePhoto(photo: File | null): void {
    URL.revokeObjectURL(this.#photoUrl);
    this.#photo = photo;
    this.#photoUrl = photo ? URL.createObjectURL(photo) : '';
    if (photo) this.#camera.stop();
    else this.#camera.start();
    this.#look();
  }

  get #notice(): string {
    const { session } = this.till;
    if (this.#problem) return this.#problem;
    if (!session.model) return session.refreshing ? t('answer.getting') : session.absence;
    if (this.#photo) return t('answer.looking');
    if (this.#camera.state === 'live') return t('answer.hold');
    return t(this.#camera.state === 'starting' ? 'answer.waiting' : 'answer.photo');
  }

  protected override render(): TemplateResult {
    const actions = {
      add: (product: Product) => this.#add(product, this.#answer),
      search: () => this.#find(false, this.#answer?.decision === 'unknown' ? null : this.#answer),
      teach: () => this.#startTeaching('', false),
      openItem: () => this.#openItem(''),
    };
    return html`
      ${this.#stage()}
      ${this.#bar()}
      <main class="till-main" id="main" tabindex="-1">
        ${answerPanel(this.#view, this.#notice, actions)}
        ${basketPanel(this.till, this.#open, {
          correct: () => this.#find(true, null),
          pay: () => this.#checkout.pay(this.till),
          toggle: () => {
            this.#open = !this.#open;
            this.requestUpdate();
          },
        })}
      </main>
      ${this.#pairing()} ${this.#updateOffer()}
      ${this.#search} ${this.#item} ${this.#teach} ${this.#checkout} ${this.#device}
    `;
  }

  #stage(): TemplateResult {
    const state = this.#camera.state;
    const key = this.#photo ? null : CAMERA_TEXTS[state];
    return html`<section class="stage" aria-label=${t('camera.label')} data-testid="camera" data-state=${state}
      data-decision=${this.#view?.decision ?? 'none'}>
      ${this.#video}
      ${this.#photo ? html`<img src=${this.#photoUrl} alt=${this.#photo.name} />` : nothing}
      <div class="frame" aria-hidden="true"><i></i><i></i><i></i><i></i></div>
      ${
        key
          ? html`<div class="cover" role="status">
              <p data-testid="camera-message">${t(key)}</p>
              ${
                state === 'starting' || state === 'insecure'
                  ? nothing
                  : html`<button type="button" class="quiet" @click=${() => this.#camera.start()}>${t('camera.again')}</button>`
              }
            </div>`
          : nothing
      }
    </section>`;
  }

  #bar(): TemplateResult {
    const { session, sales } = this.till;
    const choose = (event: Event): void => {
      const input = event.target as HTMLInputElement;
      const photo = input.files?.[0];
      // Otherwise choosing the same file again would fire no event.
      input.value = '';
      if (photo) this.#choosePhoto(photo);
    };
    return html`<header class="bar">
      <h1 class="brand">Jicho</h1>
      <p class="pill" data-testid="network-state" data-state=${session.online ? 'online' : 'offline'} role="status">
        ${t(session.online ? 'online.yes' : 'online.no')}
      </p>
      ${
        sales.waiting
          ? html`<button type="button" class="pill" data-testid="queue" data-state=${sales.waiting >= NEARLY_FULL ? 'failed' : 'offline'}
              aria-label=${t('sales.waiting', { count: sales.waiting })}
              @click=${() => this.#device.show(this.till, this.#camera)}>${icon('cloud')} ${sales.waiting.toLocaleString(locale)}</button>`
          : nothing
      }
      <span class="gap"></span>
      ${
        this.#camera.hasTorch
          ? html`<button type="button" class="round tool" aria-pressed=${this.#camera.torch} aria-label=${t('camera.torch')}
              @click=${() => void this.#camera.light(!this.#camera.torch)}>${icon('torch')}</button>`
          : nothing
      }
      ${
        this.#photo
          ? html`<button type="button" class="round tool" aria-label=${t('camera.back')} @click=${() => this.#choosePhoto(null)}>
              ${icon('camera')}</button>`
          : nothing
      }
      <label class="round tool" title=${t('camera.photo')}>${icon('photo')}
        <input type="file" accept="image/*" data-testid="photo-input" aria-label=${t('camera.photo')} @change=${choose} /></label>
      <button type="button" class="round tool" data-testid="find-product" aria-label=${t('search.title')}
        @click=${() => this.#find(false, null)}>${icon('search')}</button>
      <button type="button" class="round tool" data-testid="device" aria-label=${t('device.title')}
        @click=${() => this.#device.show(this.till, this.#camera)}>${icon('settings')}</button>
    </header>`;
  }

  #pairing(): TemplateResult | typeof nothing {
    const { pairing } = this.till;
    if (pairing === 'none') return nothing;
    return html`<div class="update" role="status" data-testid="pairing" data-state=${pairing}>
      <p>${t(`pairing.${pairing}`)}</p>
      <button type="button" class="quiet" @click=${() => this.till.pairingRead()}>${t('close')}</button>
    </div>`;
  }

  #updateOffer(): TemplateResult | typeof nothing {
    // Never during a sale: taking the update reloads the page.
    if (!this.#update || this.till.selling || this.till.finished || this.till.pairing !== 'none') return nothing;
    return html`<div class="update" role="status">
      <p>${t('update.ready')}</p>
      <button type="button" class="quiet" data-testid="update" @click=${this.#update}>${t('update.take')}</button>
    </div>`;
  }
}
customElements.define('jicho-till', TillPage);
