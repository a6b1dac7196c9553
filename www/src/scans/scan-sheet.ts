import type { Scan, Stored } from 'jicho/vault';
import { html, nothing, type TemplateResult } from 'lit';

import { locale, t } from '../texts';
import { dateTime, percent } from '../ui/format';
import { icon } from '../ui/icon';
import { Sheet } from '../ui/sheet';

/** One scan in full. */
export class ScanSheet extends Sheet {
  #scan: Stored<Scan> | undefined;
  #picture = '';
  #remove: () => void = () => undefined;

  show(scan: Stored<Scan>, remove: () => void): void {
    this.#scan = scan;
    this.#remove = remove;
    this.#picture = scan.thumbnail ? URL.createObjectURL(scan.thumbnail) : '';
    this.open();
  }

  protected override heading(): string {
    return this.#scan ? nameOf(this.#scan) : '';
  }

  protected override closed(): void {
    URL.revokeObjectURL(this.#picture);
    this.#scan = undefined;
  }

  protected override body(): TemplateResult {
    const scan = this.#scan;
    if (!scan) return html`${nothing}`;
    const attributes = Object.entries(scan.attributes ?? {});
    return html`${this.#picture ? html`<img class="scan-picture" src=${this.#picture} alt=${nameOf(scan)} />` : nothing}
      <p class="note">${dateTime(scan.time)}${scan.geohash ? ` · ${scan.geohash}` : ''}</p>
      ${typeof scan.score === 'number' ? bar(t('scans.score'), scan.score / 100, scan.score.toLocaleString(locale, { maximumFractionDigits: 0 })) : nothing}
      ${(scan.predictions ?? []).slice(0, 5).map(({ label, confidence }) => bar(label, confidence, percent(confidence)))}
      ${
        attributes.length
          ? html`<dl>${attributes.map(
              ([name, { value }]) => html`<div><dt>${name}</dt>
                <dd>${Array.isArray(value) ? value.join(' ') : value.toLocaleString(locale)}</dd></div>`,
            )}</dl>`
          : nothing
      }
      <button type="button" class="quiet danger" data-testid="delete-scan" @click=${() => {
        this.close();
        this.#remove();
      }}>${icon('trash')} ${t('scans.delete')}</button>`;
  }
}
customElements.define('jicho-scan', ScanSheet);

/** A share between 0 and 1 as a bar with its value. */
function bar(name: string, share: number, value: string): TemplateResult {
  return html`<p class="scan-bar"><span>${name}</span> <meter max="1" .value=${share} aria-label=${name}></meter> <b>${value}</b></p>`;
}

/** What a scan showed, in a word. */
export function nameOf({ decision, predictions }: Stored<Scan>): string {
  return (decision !== 'unknown' && predictions?.[0]?.label) || t('answer.unknown');
}
